/** What holds for every signal kind. */
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { SignalPolicy } from '../../lib/core/policy.ts';
import { demandsOf, signalKinds } from '../../lib/core/signals/index.ts';
import type { SignalDemand } from '../../lib/core/signals/contract.ts';
import type { Reading, SignalName } from '../../lib/core/types.ts';
import { missing, observed, readings, value } from './builders.ts';

const POLICIES: { readonly [Kind in SignalPolicy['kind']]: Extract<SignalPolicy, { kind: Kind }> } = {
  inFlight: { kind: 'inFlight', perReplica: 8 },
  requestRate: { kind: 'requestRate', perReplicaPerSec: 4 },
  tokens: { kind: 'tokens', inputPerSec: 20_000, outputPerSec: 1_000 },
  queueDepth: { kind: 'queueDepth', perReplicaPerSec: 2, drainSec: 60 },
  queueWork: { kind: 'queueWork', perReplicaPerSec: 2, drainSec: 60 },
  kvCache: { kind: 'kvCache', targetRatio: 0.85 },
  gpu: { kind: 'gpu', targetRatio: 0.85 },
};

/** The readings a kind is made of. */
const NAMES: { readonly [Kind in SignalPolicy['kind']]: readonly SignalName[] } = {
  inFlight: ['inFlight', 'queued'],
  requestRate: ['requestRate'],
  tokens: ['inputTokenRate', 'outputTokenRate'],
  queueDepth: ['queueDepth', 'requestRate'],
  queueWork: ['queueWork'],
  kvCache: ['kvCacheRatio'],
  gpu: ['gpuRatio'],
};

function demand(kind: SignalPolicy['kind'], given: Partial<Record<SignalName, Reading>>): SignalDemand {
  const seen = { readings: readings(given), target: observed(4), heard: new Set<SignalName>() };
  const [only] = demandsOf([POLICIES[kind]], seen);
  if (only === undefined) throw new Error('no demand');
  return only;
}

const all = (kind: SignalPolicy['kind'], reading: Reading) =>
  Object.fromEntries(NAMES[kind].map((name) => [name, reading]));

describe.each(Object.keys(signalKinds) as SignalPolicy['kind'][])('signal %s', (kind) => {
  test('has no number while its readings are missing: unknown is not zero', () => {
    expect(demand(kind, all(kind, missing('gone')))).toMatchObject({
      demand: null,
      gap: `${NAMES[kind][0] ?? ''} is missing: gone`,
    });
  });

  test('zero is zero, complete and explained', () => {
    const zero = demand(kind, all(kind, value(0)));
    expect(zero).toMatchObject({ demand: 0, gap: null });
    expect(zero.because).not.toBe('');
  });

  test('a partly covered or old reading has a number and a gap', () => {
    expect(demand(kind, all(kind, value(0.5, { coverageRatio: 0.9 }))).gap).toMatch(/covers only 90 %/);
    expect(demand(kind, all(kind, value(0.5, { ageMs: 31_000 }))).gap).toMatch(/is 31 s old/);
    expect(demand(kind, all(kind, value(0.5, { ageMs: 31_000 }))).demand).toBeGreaterThan(0);
  });

  test('is monotone in each of its readings', () => {
    const number = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(number, number, fc.constantFrom(...NAMES[kind]), (low, more, name) => {
        const base = all(kind, value(low));
        const raised = { ...base, [name]: value(Math.min(1, low + more)) };
        expect(demand(kind, raised).demand).toBeGreaterThanOrEqual(demand(kind, base).demand ?? Infinity);
      }),
    );
  });
});

describe('signals that lose a part', () => {
  test('keep the rest as a lower bound', () => {
    expect(demand('tokens', { inputTokenRate: value(40_000), outputTokenRate: missing('gone') })).toMatchObject({
      demand: 2,
      gap: 'outputTokenRate is missing: gone',
    });
    expect(demand('inFlight', { inFlight: value(16), queued: missing('gone') })).toMatchObject({
      demand: 2,
      gap: 'queued is missing: gone',
    });
    expect(demand('queueDepth', { queueDepth: missing('gone'), requestRate: value(4) }).demand).toBe(2);
  });

  test('parts never reported are not missed', () => {
    expect(demand('inFlight', { inFlight: value(16) })).toMatchObject({ demand: 2, gap: null });
    expect(demand('queueDepth', { queueDepth: value(120) })).toMatchObject({ demand: 1, gap: null });
  });

  test('only a gateway or a queue outlives the pods', () => {
    expect(demand('requestRate', { requestRate: value(1) }).outlivesPods).toBe(false);
    expect(demand('requestRate', { requestRate: value(1, { from: 'gateway' }) }).outlivesPods).toBe(true);
    expect(demand('queueDepth', { queueDepth: value(1) }).outlivesPods).toBe(true);
    expect(demand('queueWork', { queueWork: missing() }).outlivesPods).toBe(false);
  });
});
