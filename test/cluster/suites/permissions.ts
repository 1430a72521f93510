/** What Penstock can still do, and what it says, with each permission taken away in turn: the same on the simulator and on a real control plane. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { VirtualClock, systemClock } from '../../../lib/base/clock.ts';
import { ConflictError, messageOf } from '../../../lib/base/errors.ts';
import type { LogFields } from '../../../lib/base/log.ts';
import type { KubernetesClient } from '../../../lib/clients/kubernetes/client.ts';
import type { ClusterView } from '../../../lib/cluster-view/contract.ts';
import { kubernetesEksView } from '../../../lib/cluster-view/kubernetes-eks.ts';
import { kubernetesWatchedView } from '../../../lib/cluster-view/kubernetes-watched.ts';
import type { TargetRef } from '../../../lib/core/types.ts';
import { kubernetesPods } from '../../../lib/load-sources/kubernetes-pods.ts';
import { watchedPods } from '../../../lib/load-sources/watched-pods.ts';
import { kubernetesDrainer } from '../../../lib/node-provisioners/kubernetes-drainer.ts';
import { kubernetesScale } from '../../../lib/targets/kubernetes-scale.ts';
import { groupPolicy, workloadPolicy } from '../../core/builders.ts';
import { until } from '../../support/until.ts';
import { neededBy, textOf } from '../support/needed-permissions.ts';
import type { NeededPermission, Permission, Scope, Task } from '../support/needed-permissions.ts';

export type PermissionFixture = {
  /** Real names of the scopes. */
  readonly namespaces: Readonly<Record<Exclude<Scope, 'cluster'>, string>>;
  /** Deployment and StatefulSet `engine` in `inference`; a budget forbids to evict the pods of the Deployment, one of which runs on this node. */
  readonly engine: { readonly nodeName: string; readonly podName: string };
  /** Deployment in `penstock`. */
  readonly buffer: string;
  /** A client that may do what is granted and nothing else. */
  client(granted: readonly Permission[]): Promise<KubernetesClient>;
  close(): Promise<void>;
};

type Outcome = { readonly task: Task; readonly said: string };

/** Two clients of one object get into each other's way once or twice, not more. */
const CONFLICTS_MAX = 5;

/** `missing`: kinds the server does not have; they are answered with 404 once the permission is there. */
export function permissionSuite(
  server: string,
  create: () => Promise<PermissionFixture>,
  { missing = [] }: { readonly missing?: readonly string[] } = {},
): void {
  const isServed = (task: Task): boolean => kindIn(task, missing) === undefined;
  describe(`permissions: ${server}`, () => {
    let fixture: PermissionFixture;
    beforeAll(async () => {
      fixture = await create();
    });
    afterAll(() => fixture.close());

    /** What every task ends with for one who has `granted`. */
    const outcomes = async (granted: readonly Permission[], tasks: readonly Task[]): Promise<readonly Outcome[]> => {
      const client = await fixture.client(granted);
      try {
        const all: Outcome[] = [];
        for (const task of tasks) all.push({ task, said: await outcome(() => TASK_CALLS[task](client, fixture)) });
        return all;
      } finally {
        await client.close();
      }
    };

    describe.each(INSTALLATIONS)('$name', ({ granted, tasks }) => {
      let all: Promise<readonly Outcome[]> | undefined;
      const withAll = (): Promise<readonly Outcome[]> => (all ??= outcomes(granted, tasks));
      test('with everything granted every task is done', async () => {
        const said = await withAll();
        expect(said.filter(({ task }) => isServed(task))).toEqual(tasks.filter(isServed).map(done));
        expect(said.filter((one) => one.said.includes('permission'))).toEqual([]);
      });

      test.each(granted.map((permission) => [textOf(permission), permission] as const))(
        'without %s exactly what needs it stops, and says so',
        async (text, taken) => {
          const full = await withAll();
          const rest = granted.filter((one) => one !== taken);
          for (const { task, said } of await outcomes(rest, tasks)) {
            const before = full.find((one) => one.task === task)?.said;
            // A kind that is missing hides what would have been asked next, unless it is the one that is forbidden.
            const kind = kindIn(task, missing);
            if (kind !== undefined && !taken.resource.startsWith(kind.toLowerCase())) continue;
            if (!taken.stops.includes(task)) expect([task, said]).toEqual([task, before]);
            else expect([task, said]).toEqual([task, expect.stringContaining(withNames(text))]);
          }
        },
      );
    });

    const withNames = (text: string): string => {
      const named = text.replace(/(?<=in namespace )(\w+)/, (scope) => fixture.namespaces[scope as 'inference']);
      const by = text.endsWith('cluster scope') ? 'ClusterRole' : 'Role there';
      return masked(`expected ${named} (by a ${by}: docs/permissions.md)`);
    };
  });
}

