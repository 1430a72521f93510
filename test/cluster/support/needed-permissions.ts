/** Every permission that Penstock needs in Kubernetes, and what stops without it: what the manifests, the suites and docs/permissions.md are held against. */

/** Things Penstock does in a cluster, each by one call of an adapter (`suites/permissions.ts`). */
export const TASKS = [
  'see Deployments',
  'see StatefulSets',
  'see Deployments beside node groups',
  'see node groups',
  'watch Deployments',
  'watch StatefulSets',
  'watch Deployments beside node groups',
  'resize Deployments',
  'resize StatefulSets',
  'choose pods that go first',
  'cordon nodes',
  'empty nodes',
  'resize buffers',
  'find pods of Deployments (bridge)',
  'find pods of StatefulSets (bridge)',
  'watch pods (bridge)',
] as const;

export type Task = (typeof TASKS)[number];

/** Namespaces of the manifests: the workloads', and Penstock's own with the buffers. */
export type Scope = 'inference' | 'penstock' | 'cluster';

export type Permission = {
  readonly verb: string;
  /** `''` is the core group. */
  readonly group: string;
  readonly resource: string;
  readonly scope: Scope;
};

export type NeededPermission = Permission & {
  /** What cannot be done without it, with an error that names it. */
  readonly stops: readonly Task[];
  /** What asks for it and goes on without. */
  readonly serves?: readonly Task[];
  /** Where a call needs it, when that is narrower than what is granted. */
  readonly asked?: Scope;
};

const WATCHED_IN_NAMESPACES: readonly Task[] = ['watch Deployments', 'watch StatefulSets'];
/** What is watched is listed first. */
const SEEN_IN_NAMESPACES: readonly Task[] = ['see Deployments', 'see StatefulSets', ...WATCHED_IN_NAMESPACES];

export const NEEDED: readonly NeededPermission[] = [
  { verb: 'list', group: '', resource: 'pods', scope: 'inference', stops: SEEN_IN_NAMESPACES },
  {
    verb: 'list',
    group: 'autoscaling',
    resource: 'horizontalpodautoscalers',
    scope: 'inference',
    stops: SEEN_IN_NAMESPACES,
  },
  {
    verb: 'list',
    group: 'keda.sh',
    resource: 'scaledobjects',
    scope: 'inference',
    stops: [],
    serves: SEEN_IN_NAMESPACES,
  },
  {
    verb: 'list',
    group: 'apps',
    resource: 'deployments',
    scope: 'inference',
    stops: [
      'see Deployments',
      'see Deployments beside node groups',
      'watch Deployments',
      'watch Deployments beside node groups',
    ],
  },
  {
    verb: 'list',
    group: 'apps',
    resource: 'statefulsets',
    scope: 'inference',
    stops: ['see StatefulSets', 'watch StatefulSets'],
  },
  { verb: 'watch', group: '', resource: 'pods', scope: 'inference', stops: WATCHED_IN_NAMESPACES },
  {
    verb: 'watch',
    group: 'autoscaling',
    resource: 'horizontalpodautoscalers',
    scope: 'inference',
    stops: WATCHED_IN_NAMESPACES,
  },
  {
    verb: 'watch',
    group: 'keda.sh',
    resource: 'scaledobjects',
    scope: 'inference',
    stops: [],
    serves: WATCHED_IN_NAMESPACES,
  },
  {
    verb: 'watch',
    group: 'apps',
    resource: 'deployments',
    scope: 'inference',
    stops: ['watch Deployments', 'watch Deployments beside node groups'],
  },
  { verb: 'watch', group: 'apps', resource: 'statefulsets', scope: 'inference', stops: ['watch StatefulSets'] },
  { verb: 'get', group: 'apps', resource: 'deployments', scope: 'inference', stops: ['resize Deployments'] },
  { verb: 'patch', group: 'apps', resource: 'deployments/scale', scope: 'inference', stops: ['resize Deployments'] },
  { verb: 'get', group: 'apps', resource: 'statefulsets', scope: 'inference', stops: ['resize StatefulSets'] },
  { verb: 'patch', group: 'apps', resource: 'statefulsets/scale', scope: 'inference', stops: ['resize StatefulSets'] },
  { verb: 'get', group: '', resource: 'pods', scope: 'inference', stops: ['choose pods that go first'] },
  { verb: 'patch', group: '', resource: 'pods', scope: 'inference', stops: ['choose pods that go first'] },
  {
    verb: 'list',
    group: '',
    resource: 'nodes',
    scope: 'cluster',
    stops: ['see node groups', 'watch Deployments beside node groups'],
  },
  {
    verb: 'list',
    group: '',
    resource: 'pods',
    scope: 'cluster',
    stops: [
      'see Deployments beside node groups',
      'see node groups',
      'watch Deployments beside node groups',
      'empty nodes',
    ],
  },
  {
    verb: 'list',
    group: 'autoscaling',
    resource: 'horizontalpodautoscalers',
    scope: 'cluster',
    stops: ['see Deployments beside node groups', 'watch Deployments beside node groups'],
  },
  {
    verb: 'list',
    group: 'keda.sh',
    resource: 'scaledobjects',
    scope: 'cluster',
    stops: [],
    serves: ['see Deployments beside node groups', 'watch Deployments beside node groups'],
  },
  {
    verb: 'watch',
    group: '',
    resource: 'nodes',
    scope: 'cluster',
    stops: ['watch Deployments beside node groups'],
  },
  {
    verb: 'watch',
    group: '',
    resource: 'pods',
    scope: 'cluster',
    stops: ['watch Deployments beside node groups'],
  },
  {
    verb: 'watch',
    group: 'autoscaling',
    resource: 'horizontalpodautoscalers',
    scope: 'cluster',
    stops: ['watch Deployments beside node groups'],
  },
  {
    verb: 'watch',
    group: 'keda.sh',
    resource: 'scaledobjects',
    scope: 'cluster',
    stops: [],
    serves: ['watch Deployments beside node groups'],
  },
  { verb: 'patch', group: '', resource: 'nodes', scope: 'cluster', stops: ['cordon nodes'] },
  {
    verb: 'create',
    group: '',
    resource: 'pods/eviction',
    scope: 'cluster',
    // Pods of any namespace may be on the node.
    asked: 'inference',
    stops: ['empty nodes'],
  },
  { verb: 'get', group: 'apps', resource: 'deployments', scope: 'penstock', stops: ['resize buffers'] },
  { verb: 'patch', group: 'apps', resource: 'deployments/scale', scope: 'penstock', stops: ['resize buffers'] },
];

