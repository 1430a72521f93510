/**
 * What BullMQ's deduplication leaves open, as two small scripts on its keys (BullMQ is pinned to one version; the conformance suite would notice a change).
 * Each is atomic, and every key of a queue is in one hash slot by its prefix.
 */

/**
 * After a wake met an existing job: the earlier time wins.
 * KEYS job, delayed, wait, active, deduplication key, follow-up key. ARGV job id, wanted time, delay [ms], name, data, options, id of the follow-up.
 * `late`: it waits for a time after the wanted one (a retry is left alone: a wake must not shorten its back-off). `ended`: it ran and
 * ended meanwhile. `gone`: a cut-off write left it in no list, where nothing would ever run it; it was removed, wake again. `kept`: it will run at or before the wanted time, or follow the running one.
 */
export const MERGE_WAKE = `
local score = redis.call('ZSCORE', KEYS[2], ARGV[1])
if score then
  local failed = tonumber(redis.call('HGET', KEYS[1], 'atm') or '0')
  if failed == 0 and tonumber(score) >= (tonumber(ARGV[2]) + 1) * 4096 then return 'late' end
  return 'kept'
end
if redis.call('LPOS', KEYS[3], ARGV[1]) then return 'kept' end
if redis.call('LPOS', KEYS[4], ARGV[1]) then
  if tonumber(ARGV[3]) == 0 then return 'kept' end
  local following = redis.call('HGET', KEYS[6], 'opts')
  if following and (tonumber(cjson.decode(following)['delay'] or 0) <= tonumber(ARGV[3])) then return 'kept' end
  redis.call('HSET', KEYS[6], 'name', ARGV[4], 'data', ARGV[5], 'opts', ARGV[6], 'jid', ARGV[7])
  return 'kept'
end
if redis.call('EXISTS', KEYS[1]) == 0 then return 'ended' end
if redis.call('GET', KEYS[5]) == ARGV[1] then redis.call('DEL', KEYS[5], KEYS[6]) end
redis.call('DEL', KEYS[1])
return 'gone'
`;

/**
 * After a job asked to be looked at again: its failures are forgotten, and a wake that came while it ran is due now instead of after it.
 * KEYS job, delayed, follow-up key. ARGV job id. Answers the delay of that wake [ms], or -1 when there was none.
 */
export const SETTLE_AGAIN = `
if not redis.call('ZSCORE', KEYS[2], ARGV[1]) then return -1 end
redis.call('HSET', KEYS[1], 'atm', 0)
local following = redis.call('HGET', KEYS[3], 'opts')
if not following then return -1 end
redis.call('DEL', KEYS[3])
return tonumber(cjson.decode(following)['delay'] or 0)
`;
