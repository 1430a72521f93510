import { describe, expect, test } from '@jest/globals';
import { decideWorkload } from '../../lib/core/decide-workload.ts';
import type { WorkloadInput } from '../../lib/core/decide-types.ts';
import { whyNotLess } from '../../lib/core/why-not/less.ts';
import type { ScalingDecision } from '../../lib/core/types.ts';
import { EMPTY_CONTROL } from '../../lib/core/carried-outcome.ts';
import { observed, readings, T0, value, workloadInput, workloadPolicy } from './builders.ts';

const spec = (scaleDown: Record<string, unknown> = {}, over: Record<string, unknown> = {}) =>
  workloadPolicy({ scaleDown: { windowSec: 0, ...scaleDown }, ...over });

/** Ten run where two would do, and the pods have 30 s. */
function lowered(over: Partial<WorkloadInput> = {}, graceSec = 30) {
  const target = observed(10);
  const control = { ...EMPTY_CONTROL, lastWanted: 10, lastAtMs: T0 - 10_000, wants: [[T0 - 10_000, 10]] as const };
  return workloadInput({
    policy: spec(),
    readings: readings({ inFlight: value(6), queued: value(0) }),
    target: { ...target, pods: target.pods.map((pod) => ({ ...pod, terminationGraceSec: graceSec })) },
    control,
    ...over,
  });
}

const wanted = (input: WorkloadInput) => decideWorkload(input).wanted;

describe('a shrink', () => {
  test('is refused where requests take longer than the grace of the pods, and the field is named', () => {
    const outcome = decideWorkload(lowered({ longestRequestSec: 45 }));
    expect(outcome).toMatchObject({ wanted: 10, binding: 'grace' });
    expect(outcome.hold).toBe(
      'terminationGracePeriodSeconds of the pods is 30 s and requests took at least 45 s, which a shrink would cut off (set terminationGracePeriodSeconds higher, or scaleDown.allowShortGrace: true)',
    );
  });

  test('goes on where the grace is long enough, or where nothing is known of the requests', () => {
    expect(wanted(lowered({ longestRequestSec: 30 }))).toBeLessThan(10);
    expect(wanted(lowered({ longestRequestSec: 45 }, 60))).toBeLessThan(10);
    expect(wanted(lowered({ longestRequestSec: null }))).toBeLessThan(10);
    expect(wanted(lowered())).toBeLessThan(10);
  });

  test('goes on where the policy allows it', () => {
    expect(wanted(lowered({ policy: spec({ allowShortGrace: true }), longestRequestSec: 45 }))).toBeLessThan(10);
  });

  test('goes on where nothing is in flight, as far as everybody was heard', () => {
    const idle = readings({ inFlight: value(0), queued: value(0) });
    expect(wanted(lowered({ readings: idle, longestRequestSec: 45 }))).toBeLessThan(10);
    const partly = readings({ inFlight: value(0, { coverageRatio: 0.97 }), queued: value(0) });
    expect(wanted(lowered({ readings: partly, longestRequestSec: 45 }))).toBe(10);
  });

  test('rests on what the policy says of requests rather than on what was seen', () => {
    const outcome = decideWorkload(lowered({ policy: spec({ longestRequestSec: 600 }), longestRequestSec: 3 }, 300));
    expect(outcome.wanted).toBe(10);
    expect(outcome.hold).toContain('is 300 s and scaleDown.longestRequestSec is 600 s');
    expect(wanted(lowered({ policy: spec({ longestRequestSec: 20 }), longestRequestSec: 45 }))).toBeLessThan(10);
  });

  test('is refused for the pod with the shortest grace, and not for one that is leaving', () => {
    const input = lowered({ longestRequestSec: 45 }, 60);
    if (input.target.kind === 'missing') throw new Error('expected a target');
    const [first, ...others] = input.target.pods;
    if (first === undefined) throw new Error('expected pods');
    const short = { ...first, terminationGraceSec: 10 };
    const withPod = (pod: typeof first) => ({ ...input, target: { ...input.target, pods: [pod, ...others] } });
    expect(wanted(withPod(short) as WorkloadInput)).toBe(10);
    expect(wanted(withPod({ ...short, terminating: true }) as WorkloadInput)).toBeLessThan(10);
  });

  test.each([
    ['SwarmService', 'stop_grace_period'],
    ['MarathonApp', 'taskKillGracePeriodSeconds'],
  ])('of a %s names %s', (kind, field) => {
    const policy = spec({}, { target: { kind, name: 'llama' }, nodeGroups: [] });
    expect(decideWorkload(lowered({ policy, longestRequestSec: 45 })).hold).toContain(`${field} of the pods is 30 s`);
  });

  test('refused for that never stands in the way of growth', () => {
    const busy = readings({ inFlight: value(400), queued: value(40) });
    expect(wanted(lowered({ readings: busy, longestRequestSec: 4_000 }))).toBeGreaterThan(10);
  });

  test('refused for that is what explain says', () => {
    const decision = { mode: 'act', replicas: { current: 10, ready: 10, wanted: 10 }, trail: [], inputs: [] };
    const clause = whyNotLess(decision as unknown as ScalingDecision, lowered({ longestRequestSec: 45 }));
    expect(clause).toContain('terminationGracePeriodSeconds of the pods is 30 s');
  });
});

describe('a clock behind the events', () => {
  test('lowers nothing: what it takes for fresh may be old', () => {
    const outcome = decideWorkload(lowered({ clockBehindMs: 30_000 }));
    expect(outcome.wanted).toBe(10);
    expect(outcome.hold).toContain('this clock is 30 s behind the events');
  });

  test('by little is like any other', () => {
    expect(wanted(lowered({ clockBehindMs: 9_000 }))).toBeLessThan(10);
  });
});
