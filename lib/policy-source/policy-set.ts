/** Documents → the policies in force, or every problem of all of them. */
import { createHash } from 'node:crypto';
import { API_VERSION, fleetSchema } from '../core/policy.ts';
import type { FleetPolicy, NodeGroupPolicy, PolicyProblem, PolicySet, ScalingPolicy } from '../core/policy.ts';
import { checkDocument, kindOf, metadataName } from './check-document.ts';
import type { PlacedPolicy } from './check-document.ts';
import { crossCheck } from './cross-check.ts';
import { PROBLEMS_MAX } from './problems.ts';
import { yamlDocuments } from './yaml-documents.ts';
import type { PolicyDocument, PolicyText } from './yaml-documents.ts';

export type Loaded = {
  /** null when there is any problem. */
  readonly policies: PolicySet | null;
  readonly problems: readonly PolicyProblem[];
};

/** Policies of YAML texts. */
export function loadPolicyTexts(texts: readonly PolicyText[]): Loaded {
  const parsed = texts.map(yamlDocuments);
  return loadPolicyDocuments(
    parsed.flatMap((each) => each.documents),
    parsed.flatMap((each) => each.problems),
  );
}

/** Policies of documents; `before` = problems found on the way to them. */
export function loadPolicyDocuments(
  documents: readonly PolicyDocument[],
  before: readonly PolicyProblem[] = [],
): Loaded {
  const checked = documents.map(checkDocument);
  const placed = checked.flatMap((each) => each.placed ?? []);
  const all = {
    workloads: placed.filter((each): each is PlacedPolicy<ScalingPolicy> => each.policy.kind === 'ScalingPolicy'),
    nodeGroups: placed.filter((each): each is PlacedPolicy<NodeGroupPolicy> => each.policy.kind === 'NodeGroupPolicy'),
    fleets: placed.filter((each): each is PlacedPolicy<FleetPolicy> => each.policy.kind === 'Fleet'),
  };
  const broken = checked.flatMap((each, index) => (each.placed === null ? [documents[index]?.data] : []));
  const problems = [
    ...before,
    ...checked.flatMap((each) => each.problems),
    ...crossCheck(all, {
      names: broken.flatMap((data) => metadataName(data) ?? []),
      hasFleet: broken.some((data) => kindOf(data) === 'Fleet'),
    }),
  ];
  if (problems.length > 0) return { policies: null, problems: problems.slice(0, PROBLEMS_MAX) };
  return { policies: policySetOf(all), problems: [] };
}

function policySetOf(all: {
  readonly workloads: readonly PlacedPolicy<ScalingPolicy>[];
  readonly nodeGroups: readonly PlacedPolicy<NodeGroupPolicy>[];
  readonly fleets: readonly PlacedPolicy<FleetPolicy>[];
}): PolicySet {
  const workloads = byName(all.workloads.map(({ policy }) => policy));
  const nodeGroups = byName(all.nodeGroups.map(({ policy }) => policy));
  const fleet = all.fleets[0]?.policy ?? DEFAULT_FLEET;
  return { workloads, nodeGroups, fleet, version: versionOf([...workloads.values(), ...nodeGroups.values(), fleet]) };
}

/** What holds when nobody wrote a Fleet. */
const DEFAULT_FLEET: FleetPolicy = fleetSchema.parse({
  apiVersion: API_VERSION,
  kind: 'Fleet',
  metadata: { name: 'default' },
  spec: {},
});

function byName<Kind extends { readonly metadata: { readonly name: string } }>(
  policies: readonly Kind[],
): Map<string, Kind> {
  const sorted = policies.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  return new Map(sorted.map((policy) => [policy.metadata.name, policy]));
}

/** 16 hex digits of what the policies mean: comments, order and spelled-out defaults do not change it. */
function versionOf(policies: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(policies)).digest('hex').slice(0, 16);
}
