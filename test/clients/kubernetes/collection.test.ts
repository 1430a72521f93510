import { afterEach, describe, expect, test } from '@jest/globals';
import { VirtualClock } from '../../../lib/base/clock.ts';
import { NotFoundError, TransientError } from '../../../lib/base/errors.ts';
import { silentLogger } from '../../../lib/base/log.ts';
import { recordOf, textOf } from '../../../lib/clients/json-values.ts';
import type { JsonRecord } from '../../../lib/clients/json-values.ts';
import { WatchedCollection } from '../../../lib/clients/kubernetes/collection.ts';
import type { CollectionOptions } from '../../../lib/clients/kubernetes/collection.ts';
import { collections } from '../../../lib/clients/kubernetes/collections.ts';
import { ApiException } from '../../../lib/clients/kubernetes/facade.ts';
import { REQUEST_MS_MAX, kubernetesClient } from '../../../lib/clients/kubernetes/client.ts';
import type { KubernetesClient } from '../../../lib/clients/kubernetes/client.ts';

const gone = new ApiException(404, 'refused', '', {});
const object = (name: string, version: string) => ({ metadata: { name, resourceVersion: version } });
const nameOf = ({ metadata }: JsonRecord): string => textOf(recordOf(metadata)['name']);

const things = (version: string, ...items: readonly JsonRecord[]) => ({
  metadata: { resourceVersion: version },
  items,
});
const bookmark = (version: string) => ({ type: 'BOOKMARK', object: { metadata: { resourceVersion: version } } });
const made = () => ({ what: 'the things', path: '/things', keep: nameOf });
type Line = { readonly type: string; readonly object: { readonly metadata: { readonly resourceVersion: string } } };

