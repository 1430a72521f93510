/** What targets of orchestrators other than Kubernetes are called there, and what a policy may call them. */
import type { TargetRef } from './types.ts';

/** Names of some kind of target; each kind is stricter, see {@link targetProblems}. */
export const TARGET_NAME = /^\/?[A-Za-z0-9]([-A-Za-z0-9._/]*[A-Za-z0-9])?$/;

/** Kinds that are no Kubernetes objects: no node groups, no pods to be found by a selector. */
const FOREIGN_KINDS: ReadonlySet<string> = new Set(['SwarmService', 'MarathonApp']);

/** Where a kind lives in the Kubernetes API. */
export type ScalableKind = { readonly group: string; readonly version: string; readonly plural: string };

/** Kinds whose API is known by name. Others say it (`target.apiVersion`), or are written as `plural.version.group`. */
export const KNOWN_KINDS: Readonly<Record<string, ScalableKind>> = {
  Deployment: { group: 'apps', version: 'v1', plural: 'deployments' },
  StatefulSet: { group: 'apps', version: 'v1', plural: 'statefulsets' },
  ReplicaSet: { group: 'apps', version: 'v1', plural: 'replicasets' },
  LeaderWorkerSet: { group: 'leaderworkerset.x-k8s.io', version: 'v1', plural: 'leaderworkersets' },
};

/** `GROUP/VERSION`: the core group has nothing but ReplicationControllers that scales. */
export const API_VERSION_PATTERN = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?\/v\d[a-z0-9]*$/;

/** Kinds that let pods (or groups of pods) go by their number, the highest first, whatever they do: nobody can be asked to go first. */
export const ORDERED_KINDS: ReadonlySet<string> = new Set(['StatefulSet', 'LeaderWorkerSet']);

/** Kinds whose replica is one pod, whatever a policy says. */
const ONE_POD_KINDS: ReadonlySet<string> = new Set(['Deployment', 'StatefulSet', 'ReplicaSet', ...FOREIGN_KINDS]);

/** A label key: `PREFIX/NAME` or `NAME`. */
export const LABEL_KEY = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;

/** A resource as paths name it: `rollouts`. */
export const RESOURCE_PATTERN = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;

const WRITTEN_KIND = /^[a-z0-9-]+\.v\d[a-z0-9]*\.[a-z0-9.-]+$/;

/** Longest name of a Swarm service, the stack included [characters]. */
const SWARM_NAME_MAX = 63;

const KUBERNETES_NAME = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;
const SWARM_NAME = /^[A-Za-z0-9]([-A-Za-z0-9_]*[A-Za-z0-9])?$/;
const MARATHON_ID = /^\/?[a-z0-9]([-a-z0-9.]*[a-z0-9])?(\/[a-z0-9]([-a-z0-9.]*[a-z0-9])?)*$/;

type Named = Pick<TargetRef, 'namespace' | 'name'>;

/** `docker stack deploy` names services `STACK_SERVICE`; the namespace `default` stands for services that belong to no stack. */
export function swarmServiceName({ namespace, name }: Named): string {
  return namespace === 'default' ? name : `${namespace}_${name}`;
}

/** Absolute, such as `/inference/llama`: the namespace is the group, `default` stands for the root group. */
export function marathonAppId({ namespace, name }: Named): string {
  const path = name.replace(/^\//, '');
  return namespace === 'default' ? `/${path}` : `/${namespace}/${path}`;
}

/** One text per object, however it is written: `SwarmService inference_llama`. */
export function targetIdentity(ref: TargetRef): string {
  if (ref.kind === 'SwarmService') return `${ref.kind} ${swarmServiceName(ref)}`;
  if (ref.kind === 'MarathonApp') return `${ref.kind} ${marathonAppId(ref)}`;
  return `${ref.kind} ${ref.namespace}/${ref.name}`;
}

/** What a policy says of its target and cannot mean, given the target's kind. */
export function targetProblems(spec: {
  readonly target: TargetRef & { readonly podsPerReplica?: number | undefined };
  readonly gpusPerReplica?: Readonly<Record<string, number>> | undefined;
  readonly nodeGroups: readonly string[];
  readonly bridge?: { readonly endpoints?: readonly string[] | undefined } | undefined;
  readonly priority: { readonly preemptible?: boolean | undefined };
}): { path: string[]; message: string }[] {
  const { kind } = spec.target;
  const isForeign = FOREIGN_KINDS.has(kind);
  const { apiVersion, resource, podsPerReplica = 1 } = spec.target;
  const isKnown = isForeign || KNOWN_KINDS[kind] !== undefined || WRITTEN_KIND.test(kind);
  const expected: readonly (readonly [boolean, string[], string])[] = [
    [
      !isKnown && apiVersion === undefined,
      ['target', 'apiVersion'],
      `GROUP/VERSION of target.kind ${kind}; only ${Object.keys(KNOWN_KINDS).join(', ')} are known without it`,
    ],
    [isForeign && apiVersion !== undefined, ['target', 'apiVersion'], `nothing, because target.kind is ${kind}`],
    [
      spec.target.fence !== undefined && KNOWN_KINDS[kind] === undefined,
      ['target', 'fence'],
      `nothing, because only ${Object.keys(KNOWN_KINDS).join(', ')} are known to keep their count in spec.replicas`,
    ],
    [
      resource !== undefined && apiVersion === undefined,
      ['target', 'apiVersion'],
      'GROUP/VERSION, because target.resource is given',
    ],
    [
      podsPerReplica > 1 && ONE_POD_KINDS.has(kind),
      ['target', 'podsPerReplica'],
      `1, because a replica of a ${kind} is one pod (replicas.step is for replicas that only work together)`,
    ],
    [
      podsPerReplica > 1 && Object.values(spec.gpusPerReplica ?? {}).some((gpus) => gpus % podsPerReplica !== 0),
      ['gpusPerReplica'],
      `multiples of target.podsPerReplica (${podsPerReplica}): the GPUs of all pods of a replica together`,
    ],
    [!isName(spec.target), ['target', 'name'], NAME_WORDS[kind] ?? KUBERNETES_WORDS],
    [
      isForeign && spec.nodeGroups.length > 0,
      ['nodeGroups'],
      `none, because node groups hold Kubernetes pods and target.kind is ${kind}`,
    ],
    [
      isForeign && spec.priority.preemptible === true,
      ['priority', 'preemptible'],
      `false or nothing, because only Deployments can be asked which pods give way and target.kind is ${kind}`,
    ],
    [
      isForeign && spec.bridge !== undefined && spec.bridge.endpoints === undefined,
      ['bridge', 'endpoints'],
      `a list of host:port, because only Kubernetes pods are discovered and target.kind is ${kind}`,
    ],
  ];
  return expected.filter(([isWrong]) => isWrong).map(([, path, words]) => ({ path, message: `expected ${words}` }));
}

const KUBERNETES_WORDS = 'a name of lower-case letters, digits, "-" and "."';
const NAME_WORDS: Readonly<Record<string, string>> = {
  SwarmService: `letters, digits, "-" and "_", and at most ${SWARM_NAME_MAX} characters with the stack (namespace)`,
  MarathonApp: 'names of lower-case letters, digits, "-" and ".", with "/" between groups',
};

function isName(ref: TargetRef): boolean {
  if (ref.kind === 'MarathonApp') return MARATHON_ID.test(ref.name);
  if (ref.kind !== 'SwarmService') return KUBERNETES_NAME.test(ref.name);
  return SWARM_NAME.test(ref.name) && swarmServiceName(ref).length <= SWARM_NAME_MAX;
}
