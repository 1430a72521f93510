/** A decision as a person reads it, with what would have had to be different. */
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { renderExplanation } from '../../../lib/cli/explain/render.ts';
import { EMPTY_CONTROL } from '../../../lib/core/carried-outcome.ts';
import type { WorkloadInput } from '../../../lib/core/decide-types.ts';
import { decideWorkload } from '../../../lib/core/decide-workload.ts';
import type { SignalName } from '../../../lib/core/types.ts';
import { whyNot } from '../../../lib/core/why-not/why-not.ts';
import { firstFall, withValues } from '../../../lib/core/why-not/what-if.ts';
import {
  busyNode,
  groupPolicy,
  missing,
  observed,
  observedGroup,
  poolGroup,
  readings,
  value,
  workloadInput,
  workloadPolicy,
} from '../../core/builders.ts';
import { type Explained, explained } from './explained.ts';

type Readings = WorkloadInput['readings'];

const inFlight = (number: number): Readings => readings({ inFlight: value(number), queued: value(0) });
const arrivals = (number: number): Readings => readings({ requestRate: value(number, { from: 'gateway' }) });
const silence = readings({ inFlight: missing('last pod report is 45 s old') });
const times = (count: number, said: Readings): Readings[] => Array.from({ length: count }, () => said);

/** The text of one row. */
function row({ text }: Explained, name: string): string {
  const line = text.split('\n').find((one) => one.startsWith(`  ${name} `));
  return line?.slice(name.length + 2).trim() ?? '';
}

