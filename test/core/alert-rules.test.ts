/** Each rule says what holds now, with the figures; the lifecycle turns that into few messages. */
import { describe, expect, test } from '@jest/globals';
import { alertRules } from '../../lib/core/alert-rules/index.ts';
import { advanceAlerts, ALERTS_MAX } from '../../lib/core/alert-rules/lifecycle.ts';
import type { ActuationSummary, PoolInput } from '../../lib/core/decide-types.ts';
import { decideWorkload } from '../../lib/core/decide-workload.ts';
import { planPool } from '../../lib/core/plan-pool.ts';
import type { AlertBook, AlertCondition } from '../../lib/core/types.ts';
import {
  busyNode,
  fleet,
  groupPolicy,
  missing,
  observed,
  observedGroup,
  poolGroup,
  poolInput,
  poolWorkload,
  readings,
  T0,
  value,
  wants,
  workloadInput,
  workloadPolicy,
} from './builders.ts';

function conditionsOf(
  rule: keyof typeof alertRules,
  pool: PoolInput,
  actuation: Readonly<Record<string, ActuationSummary>> = {},
): readonly AlertCondition[] {
  return alertRules[rule]({ nowMs: pool.nowMs, pool, outcome: planPool(pool), actuation });
}

const record = (over: Partial<ActuationSummary> = {}): ActuationSummary => ({
  failures: 0,
  detail: '',
  outcome: 'applied',
  foreignWrite: null,
  capacityShortage: null,
  ...over,
});

const fourBusy = observedGroup(Array.from({ length: 4 }, (_, i) => busyNode(`node-${i}`)));

const failing = (failures: number) => ({
  'target/llama-8b-chat': record({ failures, outcome: 'refused', detail: '403: patch denied' }),
});

const flips = (times: number) =>
  Array.from(
    { length: times },
    (_, i) => [T0 - 60_000 * (times - i), i % 2 === 0 ? 4 : 8, i % 2 === 0 ? 8 : 4] as const,
  );

const short = (alerts: string[]) =>
  poolInput({
    fleet: fleet({ alerts: ['everyone'] }),
    workloads: [poolWorkload({ wanted: 9, policy: workloadPolicy({ nodeGroups: ['g5-od'], alerts }) })],
    nodeGroups: [poolGroup(fourBusy, { policy: groupPolicy({ nodes: { max: 4 } }) })],
  });

/** A pool of one workload that the decision core may lower. */
const lowering = (over: Parameters<typeof workloadInput>[0], inFlight: number): PoolInput => {
  const input = workloadInput({ readings: readings({ inFlight: value(inFlight), queued: value(0) }), ...over });
  return poolInput({ workloads: [{ policy: input.policy, target: input.target, outcome: decideWorkload(input) }] });
};

const planOf = (seq: number, atMs: number) => ({ ...planPool(poolInput()).plan, seq, atMs });

const turning = (times: number) => {
  const outcome = wants(4, { control: { ...wants(4).control, changes: flips(times) } });
  return conditionsOf('flapping', poolInput({ workloads: [poolWorkload({ wanted: 4, outcome })] }));
};

