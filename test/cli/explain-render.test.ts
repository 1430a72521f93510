/** A decision as a person reads it. */
import { expect, test } from '@jest/globals';
import { renderExplanation } from '../../lib/cli/explain-render.ts';
import { decideWorkload } from '../../lib/core/decide-workload.ts';
import { planPool } from '../../lib/core/plan-pool.ts';
import { missing, observed, poolInput, readings, value, workloadInput, workloadPolicy } from '../core/builders.ts';

test('a growth with new nodes', () => {
  const policy = workloadPolicy({ nodeGroups: ['g5-od'] });
  const input = workloadInput({ policy, readings: readings({ inFlight: value(41), queued: value(4) }) });
  const { decisions } = planPool(
    poolInput({ workloads: [{ policy, target: input.target, outcome: decideWorkload(input) }] }),
  );
  const [decision] = decisions;
  if (decision === undefined) throw new Error('no decision');
  expect(renderExplanation(decision).replace(decision.id, 'd_ID')).toBe(
    [
      'llama-8b-chat: grows from 4 to 7 replicas',
      'd_ID, 2025-11-23T18:00:00.000Z, mode act, pool default, plan 1763920800000',
      'now 4 replicas, 4 ready; the last word had "headroom"',
      '  demand    5.63 replicas      41 requests in flight and 4 waiting over 8 a replica',
      '  headroom  5.63 → 7 replicas  square-root staffing: 5.63 + 1.19 replicas (beta 1.42, risk balanced), rounded up',
      '  nodes     4 → 7 nodes        g5-od: 3 more nodes for replicas that fit on no node there is',
      '  read inFlight 41 (coverage 100 %, 0.9 s old)',
      '  read queued 4 (coverage 100 %, 0.9 s old)',
      'nodes: g5-od 4 → 7',
      '4.02 → 7.04 USD/h; lead time 180 s, p90 180 s',
    ].join('\n'),
  );
});

test('a hold on a missing signal, without node groups', () => {
  const input = workloadInput({
    readings: readings({ inFlight: missing('last pod report is 45 s old') }),
    target: observed(6),
  });
  const pool = poolInput({
    workloads: [{ policy: input.policy, target: input.target, outcome: decideWorkload(input) }],
  });
  const [decision] = planPool(pool).decisions;
  if (decision === undefined) throw new Error('no decision');
  expect(renderExplanation(decision).split('\n').slice(2)).toEqual([
    'now 6 replicas, 6 ready; the last word had "hold"',
    '  hold  6 replicas  inFlight is missing: last pod report is 45 s old',
    '  read inFlight missing (45 s old): last pod report is 45 s old',
    'lead time 180 s, p90 180 s',
  ]);
});

test('control characters in names and reasons do not reach the terminal', () => {
  const input = workloadInput({ readings: readings({ inFlight: missing('\u001b[2Jgone') }) });
  const pool = poolInput({
    workloads: [{ policy: input.policy, target: input.target, outcome: decideWorkload(input) }],
  });
  const [decision] = planPool(pool).decisions;
  if (decision === undefined) throw new Error('no decision');
  expect(renderExplanation(decision)).not.toContain('\u001b');
});