/** The bridge runs under an account of its own. */
export const NEEDED_BY_BRIDGE: readonly NeededPermission[] = [
  {
    verb: 'list',
    group: '',
    resource: 'pods',
    scope: 'inference',
    stops: ['find pods of Deployments (bridge)', 'find pods of StatefulSets (bridge)', 'watch pods (bridge)'],
  },
  { verb: 'watch', group: '', resource: 'pods', scope: 'inference', stops: ['watch pods (bridge)'] },
  {
    verb: 'get',
    group: 'apps',
    resource: 'deployments',
    scope: 'inference',
    stops: ['find pods of Deployments (bridge)', 'watch pods (bridge)'],
  },
  {
    verb: 'get',
    group: 'apps',
    resource: 'statefulsets',
    scope: 'inference',
    stops: ['find pods of StatefulSets (bridge)'],
  },
];

/** The tasks of each subject that the manifests grant something to. */
export const SUBJECTS: Readonly<
  Record<string, { readonly tasks: readonly Task[]; readonly needed: readonly NeededPermission[] }>
> = {
  'ServiceAccount penstock': { tasks: TASKS.filter((task) => !task.includes('bridge')), needed: NEEDED },
  'ServiceAccount penstock-bridge': {
    tasks: TASKS.filter((task) => task.includes('bridge')),
    needed: NEEDED_BY_BRIDGE,
  },
  'Group penstock-evaluate': { tasks: TASKS.filter((task) => task.startsWith('see ')), needed: NEEDED },
  'Group penstock-actuate': {
    tasks: TASKS.filter((task) => !/^(see|watch) /.test(task) && !task.includes('bridge')),
    needed: NEEDED,
  },
};

/** What the subject needs for its tasks. */
export function neededBy(subject: string): readonly NeededPermission[] {
  const { tasks, needed } = SUBJECTS[subject] ?? { tasks: [], needed: [] };
  return needed.filter(({ stops, serves = [] }) => [...stops, ...serves].some((task) => tasks.includes(task)));
}

/** As the error says it, up to the namespace's name. */
export function textOf({ verb, resource, group, scope, asked = scope }: NeededPermission): string {
  const of = group === '' ? '' : ` of ${group}`;
  const where = asked === 'cluster' ? 'at the cluster scope' : `in namespace ${asked}`;
  return `permission to ${verb} ${resource}${of} ${where}`;
}