describe('alert rules', () => {
  test('a quiet pool has no alerts', () => {
    const pool = poolInput();
    for (const rule of Object.keys(alertRules) as (keyof typeof alertRules)[])
      expect(conditionsOf(rule, pool)).toEqual([]);
  });

  test('unmet-demand: how many replicas are short, and what stands against them', () => {
    const pool = poolInput({
      workloads: [poolWorkload({ wanted: 9 })],
      nodeGroups: [poolGroup(fourBusy, { policy: groupPolicy({ nodes: { max: 6 } }) })],
    });
    expect(conditionsOf('unmet-demand', pool)[0]).toMatchObject({
      key: 'unmet-demand/llama-8b-chat',
      severity: 'critical',
      title: 'llama-8b-chat is short of GPUs for 3 replicas',
      detail:
        '9 replicas wanted, GPUs for 6. 3 of 9 replicas cannot have GPUs: g5-od is at nodes.max 6; auto: alone in interactive work of tier 1, 2 GPUs left after running replicas and floors.',
      doc: 'docs/failures.md#unmet-demand',
    });
  });

  test('pinned-at-max: the want behind the maximum', () => {
    const input = workloadInput({ readings: readings({ inFlight: value(800), queued: value(0) }) });
    const pool = poolInput({
      workloads: [{ policy: workloadPolicy(), target: input.target, outcome: decideWorkload(input) }],
    });
    expect(conditionsOf('pinned-at-max', pool)[0]).toMatchObject({
      title: 'llama-8b-chat is pinned at replicas.max 40',
      detail: '106 replicas wanted for a demand of 100. Raise replicas.max, or accept that requests wait.',
    });
  });

  test('signal-missing: what is not heard, and what happens then; critical when nothing is', () => {
    const policy = workloadPolicy({ fallback: { afterSec: 120, replicas: 6 } });
    const input = workloadInput({ policy, readings: readings({ inFlight: missing('last pod report is 45 s old') }) });
    const pool = poolInput({ workloads: [{ policy, target: input.target, outcome: decideWorkload(input) }] });
    expect(conditionsOf('signal-missing', pool)[0]).toMatchObject({
      severity: 'critical',
      title: 'llama-8b-chat: inFlight not heard',
      detail:
        'inFlight: last pod report is 45 s old. Nothing is lowered meanwhile. Fallback: at least 6 replicas once the load was unknown for 120 s.',
    });
  });

  test('not-observed: one condition per reason, critical when nothing can be seen', () => {
    const down = { kind: 'missing', reason: 'Cannot list pods: expected an answer within 1.4 s' } as const;
    const hidden = poolWorkload({ wanted: 4, policy: workloadPolicy({}, 'hidden') });
    const seen = poolWorkload({ wanted: 4, policy: workloadPolicy({}, 'seen') });
    const partly = poolInput({ workloads: [{ ...hidden, target: down }, seen], nodeGroups: [poolGroup(fourBusy)] });
    expect(conditionsOf('not-observed', partly)).toMatchObject([
      {
        key: 'not-observed/hidden',
        severity: 'warning',
        title: 'hidden cannot be observed',
        detail: `${down.reason}. Nothing of them is lowered meanwhile; growth is decided on what was seen last.`,
        workloads: ['hidden'],
      },
    ]);
    const blind = poolInput({ workloads: [{ ...hidden, target: down }], nodeGroups: [poolGroup(down)] });
    expect(conditionsOf('not-observed', blind)).toMatchObject([
      { severity: 'critical', title: 'hidden and g5-od cannot be observed' },
    ]);
  });

  test('signal-missing says nothing of pods that do not exist', () => {
    const policy = workloadPolicy({
      replicas: { min: 0, max: 4 },
      signals: [
        { kind: 'inFlight', perReplica: 8 },
        { kind: 'requestRate', perReplicaPerSec: 1 },
      ],
    });
    const seen = readings({ inFlight: missing(), requestRate: value(0, { from: 'gateway' }) });
    const outcome = decideWorkload(workloadInput({ policy, readings: seen, target: observed(0) }));
    expect(
      conditionsOf('signal-missing', poolInput({ workloads: [{ policy, target: observed(0), outcome }] })),
    ).toEqual([]);
  });

  test('capacity-shortage: what is missing, what was asked instead, when it is tried again', () => {
    const policy = workloadPolicy({ nodeGroups: ['g5-od', 'g6-od'] });
    const shape = { instanceType: 'g6.xlarge', gpus: { 'nvidia.com/gpu': 1 }, usdPerHour: 1.2 };
    const pool = poolInput({
      workloads: [poolWorkload({ wanted: 6, policy })],
      nodeGroups: [
        poolGroup(
          { ...fourBusy, desired: 6 },
          { backoffUntilMs: T0 + 180_000, backoffCause: 'InsufficientInstanceCapacity in eu-west-1a' },
        ),
        poolGroup(observedGroup([]), { policy: groupPolicy({ shape }, 'g6-od') }),
      ],
    });
    expect(conditionsOf('capacity-shortage', pool)).toMatchObject([
      {
        key: 'capacity-shortage/g5-od',
        severity: 'warning',
        title: 'g5-od cannot get 2 nodes: InsufficientInstanceCapacity in eu-west-1a',
        detail:
          'The cloud has no machines of this type in the zones of the group. 2 of 6 nodes missing. Asked g6-od (+2 nodes, +2.40 USD/h) instead. Next attempt at g5-od in 180 s.',
        workloads: ['llama-8b-chat'],
      },
    ]);
  });

  test('actuation-failing: after three failures in a row', () => {
    expect(conditionsOf('actuation-failing', poolInput(), failing(2))).toEqual([]);
    expect(conditionsOf('actuation-failing', poolInput(), failing(4))).toMatchObject([
      {
        key: 'actuation-failing/target/llama-8b-chat',
        title: 'Deployment default/llama-8b-chat cannot be resized',
        detail: '4 attempts failed in a row. Last answer (refused): 403: patch denied',
      },
    ]);
  });

  test('foreign-writer: a recent write, or an autoscaler that owns the count', () => {
    const write = { 'nodeGroup/g5-od': record({ foreignWrite: { count: 12, atMs: T0 - 20_000 } }) };
    expect(conditionsOf('foreign-writer', poolInput(), write)).toMatchObject([
      {
        title: 'g5-od is resized by somebody else',
        detail: 'Set to 12 20 s ago by somebody else. Penstock backs off meanwhile.',
      },
    ]);
    const owned = poolWorkload({ wanted: 4, target: observed(4, { scaledBy: 'HorizontalPodAutoscaler/llama' }) });
    expect(conditionsOf('foreign-writer', poolInput({ workloads: [owned] }))).toMatchObject([
      { title: 'llama-8b-chat is scaled by HorizontalPodAutoscaler/llama' },
    ]);
  });

  test('flapping: more than six direction changes in an hour', () => {
    expect(turning(7)).toEqual([]);
    expect(turning(9)).toMatchObject([
      { title: 'llama-8b-chat is flapping', detail: expect.stringMatching(/^8 direction changes .* between 4 and 8/) },
    ]);
  });

  test('short-grace: how many replicas stay for it, with both figures', () => {
    const target = observed(10);
    const control = { ...wants(10).control, lastAtMs: T0 - 10_000, wants: [[T0 - 10_000, 10]] as const };
    const policy = workloadPolicy({ scaleDown: { windowSec: 0 } });
    const of = (longestRequestSec: number, inFlight: number) =>
      conditionsOf('short-grace', lowering({ policy, target, control, longestRequestSec }, inFlight));
    expect(of(45, 32)).toMatchObject([
      {
        key: 'short-grace/llama-8b-chat',
        severity: 'warning',
        title: 'llama-8b-chat cannot shrink: the grace of its pods is shorter than its requests',
        detail: expect.stringMatching(
          /^\d replicas kept that the load does not need: terminationGracePeriodSeconds of the pods is 30 s and requests took at least 45 s, which a shrink would cut off \(set .* higher, or .*\)\.$/,
        ),
      },
    ]);
    // Long enough, or nothing to be lowered.
    expect(of(20, 32)).toEqual([]);
    expect(of(45, 80)).toEqual([]);
  });

  test('marks-denied: which permission is missing where, while the workload is in mode act', () => {
    const denied = { 'target/llama-8b-chat': record({ marksDenied: true }) };
    expect(conditionsOf('marks-denied', poolInput(), denied)).toMatchObject([
      {
        key: 'marks-denied/llama-8b-chat',
        title: 'llama-8b-chat: idle pods cannot be asked to go first',
        detail: expect.stringContaining('may not patch pods in namespace default'),
      },
    ]);
    const watching = poolWorkload({ wanted: 4, policy: workloadPolicy({ mode: 'observe' }) });
    expect(conditionsOf('marks-denied', poolInput({ workloads: [watching] }), denied)).toEqual([]);
  });

  test('clocks-apart: a plan from a clock ahead, seen by who finds it and by who found its sequence', () => {
    const of = (previous: ReturnType<typeof planOf>) => conditionsOf('clocks-apart', poolInput({ previous }));
    expect(of(planOf(T0 + 42_000, T0 + 42_000))).toMatchObject([
      {
        key: 'clocks-apart/default',
        title: 'Clocks of the controllers of pool default are apart',
        detail: expect.stringContaining('a clock that is 42 s ahead of another'),
      },
    ]);
    // The one ahead finds what the one behind has made of its plan.
    expect(of(planOf(T0 - 2_000, T0 - 44_000))).toHaveLength(1);
    expect(of(planOf(T0 + 29_000, T0 + 29_000))).toEqual([]);
    expect(of(planOf(T0 - 2_000, T0 - 2_000))).toEqual([]);
  });

  test('go to the hooks of the policy, else of the fleet', () => {
    expect(conditionsOf('unmet-demand', short([]))[0]?.hooks).toEqual(['everyone']);
    expect(conditionsOf('unmet-demand', short(['oncall']))[0]?.hooks).toEqual(['oncall']);
  });
});

