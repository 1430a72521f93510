/** A fleet that was decided on a few times, for the live page: as many workloads as wanted, with loads that differ. */
import type { VirtualClock } from '../../lib/base/clock.ts';
import { makeEvaluate } from '../../lib/loop/evaluate/evaluate.ts';
import type { StatusDeps } from '../../lib/loop/status.ts';
import type { StateStores } from '../../lib/state/contract.ts';
import { busyNode, groupPolicy, observed, observedGroup, workloadPolicy } from '../core/builders.ts';
import { changeLoad, loopWorld, report } from './builders-loop.ts';
import type { LoopWorld } from './builders-loop.ts';

export type LiveFleet = {
  readonly world: LoopWorld;
  readonly clock: VirtualClock;
  readonly deps: StatusDeps;
  /** One more full evaluation, now. */
  readonly evaluate: () => Promise<void>;
};

/** `w-000` … on one node group of 20 nodes. Nodes and replicas are there from the start; every seventh workload has four times the load since 20 s. */
export async function liveFleet(
  options: {
    readonly workloads?: number;
    /** Of each workload, ready. */
    readonly replicas?: number;
    /** How long the load was heard before: less than the window of 900 is sooner made; the fleet is cold then, and decided on once. */
    readonly heardSec?: number;
    readonly startMs?: number;
    readonly state?: StateStores;
  } = {},
): Promise<LiveFleet> {
  const names = Array.from({ length: options.workloads ?? 3 }, (_, index) => `w-${String(index).padStart(3, '0')}`);
  const documents = [
    ...names.map((name, index) =>
      workloadPolicy(
        { mode: index % 5 === 4 ? 'observe' : 'act', nodeGroups: ['g5-od'], target: { name, namespace: 'inference' } },
        name,
      ),
    ),
    groupPolicy(),
  ];
  const world = loopWorld({
    documents,
    ...(options.startMs === undefined ? {} : { startMs: options.startMs }),
    ...(options.state === undefined ? {} : { state: options.state }),
  });
  const state = options.state ?? world.state;
  const loaded = { clock: world.clock, state };
  for (const [index, name] of names.entries()) {
    world.view.targets.set(
      name,
      observed(options.replicas ?? 2, { gpusPerReplica: { 'nvidia.com/gpu': index % 3 === 0 ? 1 : 0 } }),
    );
    await report(loaded, { workload: name, inFlight: 8 + (index % 9), forSec: options.heardSec ?? 900 });
  }
  const nodes = ['a', 'b', 'c', 'd'].map((name) => busyNode(name));
  world.view.nodeGroups.set('g5-od', observedGroup(nodes, { desired: 5 }));
  const run = makeEvaluate(world.deps, { shareSnapshots: true });
  const evaluate = async (): Promise<void> => void (await run({ kind: 'full' }));
  await evaluate();
  const { clock, deps } = world;
  const fleet = { world, clock, deps: { clock, state, policies: deps.policies, queue: deps.queue }, evaluate };
  if (options.heardSec !== undefined) return fleet;
  for (const [index, name] of names.entries()) {
    if (index % 7 === 0) await changeLoad(loaded, { workload: name, before: 8, inFlight: 40 });
  }
  await world.clock.advance(2_000);
  await evaluate();
  return fleet;
}