describe('the whole text', () => {
  test('a growth with new nodes', () => {
    const policy = workloadPolicy({ nodeGroups: ['g5-od'] });
    const said = readings({ inFlight: value(41), queued: value(4) });
    const { text } = explained(workloadInput({ policy, readings: said }));
    const lines = text.split('\n');
    expect(lines[0]).toMatch(/^llama-8b-chat: grows from 4 to \d+ replicas; the last word had "\w+"$/);
    expect(lines[1]).toBe('d_ID, 2025-11-23T18:00:00.000Z, mode act, pool default, plan 1763920800000');
    expect(lines[2]).toMatch(/^ {2}demand +5\.63 replicas +41 requests in flight and 4 waiting over 8 a replica$/);
    expect(text).toMatch(
      /^ {2}nodes +4 → \d+ nodes +g5-od: \d+ more nodes for replicas that fit on no node there is; a node takes 180 s \(the policy's figure\)$/m,
    );
    expect(text).toMatch(/^ {2}read +inFlight 41 \(0\.9 s old\); queued 4 \(0\.9 s old\)$/m);
    expect(lines.at(-1)).toMatch(
      /^ {2}costs +nodes g5-od 4 → \d+; 4\.02 → \d+\.\d\d USD\/h; lead time 180 s \(the policy's figure\)$/,
    );
  });

  test('a reading of a part of the sources says which part, once', () => {
    const said = readings({ inFlight: value(41, { coverageRatio: 0.39 }), queued: value(4) });
    const text = row(explained(workloadInput({ readings: said })), 'read');
    expect(text).toBe('inFlight 41 (0.9 s old, coverage 39 %); queued 4 (0.9 s old)');
  });

  test('a lead time that was learned says of how many starts', () => {
    const starts = Array.from({ length: 12 }, () => [71, 1, 'pod'] as const);
    const leadTimes = { seenMs: 0, waiting: [], starts, policySec: 180, inForce: { p50: 71, p90: 95 } };
    const { decision } = explained(workloadInput({ control: { ...EMPTY_CONTROL, leadTimes } }));
    expect(decision.leadTimeSec).toEqual({ p50: 71, p90: 95, starts: 12 });
    expect(renderExplanation(decision, { more: '', less: '' })).toMatch(
      /lead time 71 s, p90 95 s \(learned from 12 starts\)$/,
    );
  });

  test('has ten lines at most, however many rules had a say, and names those it folds', () => {
    const signals = [
      { kind: 'inFlight', perReplica: 8 },
      { kind: 'requestRate', perReplicaPerSec: 8 },
    ];
    const policy = workloadPolicy({ replicas: { max: 20 }, nodeGroups: ['g5-od'], signals });
    const said = readings({ inFlight: value(100), requestRate: value(300) });
    const { text, decision } = explained(workloadInput({ policy, readings: said }));
    expect(decision.trail.length).toBeGreaterThan(4);
    expect(text.split('\n').length).toBeLessThanOrEqual(10);
    expect(text).toMatch(/^ {2}… .*headroom .* → .* replicas.*\(--json shows why\)$/m);
  });

  test('control characters in names and reasons do not reach the terminal', () => {
    const { text } = explained(workloadInput({ readings: readings({ inFlight: missing('\u001b[2Jgone') }) }));
    expect(text).not.toContain('\u001b');
    expect(text).toContain('?[2Jgone');
  });

  test('is the same bytes for the same inputs', () => {
    const input = workloadInput({ readings: inFlight(20) });
    const past = [...times(5, inFlight(60)), ...times(5, inFlight(20))];
    expect(explained(input, { past }).text).toBe(explained(input, { past }).text);
  });
});

describe('not more', () => {
  test('one more replica: from which reading on', () => {
    expect(row(explained(workloadInput({ readings: inFlight(41) })), 'not more')).toMatch(
      /^one more replica from 4\d\.\d requests in flight on \(now 41\)$/,
    );
    const policy = workloadPolicy({ signals: [{ kind: 'requestRate', perReplicaPerSec: 8 }] });
    expect(row(explained(workloadInput({ policy, readings: arrivals(41) })), 'not more')).toMatch(
      /^one more replica from 4\d(\.\d)? requests\/s on \(now 41\)$/,
    );
  });

  test('of several readings the one that is nearest; a guard in percent', () => {
    const policy = workloadPolicy({ signals: [{ kind: 'inFlight', perReplica: 8 }, { kind: 'kvCache' }] });
    const said = readings({ inFlight: value(8), queued: value(0), kvCacheRatio: value(0.8) });
    expect(row(explained(workloadInput({ policy, readings: said })), 'not more')).toBe(
      'one more replica from 85 % KV-cache use on (now 80 %)',
    );
  });

  test('the maximum, and what the load asks for', () => {
    const policy = workloadPolicy({ replicas: { max: 10 } });
    expect(row(explained(workloadInput({ policy, readings: inFlight(200) })), 'not more')).toMatch(
      /^replicas\.max is 10 \(the load asks for \d\d\)$/,
    );
  });

  test('no GPUs: which group could not help', () => {
    const policy = workloadPolicy({ nodeGroups: ['g5-od'] });
    const nodes = observedGroup([0, 1, 2, 3].map((index) => busyNode(`node-${index}`)));
    const group = poolGroup(nodes, { policy: groupPolicy({ nodes: { max: 5 } }) });
    const said = explained(workloadInput({ policy, readings: inFlight(80) }), { nodeGroups: [group] });
    expect(row(said, 'not more')).toMatch(/^\d of 1\d replicas cannot have GPUs: g5-od is at nodes\.max 5$/);
  });

  test('unknown load: nothing asks, or from when on the fallback does', () => {
    const input = workloadInput({ readings: silence, target: observed(6) });
    expect(row(explained(input, { past: times(3, inFlight(32)) }), 'not more')).toBe(
      'nothing that is heard asks for more',
    );
    const policy = workloadPolicy({ fallback: { afterSec: 120, replicas: 9 } });
    expect(row(explained({ ...input, policy }, { past: times(3, inFlight(32)) }), 'not more')).toBe(
      'the load is unknown; at least 9 replicas from 18:02:00 on if it stays so (fallback)',
    );
    const long = explained({ ...input, policy }, { past: times(15, silence) });
    expect(row(long, 'not more')).toBe('the load is unknown, and the fallback of 9 is in force');
  });
});

describe('not less', () => {
  test('a peak is held: until when, with the load as it is', () => {
    const past = [...times(30, inFlight(60)), ...times(5, inFlight(20))];
    expect(row(explained(workloadInput({ readings: inFlight(20) }), { past }), 'not less')).toMatch(
      /^one less at 18:02:[01]0 if the load stays as it is \(\d+ replicas wanted 60 s ago, within the window of 180 s\)$/,
    );
  });

  test('the load itself: under which reading, and when', () => {
    const steady = explained(workloadInput({ readings: inFlight(40) }), { past: times(30, inFlight(40)) });
    expect(row(steady, 'not less')).toMatch(
      /^one less at 18:03:10 with at most 3\d(\.\d)? requests in flight until then \(now 40; \d replicas wanted 10 s ago, within the window of 180 s\)$/,
    );
  });

  test('two signals must fall together', () => {
    const signals = [
      { kind: 'inFlight', perReplica: 8 },
      { kind: 'queueDepth', perReplicaPerSec: 1, drainSec: 60 },
    ];
    const said = readings({ inFlight: value(38), queued: value(0), queueDepth: value(350) });
    const both = explained(workloadInput({ policy: workloadPolicy({ signals }), readings: said }));
    expect(row(both, 'not less')).toMatch(
      /^one less at 18:03:10 with at most [\d.]+ requests in flight and [\d.]+ messages waiting until then \(now 38 and 350; /,
    );
  });

  test('the minimum', () => {
    const policy = workloadPolicy({ replicas: { min: 4, max: 10 } });
    expect(row(explained(workloadInput({ policy, readings: inFlight(2) })), 'not less')).toBe('replicas.min is 4');
  });

  test('a limit per minute', () => {
    const policy = workloadPolicy({ scaleDown: { windowSec: 0, maxPerMinute: 1 } });
    const said = explained(workloadInput({ policy, readings: inFlight(8) }), { past: [inFlight(60), inFlight(8)] });
    expect(row(said, 'not less')).toBe(
      'one less at 18:00:50 if the load stays as it is (0 replicas may go now (scaleDown.maxPerMinute 1))',
    );
  });

  test('never, when nothing may go', () => {
    const policy = workloadPolicy({ scaleDown: { maxPerMinute: '0%' } });
    const said = explained(workloadInput({ policy, readings: inFlight(40) }), { past: times(30, inFlight(40)) });
    expect(row(said, 'not less')).toBe('not even without load: 0 replicas may go now (scaleDown.maxPerMinute 0%)');
  });

  test('to zero: not before it is proven', () => {
    const policy = workloadPolicy({
      replicas: { min: 0, max: 10 },
      signals: [{ kind: 'requestRate', perReplicaPerSec: 8 }],
    });
    const said = readings({ requestRate: value(0, { from: 'pod' }) });
    expect(row(explained(workloadInput({ policy, readings: said, target: observed(1) })), 'not less')).toBe(
      'not even without load: zero is not proven: no gateway or queue says that nothing comes',
    );
  });

  test('a signal is missing', () => {
    const said = explained(workloadInput({ readings: silence, target: observed(6) }), { past: times(3, inFlight(32)) });
    expect(said.text).toMatch(/^llama-8b-chat: stays at \d replicas; the last word had "hold"\n/);
    expect(row(said, 'read')).toMatch(/^inFlight missing \(45 s old\): last pod report is 45 s old; queued missing/);
    expect(row(said, 'not less')).toMatch(/^inFlight is missing: .* 45 s old, and nothing shrinks while it is so$/);
  });

  test.each<[string, Partial<WorkloadInput>, string]>([
    ['an old snapshot', { snapshotAgeMs: 45_000, target: observed(6) }, 'the snapshot is 45 s old'],
    ['a rollout', { target: observed(6, { rolloutInProgress: true }) }, 'a rollout is in progress'],
    ['a cold window', { target: observed(6), warmRatio: 0.05 }, 'cold: 45 s of load heard, 180 s needed'],
    ['an unseen target', { target: { kind: 'missing', reason: 'timeout' } }, 'the target is not observed: timeout'],
    [
      'a rebuilt history',
      { target: observed(6), holdUntilMs: 1_763_920_900_000 },
      'the load history is being rebuilt, for 90 s more',
    ],
  ])('%s', (_, over, reason) => {
    const said = explained(workloadInput({ readings: inFlight(8), ...over }));
    expect(row(said, 'not less')).toBe(`${reason}, and nothing shrinks while it is so`);
  });

  test('an event only raises: what the next full evaluation will do', () => {
    const said = explained(workloadInput({ kind: 'leading', readings: inFlight(8), target: observed(6) }));
    expect(row(said, 'not less')).toMatch(/^one less at 18:03:\d0 if the load stays as it is \(6 replicas wanted/);
  });

  test('to zero: when', () => {
    const policy = workloadPolicy({
      replicas: { min: 0, max: 10 },
      signals: [{ kind: 'requestRate', perReplicaPerSec: 8 }],
    });
    const said = explained(workloadInput({ policy, readings: arrivals(0), target: observed(1) }), {
      past: times(2, arrivals(0)),
    });
    expect(row(said, 'not less')).toMatch(/^one less at 18:02:[45]0 if the load stays as it is \(1 replica wanted/);
  });
});

describe('both', () => {
  test('paused', () => {
    const policy = workloadPolicy({ mode: 'paused' });
    const said = explained(workloadInput({ policy, readings: inFlight(80), target: observed(6) }));
    expect([row(said, 'not more'), row(said, 'not less')]).toEqual(['mode is paused', 'mode is paused']);
  });

  test('an old decision of which only the record is left: its trail speaks', () => {
    const peak = [...times(5, inFlight(60)), ...times(5, inFlight(20))];
    const { decision } = explained(workloadInput({ readings: inFlight(20) }), { past: peak });
    const { more, less } = whyNot(decision, null);
    expect(more).toMatch(/^the load asks for \d only$/);
    expect(less).toMatch(/^\d+ replicas wanted 60 s ago, within the window of 180 s$/);
    const grown = whyNot(explained(workloadInput({ readings: inFlight(60) })).decision, null);
    expect(grown.less).toMatch(/^the load asks for \d+ and no more$/);
  });
});

describe('law: what it says is true', () => {
  /** The figure and the name of a threshold. */
  const THRESHOLD = /(?:from|at most) ([\d.]+) (requests in flight|requests\/s)/;

  test('the reading it names raises the count, and a little less does not; under the other one the count falls by then', () => {
    const names: Readonly<Record<string, SignalName>> = {
      'requests in flight': 'inFlight',
      'requests/s': 'requestRate',
    };
    const signals = [
      { kind: 'inFlight', perReplica: 8 },
      { kind: 'requestRate', perReplicaPerSec: 8 },
    ] as const;
    fc.assert(
      fc.property(
        fc.nat(1),
        fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 8 }),
        (which, loads) => {
          const policy = workloadPolicy({ replicas: { max: 200 }, signals: [signals[which]] });
          const said = loads.map((load) => (which === 0 ? inFlight(load) : arrivals(load)));
          const { decision, next } = explained(workloadInput({ policy, readings: said.at(-1) ?? said[0] ?? silence }), {
            past: said,
          });
          const { more, less } = whyNot(decision, next);
          const { wanted } = decision.replicas;
          const [, from = '', fromName = ''] = THRESHOLD.exec(more) ?? [];
          const at = (share: number): number =>
            decideWorkload({
              ...next,
              readings: withValues(next.readings, { [names[fromName] ?? 'inFlight']: Number(from) * share }),
            }).wanted;
          if (from !== '') expect([at(1.0005) > wanted, at(0.97) > wanted]).toEqual([true, false]);
          const [, under = '', underName = ''] = THRESHOLD.exec(less) ?? [];
          const hour = /at (\d\d):(\d\d):(\d\d)/.exec(less);
          if (under === '' || hour === null) return;
          const endMs = Date.parse(`2025-11-23T${hour[1]}:${hour[2]}:${hour[3]}Z`);
          for (const share of [1, 0.5])
            expect(
              firstFall(next, {
                values: { [names[underName] ?? 'inFlight']: Number(under) * share },
                replicas: wanted,
                endMs,
              })?.atMs,
            ).toBeLessThanOrEqual(endMs);
        },
      ),
      { numRuns: 25, examples: [[0, [219]]] },
    );
  });
});