function condition(over: Partial<AlertCondition> = {}): AlertCondition {
  return {
    key: 'unmet-demand/llama',
    severity: 'warning',
    title: 'llama is short of GPUs for 3 replicas',
    detail: 'd',
    workloads: ['llama'],
    decision: null,
    doc: 'docs/failures.md#unmet-demand',
    hooks: ['oncall'],
    pendingMs: 60_000,
    clearMs: 60_000,
    ...over,
  };
}

/** Advances through [ms, conditions] and returns the messages as `ms state severity`. */
function messages(timeline: readonly (readonly [number, readonly AlertCondition[]])[]): string[] {
  let book: AlertBook = {};
  return timeline.flatMap(([ms, conditions]) => {
    const advanced = advanceAlerts(book, conditions, T0 + ms);
    book = JSON.parse(JSON.stringify(advanced.book)) as AlertBook;
    return advanced.transitions.map(({ alert }) => `${ms} ${alert.state} ${alert.severity}`);
  });
}

describe('advanceAlerts', () => {
  const on = [condition()];

  test('fires once after pendingMs, and resolves once after clearMs', () => {
    const seen = messages([
      [0, on],
      [30_000, on],
      [60_000, on],
      [90_000, on],
      [100_000, []],
      [130_000, []],
      [160_000, []],
      [190_000, []],
    ]);
    expect(seen).toEqual(['60000 firing warning', '160000 resolved warning']);
  });

  test('a condition that goes before pendingMs is never told', () => {
    expect(
      messages([
        [0, on],
        [30_000, []],
        [40_000, on],
        [90_000, []],
      ]),
    ).toEqual([]);
  });

  test('one that comes back while clearing neither resolves nor fires again', () => {
    const seen = messages([
      [0, on],
      [60_000, on],
      [70_000, []],
      [100_000, on],
      [110_000, []],
      [150_000, []],
      [170_000, []],
    ]);
    expect(seen).toEqual(['60000 firing warning', '170000 resolved warning']);
  });

  test('is told again when the severity rises, at once', () => {
    const worse = [condition({ severity: 'critical' })];
    expect(
      messages([
        [0, on],
        [60_000, on],
        [61_000, worse],
        [62_000, on],
        [63_000, worse],
      ]),
    ).toEqual(['60000 firing warning', '61000 firing critical']);
  });

  test('is told again for another title, not for other figures, at most every 5 minutes', () => {
    const figures = [condition({ title: 'llama is short of GPUs for 4 replicas' })];
    const other = [condition({ title: 'llama has no GPUs' })];
    const seen = messages([
      [0, on],
      [60_000, on],
      [400_000, figures],
      [410_000, other],
      [420_000, on],
      [720_000, on],
    ]);
    expect(seen).toEqual(['60000 firing warning', '410000 firing warning', '720000 firing warning']);
  });

  test('pendingMs 0 fires at once, and the message is a whole alert', () => {
    const { transitions } = advanceAlerts({}, [condition({ pendingMs: 0, decision: 'd_1' })], T0);
    expect(transitions).toEqual([
      {
        hooks: ['oncall'],
        alert: {
          schema: 'penstock.ops-alert/1',
          key: 'unmet-demand/llama',
          state: 'firing',
          severity: 'warning',
          sinceMs: T0,
          atMs: T0,
          title: 'llama is short of GPUs for 3 replicas',
          workloads: ['llama'],
          decision: 'd_1',
          detail: 'd',
          doc: 'docs/failures.md#unmet-demand',
        },
      },
    ]);
  });

  test('the book is bounded, the most severe come first, and what fires is never pushed out', () => {
    const many = Array.from({ length: ALERTS_MAX + 50 }, (_, i) => condition({ key: `x/${i}`, pendingMs: 0 }));
    const first = advanceAlerts(
      {},
      [...many, condition({ key: 'x/critical', severity: 'critical', pendingMs: 0 })],
      T0,
    );
    expect(Object.keys(first.book)).toHaveLength(ALERTS_MAX);
    expect(first.book['x/critical']).toBeDefined();
    const second = advanceAlerts(first.book, many, T0 + 1_000);
    expect(second.transitions.filter(({ alert }) => alert.state === 'firing')).toEqual([]);
  });
});