describe('WatchedCollection', () => {
  const clock = new VirtualClock();
  /** A server of one kind, by the line. */
  const server = {
    /** The answer to a list; `limit` is 1 where only the version is asked for. */
    list: (_limit: number): unknown => ({ metadata: { resourceVersion: '10' }, items: [object('a', '5')] }),
    /** How long it takes to answer. */
    answerMs: () => 0,
    /** What a watch says 2 s before its end. */
    say: (): readonly Line[] => [],
    /** Thrown by a watch that is to be opened. */
    refuse: (): unknown => undefined,
  };
  const usual = { ...server };
  let lists = 0;
  const client: KubernetesClient = {
    ...kubernetesClient({ kind: 'server', server: 'http://127.0.0.1:1' }, { clock }),
    getJson: async (what, { query }, { requestMsMax = REQUEST_MS_MAX } = {}) => {
      lists += 1;
      if (server.answerMs() > requestMsMax) throw new TransientError(`Cannot ${what}: expected an answer`);
      return server.list(Number(query['limit']));
    },
    lines: async function* (_what, { query }, signal) {
      const refused = server.refuse();
      if (refused !== undefined) throw refused;
      yield '';
      await clock.sleep((Number(query['timeoutSeconds']) - 2) * 1_000, signal);
      for (const line of server.say()) {
        // Versions of these tests have two characters.
        if (line.object.metadata.resourceVersion >= textOf(query['resourceVersion'])) yield JSON.stringify(line);
      }
      await clock.sleep(2_000, signal);
    },
  };
  const deps = { client, clock, log: silentLogger, random: () => 0.5 };
  let open: { close(): Promise<void> } | undefined;
  const collection = (over: Partial<CollectionOptions<string>> = {}): WatchedCollection<string> => {
    const opened = new WatchedCollection<string>(deps, { ...made(), ...over });
    open = opened;
    return opened;
  };
  const pass = async (sec: number): Promise<void> => {
    for (let passed = 0; passed < sec; passed++) await clock.advance(1_000);
  };

  afterEach(async () => {
    await open?.close();
    open = undefined;
    Object.assign(server, usual);
    lists = 0;
  });

  test('a kind that is uninstalled is as one that never was, not one of which nothing is proven', async () => {
    const seen = collection();
    server.say = () => [bookmark('11')];
    await pass(10);
    expect((await seen.read()).items).toEqual(['a']);
    server.refuse = () => gone;
    server.list = () => {
      throw gone;
    };
    await pass(30);
    await expect(seen.read()).rejects.toBeInstanceOf(NotFoundError);
    Object.assign(server, usual);
    await pass(60);
    expect((await seen.read()).items).toEqual(['a']);
  });

  test('where watches open but prove nothing, a list does', async () => {
    const seen = collection();
    await pass(10);
    expect((await seen.read()).items).toEqual(['a']);
    server.list = () => things('20', object('b', '15'));
    await pass(50);
    const { items, asOfMs } = await seen.read();
    expect(items).toEqual(['b']);
    expect(clock.nowMs() - asOfMs).toBeLessThan(45_000);
    // Not more often than that is needed for.
    lists = 0;
    for (let looks = 0; looks < 30; looks++) {
      await pass(10);
      await seen.read();
    }
    expect(lists).toBeLessThanOrEqual(10);
  });

  test.each([
    ['an answer that says no version', {}],
    ['an order of versions that is not known', things('zz', object('b', 'y'))],
  ])('%s proves nothing', async (_what, answer) => {
    server.list = () => things('aa', object('a', '5'));
    const seen = collection();
    server.say = () => [bookmark('aa')];
    await pass(2);
    server.list = () => answer;
    await pass(5);
    const { asOfMs } = await seen.read();
    expect(clock.nowMs() - asOfMs).toBeGreaterThanOrEqual(7_000);
  });

  test('a server that takes seconds for a list proves that a quiet kind is current', async () => {
    server.answerMs = () => 3_000;
    const seen = collection();
    server.say = () => [bookmark('10')];
    for (let looks = 0; looks < 12; looks++) {
      await pass(10);
      const { asOfMs } = await seen.read();
      expect(clock.nowMs() - asOfMs).toBeLessThanOrEqual(22_000);
    }
  });

  test('a proof is not taken back by one that took longer', async () => {
    server.list = () => things('10', object('a', '5'));
    const seen = collection();
    server.say = () => [bookmark('10')];
    await pass(1);
    // The check of the first bookmark waits for its second page until the server has come on and stands still.
    const stop = new AbortController();
    server.list = (limit) =>
      limit === 1 ? things('20') : clock.sleep(20_000, stop.signal).then(() => things('20', object('a', '5')));
    await pass(4);
    server.say = () => [bookmark('15')];
    await pass(5);
    stop.abort();
    server.list = () => things('20', object('b', '18'));
    const { asOfMs: before } = await seen.read();
    await pass(18);
    expect((await seen.read()).asOfMs).toBe(before);
  });

  test('a store that was set back does not have what we wrote, and is believed', async () => {
    const ownWrites = { path: '/apis/x/v1/things', namespace: null };
    const seen = collection({ ownWrites });
    await pass(1);
    const answer = { metadata: { resourceVersion: '99' } };
    client.ownWrites.note({ method: 'PATCH', url: 'http://x/apis/x/v1/things/a' }, answer);
    const blind = seen.read();
    await pass(2);
    await expect(blind).rejects.toThrow(/expected our own write at version 99/);
    await pass(40);
    const seeing = seen.read();
    await pass(2);
    expect((await seeing).items).toEqual(['a']);
  });

  test('an object that cannot be kept is not passed over', async () => {
    let canKeep = false;
    const seen = collection({
      keep: (one) => {
        if (nameOf(one) === 'b' && !canKeep) throw new Error('cannot be kept');
        return nameOf(one);
      },
    });
    server.say = () => [{ type: 'ADDED', object: object('b', '11') }, bookmark('12')];
    await pass(20);
    const before = await seen.read();
    expect(before.items).toEqual(['a']);
    expect(clock.nowMs() - before.asOfMs).toBeGreaterThanOrEqual(20_000);
    canKeep = true;
    await pass(20);
    expect((await seen.read()).items).toEqual(['a', 'b']);
  });

  test('close does not wait for the rest of a long list', async () => {
    server.list = () => ({ metadata: { resourceVersion: '10', continue: 'more' }, items: [] });
    const answer = server.list;
    const seen = collection();
    let closing: Promise<void> | undefined;
    server.list = (limit) => {
      if (lists === 3) closing = seen.close();
      return answer(limit);
    };
    await pass(1);
    await closing;
    expect(lists).toBeLessThanOrEqual(3);
  });

  test('collections that are closed open nothing any more', async () => {
    const all = collections(deps);
    open = all;
    await all.close();
    await expect(all.read({ id: 'things', make: made })).rejects.toThrow(/expected it to be open/);
    await pass(1);
    expect(lists).toBe(0);
  });
});