/** The kind of `kinds` that the task is about. */
function kindIn(task: Task, kinds: readonly string[]): string | undefined {
  return kinds.find((kind) => task.includes(kind));
}

/** Versions and addresses differ from call to call. */
function masked(text: string): string {
  return text.replace(/\d+/g, 'N');
}

const done = (task: Task): Outcome => ({ task, said: 'done' });

async function outcome(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
    return 'done';
  } catch (error) {
    return masked(messageOf(error));
  }
}

const MAIN = neededBy('ServiceAccount penstock');
const IN_NAMESPACES: readonly Task[] = [
  'see Deployments',
  'see StatefulSets',
  'watch Deployments',
  'watch StatefulSets',
  'resize Deployments',
  'resize StatefulSets',
  'choose pods that go first',
];

/** What can be installed by itself. */
const INSTALLATIONS: readonly {
  readonly name: string;
  readonly granted: readonly NeededPermission[];
  readonly tasks: readonly Task[];
}[] = [
  {
    name: 'workloads of one namespace',
    granted: MAIN.filter(({ scope }) => scope === 'inference'),
    tasks: IN_NAMESPACES,
  },
  {
    name: 'workloads, node groups and buffers',
    granted: MAIN,
    tasks: [
      'see Deployments beside node groups',
      'see node groups',
      'watch Deployments beside node groups',
      'resize Deployments',
      'choose pods that go first',
      'cordon nodes',
      'empty nodes',
      'resize buffers',
    ],
  },
  {
    name: 'the bridge',
    granted: neededBy('ServiceAccount penstock-bridge'),
    tasks: ['find pods of Deployments (bridge)', 'find pods of StatefulSets (bridge)', 'watch pods (bridge)'],
  },
];

type Call = (client: KubernetesClient, fixture: PermissionFixture) => Promise<unknown>;

const GROUP = groupPolicy(
  { ownership: 'observe', provider: { kind: 'karpenterNodePool', nodePool: 'permissions' } },
  'permissions',
);

/** One call of an adapter each; none leaves anything changed. */
export const TASK_CALLS: Readonly<Record<Task, Call>> = {
  'see Deployments': (client, fixture) => seeWorkload(client, { fixture, kind: 'Deployment', groups: [] }),
  'see StatefulSets': (client, fixture) => seeWorkload(client, { fixture, kind: 'StatefulSet', groups: [] }),
  'see Deployments beside node groups': (client, fixture) =>
    seeWorkload(client, { fixture, kind: 'Deployment', groups: [GROUP] }),
  'see node groups': async (client) => {
    const view = kubernetesEksView({ kubernetes: client, clock: systemClock });
    const seen = (await view.observe({ workloads: [], nodeGroups: [GROUP] })).nodeGroups['permissions'];
    if (seen?.kind !== 'observed') throw new Error(seen?.reason);
  },
  'watch Deployments': (client, fixture) => watchWorkload(client, { fixture, kind: 'Deployment', groups: [] }),
  'watch StatefulSets': (client, fixture) => watchWorkload(client, { fixture, kind: 'StatefulSet', groups: [] }),
  'watch Deployments beside node groups': (client, fixture) =>
    watchWorkload(client, { fixture, kind: 'Deployment', groups: [GROUP] }),
  'resize Deployments': (client, { namespaces }) =>
    resize(client, { kind: 'Deployment', namespace: namespaces.inference, name: 'engine' }),
  'resize StatefulSets': (client, { namespaces }) =>
    resize(client, { kind: 'StatefulSet', namespace: namespaces.inference, name: 'engine' }),
  'choose pods that go first': async (client, { namespaces, engine }) => {
    const ref = { kind: 'Deployment', namespace: namespaces.inference, name: 'engine' };
    const target = kubernetesScale(client);
    await target.preferVictims?.(ref, { first: [engine.podName], release: [] });
    await target.preferVictims?.(ref, { first: [], release: [engine.podName] });
  },
  'cordon nodes': async (client, { engine }) => {
    const drainer = kubernetesDrainer(client, { clock: systemClock });
    await drainer.cordon(engine.nodeName);
    await drainer.uncordon(engine.nodeName);
  },
  'empty nodes': async (client, { engine }) => {
    const step = await kubernetesDrainer(client, { clock: systemClock }).drainStep(engine.nodeName);
    if (step.state !== 'blocked') throw new Error(`expected the budget to refuse, current value is ${step.state}`);
  },
  'resize buffers': (client, { namespaces, buffer }) =>
    resize(client, { kind: 'Deployment', namespace: namespaces.penstock, name: buffer }),
  'find pods of Deployments (bridge)': (client, fixture) => findPods(client, { fixture, kind: 'Deployment' }),
  'find pods of StatefulSets (bridge)': (client, fixture) => findPods(client, { fixture, kind: 'StatefulSet' }),
  'watch pods (bridge)': watchPods,
};

