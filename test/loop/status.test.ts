import { describe, expect, test } from '@jest/globals';
import type { AlertEntry } from '../../lib/core/types.ts';
import { makeEvaluate } from '../../lib/loop/evaluate/evaluate.ts';
import { readStatus } from '../../lib/loop/status.ts';
import type { ActuationRecord } from '../../lib/state/contract.ts';
import { busyNode, groupPolicy, observed, observedGroup, workloadPolicy } from '../core/builders.ts';
import { changeLoad, loopWorld, report } from '../support/builders-loop.ts';

const LLAMA = 'llama-8b-chat';

const record = (over: Partial<ActuationRecord> = {}): ActuationRecord => ({
  planSeq: 1,
  outcome: 'applied',
  detail: '4 → 9 replicas',
  atMs: 17,
  failures: 0,
  notBeforeMs: 0,
  ...over,
});

const entry = (phase: AlertEntry['phase'], key: string): AlertEntry => ({
  alert: {
    schema: 'penstock.ops-alert/1',
    key,
    state: 'firing',
    severity: 'warning',
    sinceMs: 1,
    atMs: 2,
    title: key,
    workloads: [LLAMA],
    detail: '',
    doc: '',
  },
  hooks: [],
  phase,
  phaseSinceMs: 1,
});

describe('readStatus', () => {
  test('before the first decision shows the policies, and null for everything nobody knows', async () => {
    const world = loopWorld();
    const status = await readStatus(world.deps);
    expect(status).toEqual({
      atMs: world.clock.nowMs(),
      policyVersion: (await world.policies.current()).version,
      workloads: [
        {
          workload: LLAMA,
          pool: 'default',
          mode: 'act',
          current: null,
          ready: null,
          wanted: null,
          min: 1,
          max: 40,
          binding: null,
          because: null,
          inputs: [],
          decision: null,
          decidedAtMs: null,
          lastAction: null,
          leadTime: { p50Sec: 180, p90Sec: 180, starts: 0 },
        },
      ],
      nodeGroups: [
        {
          nodeGroup: 'g5-od',
          mode: 'act',
          ownership: 'own',
          current: null,
          wanted: null,
          max: 20,
          draining: [],
          shortage: null,
          lastAction: null,
          leadTime: { p50Sec: 180, p90Sec: 180, starts: 0 },
          warmLeadTime: null,
          spare: null,
        },
      ],
      alerts: [],
      pauses: [],
      outbox: 0,
      jobs: 0,
    });
  });

  test('shows the newest decision with the sentence of the rule that had the last word', async () => {
    const world = loopWorld();
    world.view.targets.set(LLAMA, observed(4, { ready: 3 }));
    world.view.nodeGroups.set('g5-od', observedGroup([0, 1, 2, 3].map((index) => busyNode(`node-${index}`))));
    await report(world, { inFlight: 24 });
    await changeLoad(world, { inFlight: 800, before: 24 });
    await makeEvaluate(world.deps, { shareSnapshots: false })({ kind: 'full' });
    const { workloads, nodeGroups, jobs, outbox } = await readStatus(world.deps);
    const [latest] = await world.state.ledger.latest(LLAMA, 1);
    expect(workloads[0]).toMatchObject({
      current: 4,
      ready: 3,
      wanted: latest?.replicas.wanted,
      decision: latest?.id,
      binding: latest?.binding,
      decidedAtMs: world.clock.nowMs(),
    });
    expect(workloads[0]?.because).toBe(latest?.trail.findLast((step) => step.rule === latest.binding)?.because);
    expect(workloads[0]?.inputs).toEqual(latest?.inputs);
    expect(nodeGroups[0]).toMatchObject({ current: 4, wanted: 14 });
    expect({ jobs, outbox }).toEqual({ jobs: 2, outbox: 1 });
  });

  test('shows what actuation came to: last actions, drains, a shortage', async () => {
    const world = loopWorld();
    await world.state.actuation.compareAndSet(`target/${LLAMA}`, record(), undefined);
    const drain = { nodeName: 'node-1', instanceId: 'i-1', stage: 'evicting', startedMs: 1, detail: '' } as const;
    const group = record({
      detail: 'draining node-1',
      drains: [drain],
      capacityBackoff: { untilMs: world.clock.nowMs() + 1_000, attempts: 1, cause: 'InsufficientInstanceCapacity' },
    });
    await world.state.actuation.compareAndSet('nodeGroup/g5-od', group, undefined);
    const { workloads, nodeGroups } = await readStatus(world.deps);
    expect(workloads[0]?.lastAction).toEqual({ outcome: 'applied', detail: '4 → 9 replicas', atMs: 17 });
    expect(nodeGroups[0]).toMatchObject({
      draining: ['node-1'],
      shortage: 'InsufficientInstanceCapacity',
      lastAction: { detail: 'draining node-1' },
    });
    await world.clock.advance(1_000);
    expect((await readStatus(world.deps)).nodeGroups[0]?.shortage).toBeNull();
  });

  test('shows alerts that people were told of and that are not over, of every pool, and no pending ones', async () => {
    const world = loopWorld({
      documents: [workloadPolicy({ pool: 'a' }), workloadPolicy({ pool: 'b' }, 'qwen-32b')],
    });
    await world.state.alerts.compareAndSet('a', { x: entry('pending', 'x'), y: entry('firing', 'y') }, undefined);
    await world.state.alerts.compareAndSet('b', { z: entry('clearing', 'z') }, undefined);
    expect((await readStatus(world.deps)).alerts.map(({ key }) => key)).toEqual(['y', 'z']);
  });

  test('leaves out what belongs to policies that are gone', async () => {
    const world = loopWorld();
    world.view.targets.set(LLAMA, observed(4));
    await makeEvaluate(world.deps, { shareSnapshots: false })({ kind: 'full' });
    world.policies.replace([workloadPolicy({ nodeGroups: ['g6-od'] }, 'qwen-32b'), groupPolicy({}, 'g6-od')]);
    await world.policies.refresh();
    const status = await readStatus(world.deps);
    expect(status.workloads.map(({ workload }) => workload)).toEqual(['qwen-32b']);
    expect(status.nodeGroups.map(({ nodeGroup }) => nodeGroup)).toEqual(['g6-od']);
  });

  test('is plain JSON', async () => {
    const world = loopWorld();
    const status = await readStatus(world.deps);
    expect(JSON.parse(JSON.stringify(status))).toEqual(status);
  });
});
