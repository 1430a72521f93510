/** The built `penstock explain` against a real Redis. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { EMPTY_CONTROL } from '../../../lib/core/carried-outcome.ts';
import type { ScalingDecision } from '../../../lib/core/types.ts';
import { openStores } from '../../state/support.ts';
import { testRedisUrl, uniqueName } from '../../support/kafka-redis.ts';
import { buildTestCli } from '../../support/process-host.ts';
import { type Ran, penstock } from '../built.ts';

const CHAT = 'llama-8b-chat';

let cli: Awaited<ReturnType<typeof buildTestCli>>;
let prefix: string;
let opened: ReturnType<typeof openStores>;

beforeAll(async () => {
  cli = await buildTestCli();
  prefix = uniqueName('explain');
  opened = openStores({ url: testRedisUrl(), prefix });
  await opened.stores.ledger.record(decision('d_0000000000000001', { wanted: 3 }));
  await opened.stores.ledger.record(decision('d_0000000000000002', { wanted: 5 }));
  // Changed nothing, so it is only the newest, not in the ledger.
  const latest = decision('d_0000000000000003', { wanted: 5 });
  await opened.stores.control.compareAndSet(CHAT, { control: { ...EMPTY_CONTROL, lastWanted: 5 }, latest }, undefined);
});
afterAll(async () => {
  await opened.stores.close();
  await cli.remove();
});

function decision(id: string, { wanted }: { readonly wanted: number }): ScalingDecision {
  return {
    schema: 'penstock.scaling-decision/1',
    id,
    atMs: 1_763_920_803_120,
    workload: CHAT,
    mode: 'act',
    pool: 'default',
    planSeq: 1,
    replicas: { current: 2, ready: 2, wanted },
    binding: 'demand',
    nodeGroups: [],
    trail: [{ rule: 'demand', from: null, to: wanted, unit: 'replicas', because: 'because of the test' }],
    inputs: [],
  };
}

function explain(...args: string[]): Promise<Ran> {
  const env = { PENSTOCK_REDIS_URL: testRedisUrl(), PENSTOCK_KEY_PREFIX: prefix };
  return penstock(['explain', ...args], { script: cli.script, env });
}

const idsOf = (out: string): string[] => [...out.matchAll(/\bd_[0-9a-f]{16}\b/g)].map(([id]) => id);

describe('penstock explain', () => {
  test('a workload: its newest decision, with every step', async () => {
    const { code, out, err } = await explain(CHAT);
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/^llama-8b-chat: grows from 2 to 5 replicas; the last word had "demand"\n/);
    expect(out).toContain('because of the test');
    expect(out).toMatch(/^ {2}not more {2}nothing that is heard asks for more$/m);
    expect(out).toMatch(/^ {2}not less {2}inFlight is missing: .*, and nothing shrinks while it is so$/m);
    expect(idsOf(out)).toEqual(['d_0000000000000003']);
  });

  test('--last: those that changed something, newest first', async () => {
    const { code, out } = await explain(CHAT, '--last', '2');
    expect(code).toBe(0);
    expect(idsOf(out)).toEqual(['d_0000000000000002', 'd_0000000000000001']);
    expect(out.match(/not more +the load asks for \d and no more/g)).toHaveLength(2);
  });

  test.each(['d_0000000000000001', 'd_0000000000000003'])('a decision by its id: %s', async (id) => {
    const { code, out } = await explain(id, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ id, workload: CHAT, whyNot: { more: expect.any(String) } });
  });

  test('what does not exist: exit code 1, nothing on standard output, and what there is instead', async () => {
    const noWorkload = await explain('lama');
    expect([noWorkload.code, noWorkload.out]).toEqual([1, '']);
    expect(noWorkload.err).toContain('known workloads are image-batch, llama-8b-chat');
    const undecided = await explain('image-batch');
    expect([undecided.code, undecided.out]).toEqual([1, '']);
    expect(undecided.err).toContain('it was not decided yet');
    const noDecision = await explain('d_ffffffffffffffff', '--json');
    expect([noDecision.code, noDecision.out]).toEqual([1, '']);
    expect(JSON.parse(noDecision.err)).toMatchObject({ code: 'not-found' });
  });
});
