/** What no document can know alone: names are unique, references exist, nothing is resized by two policies. */
import { groupIdOf } from '../core/nodes/provider.ts';
import type { FleetPolicy, NodeGroupPolicy, PolicyProblem, ScalingPolicy } from '../core/policy.ts';
import { targetIdentity } from '../core/target-names.ts';
import { hint, problemAt } from './check-document.ts';
import type { PlacedPolicy, Policy } from './check-document.ts';
import { nearest } from './suggest.ts';

/** What is known of documents that are wrong in themselves: others may refer to them all the same. */
export type Broken = { readonly names: readonly string[]; readonly hasFleet: boolean };

export type PlacedPolicies = {
  readonly workloads: readonly PlacedPolicy<ScalingPolicy>[];
  readonly nodeGroups: readonly PlacedPolicy<NodeGroupPolicy>[];
  readonly fleets: readonly PlacedPolicy<FleetPolicy>[];
};

/** Every problem between policies. */
export function crossCheck(all: PlacedPolicies, broken: Broken): readonly PolicyProblem[] {
  return [
    ...repeated(all.workloads, {
      of: nameOf,
      path: ['metadata', 'name'],
      expected: 'a name no other ScalingPolicy has',
    }),
    ...repeated(all.nodeGroups, {
      of: nameOf,
      path: ['metadata', 'name'],
      expected: 'a name no other NodeGroupPolicy has',
    }),
    ...repeated(all.fleets, { of: () => 'a second Fleet', path: ['kind'], expected: 'one Fleet per installation' }),
    ...repeated(all.workloads, {
      of: targetOf,
      path: ['spec', 'target'],
      expected: 'a target no other policy resizes',
    }),
    ...repeated(all.nodeGroups, {
      of: providerOf,
      path: ['spec', 'provider'],
      expected: 'a node group no other policy resizes',
    }),
    ...all.workloads.flatMap((placed) => missingGroups(placed, { all, broken })),
    ...all.workloads.flatMap((placed) => missingPrice(placed, { all, broken })),
    ...otherPools(all),
    ...[...all.workloads, ...all.nodeGroups, ...all.fleets].flatMap((placed) => missingHooks(placed, { all, broken })),
    ...all.fleets.flatMap(repeatedHooks),
  ];
}

function nameOf({ policy }: PlacedPolicy): string {
  return `"${policy.metadata.name}"`;
}

function targetOf({ policy }: PlacedPolicy<ScalingPolicy>): string {
  return targetIdentity(policy.spec.target);
}

function providerOf({ policy }: PlacedPolicy<NodeGroupPolicy>): string {
  return groupIdOf(policy);
}

/** All but the first of those that are the same; the first is named. */
function repeated<Kind extends Policy>(
  all: readonly PlacedPolicy<Kind>[],
  by: {
    readonly of: (placed: PlacedPolicy<Kind>) => string;
    readonly path: readonly string[];
    readonly expected: string;
  },
): readonly PolicyProblem[] {
  const firsts = new Map<string, PlacedPolicy<Kind>>();
  return all.flatMap((placed) => {
    const id = by.of(placed);
    const first = firsts.get(id);
    if (first === undefined) {
      firsts.set(id, placed);
      return [];
    }
    const line = first.document.lineOf(by.path);
    const where = `${first.document.file}${line === null ? '' : ` line ${line}`}`;
    const current = `${id}, as in "${first.policy.metadata.name}" (${where})`;
    return [problemAt(placed.document, { path: by.path, expected: by.expected, current })];
  });
}

type Context = { readonly all: PlacedPolicies; readonly broken: Broken };

function missingGroups(placed: PlacedPolicy<ScalingPolicy>, { all, broken }: Context): readonly PolicyProblem[] {
  const known = all.nodeGroups.map(({ policy }) => policy.metadata.name);
  return placed.policy.spec.nodeGroups.flatMap((name, index) => {
    if (known.includes(name) || broken.names.includes(name)) return [];
    const expected = `the name of a NodeGroupPolicy${hint(nearest(name, known))}`;
    return [problemAt(placed.document, { path: ['spec', 'nodeGroups', index], expected, current: `"${name}"` })];
  });
}

/** What a miss costs says nothing without what a replica costs. */
function missingPrice(
  { policy, document }: PlacedPolicy<ScalingPolicy>,
  { all, broken }: Context,
): readonly PolicyProblem[] {
  const { price, nodeGroups } = policy.spec;
  if (price === undefined || price.usdPerReplicaHour !== undefined) return [];
  const isPriced = (name: string): boolean =>
    broken.names.includes(name) ||
    all.nodeGroups.some(
      ({ policy: { metadata, spec } }) => metadata.name === name && spec.shape.usdPerHour !== undefined,
    );
  if (nodeGroups.some(isPriced)) return [];
  const expected = 'a number [USD], or shape.usdPerHour in one of spec.nodeGroups';
  return [problemAt(document, { path: ['spec', 'price', 'usdPerReplicaHour'], expected, current: 'missing' })];
}

/** Who shares a node group is planned together. */
function otherPools(all: PlacedPolicies): readonly PolicyProblem[] {
  const owners = new Map<string, ScalingPolicy>();
  return all.workloads.flatMap(({ policy, document }) => {
    for (const name of policy.spec.nodeGroups) {
      const owner = owners.get(name) ?? policy;
      owners.set(name, owner);
      if (owner.spec.pool === policy.spec.pool) continue;
      const expected = `"${owner.spec.pool}", the pool of "${owner.metadata.name}", because both use node group "${name}"`;
      return [problemAt(document, { path: ['spec', 'pool'], expected, current: `"${policy.spec.pool}"` })];
    }
    return [];
  });
}

function missingHooks({ policy, document }: PlacedPolicy, { all, broken }: Context): readonly PolicyProblem[] {
  const known = all.fleets.flatMap((fleet) => fleet.policy.spec.alertHooks.map((hook) => hook.name));
  if (broken.hasFleet) return [];
  return policy.spec.alerts.flatMap((name, index) => {
    if (known.includes(name)) return [];
    const expected = `the name of an alert hook of the Fleet${hint(nearest(name, known))}`;
    return [problemAt(document, { path: ['spec', 'alerts', index], expected, current: `"${name}"` })];
  });
}

function repeatedHooks({ policy, document }: PlacedPolicy<FleetPolicy>): readonly PolicyProblem[] {
  const names = policy.spec.alertHooks.map((hook) => hook.name);
  return names.flatMap((name, index) => {
    if (names.indexOf(name) === index) return [];
    const path = ['spec', 'alertHooks', index, 'name'];
    return [problemAt(document, { path, expected: 'a name no other hook has', current: `"${name}"` })];
  });
}