type AskedToSee = {
  readonly fixture: PermissionFixture;
  readonly kind: string;
  readonly groups: readonly (typeof GROUP)[];
  /** The groups must be seen, too. */
  readonly isWhole?: boolean;
};

async function seeWorkload(client: KubernetesClient, asked: AskedToSee): Promise<void> {
  await seeBy(kubernetesEksView({ kubernetes: client, clock: systemClock }), asked);
}

async function seeBy(view: ClusterView, { fixture, kind, groups, isWhole = false }: AskedToSee): Promise<void> {
  const target = { kind, namespace: fixture.namespaces.inference, name: 'engine' };
  const seen = await view.observe({ workloads: [workloadPolicy({ target }, 'engine')], nodeGroups: groups });
  const found = seen.targets['engine'];
  if (found?.kind !== 'observed') throw new Error(found?.reason);
  const missing = Object.values(seen.nodeGroups).find((one) => one.kind === 'missing');
  if (missing?.kind === 'missing' && isWhole) throw new Error(missing.reason);
}

/** Without permission to watch it is seen all the same, by lists, but that is not this task. */
async function watchWorkload(client: KubernetesClient, asked: AskedToSee): Promise<void> {
  const settled = new Map<unknown, unknown>();
  const settle = (_: string, fields: LogFields = {}): void => void settled.set(fields['what'], fields['error']);
  const log = { debug: settle, info: settle, warn: settle, error: settle };
  const view = kubernetesWatchedView({ kubernetes: client, clock: systemClock, log, random: Math.random });
  try {
    const seen = await seeBy(view, { ...asked, isWhole: true }).catch((error: unknown) => error);
    // Objects, their pods, HPAs and ScaledObjects; and nodes.
    const count = 4 + asked.groups.length;
    await until('all is watched or refused', async () => settled.size === count);
    const refused = [...settled].find(([what, error]) => !/ScaledObjects/.test(String(what)) && error !== undefined);
    if (refused !== undefined) throw new Error(String(refused[1]));
    if (seen !== undefined) throw seen;
  } finally {
    await view.close();
  }
}

/** To the count it has: a write all the same. Goes on to the write where the read is refused for another reason than permission. */
async function resize(client: KubernetesClient, ref: TargetRef): Promise<void> {
  const target = kubernetesScale(client);
  for (let attempt = 1; ; attempt++) {
    try {
      const expected = await target.read(ref);
      await target.scale(ref, { replicas: expected.replicas, expected, planSeq: 1 });
      return;
    } catch (error) {
      if (messageOf(error).includes('HTTP 404')) return await writeOnly(client, ref);
      if (!(error instanceof ConflictError) || attempt === CONFLICTS_MAX) throw error;
    }
  }
}

async function writeOnly(client: KubernetesClient, ref: TargetRef): Promise<void> {
  const expected = { replicas: 1, generation: 1, resourceVersion: '1', uid: '' };
  await kubernetesScale(client).scale(ref, { replicas: 1, expected, planSeq: 1 });
}

async function findPods(
  client: KubernetesClient,
  asked: { readonly fixture: PermissionFixture; readonly kind: string },
): Promise<void> {
  const target = { kind: asked.kind, namespace: asked.fixture.namespaces.inference, name: 'engine' };
  const policy = workloadPolicy({ target }, 'engine');
  await kubernetesPods({ client, policy, clock: new VirtualClock() }).list();
}

/** As the bridge does it. Without permission to watch they are found all the same, by lists, but that is not this task. */
async function watchPods(client: KubernetesClient, { namespaces }: PermissionFixture): Promise<void> {
  const settled = new Map<unknown, unknown>();
  const settle = (_: string, fields: LogFields = {}): void => void settled.set(fields['what'], fields['error']);
  const log = { debug: settle, info: settle, warn: settle, error: settle };
  const clock = systemClock;
  const watched = watchedPods({ client, clock, log, random: Math.random });
  try {
    const target = { kind: 'Deployment', namespace: namespaces.inference, name: 'engine' };
    const found = await kubernetesPods({ client, policy: workloadPolicy({ target }, 'engine'), clock, watched }).list();
    if (found.length !== 1) throw new Error(`expected one pod, current value is ${found.length}`);
    await until('the pods are watched or refused', async () => settled.size > 0);
    const refused = [...settled.values()].find((error) => typeof error === 'string');
    if (refused !== undefined) throw new Error(refused);
  } finally {
    await watched.close();
  }
}
