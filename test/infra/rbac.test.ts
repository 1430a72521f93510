/** The RBAC that is shipped: what is granted is what is needed, everything granted is used, and what stops without each part is known. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { systemClock } from '../../lib/base/clock.ts';
import { messageOf } from '../../lib/base/errors.ts';
import { kubernetesClient } from '../../lib/clients/kubernetes/client.ts';
import { kubernetesEksView } from '../../lib/cluster-view/kubernetes-eks.ts';
import type { AccessRule, Identity } from '../../lib/simulator/cluster-server/kubernetes/access.ts';
import { parseTarget } from '../../lib/simulator/cluster-server/kubernetes/resources.ts';
import { startClusterServer } from '../../lib/simulator/cluster-server/server.ts';
import type { ClusterServer } from '../../lib/simulator/cluster-server/server.ts';
import { createWorld } from '../../lib/simulator/world/world.ts';
import { kubernetesScale } from '../../lib/targets/kubernetes-scale.ts';
import { TASK_CALLS, permissionSuite } from '../cluster/suites/permissions.ts';
import type { PermissionFixture } from '../cluster/suites/permissions.ts';
import { NEEDED, NEEDED_BY_BRIDGE, SUBJECTS, TASKS, neededBy } from '../cluster/support/needed-permissions.ts';
import type { Permission, Task } from '../cluster/support/needed-permissions.ts';
import { workloadPolicy } from '../core/builders.ts';
import { grantedRules, singly } from '../support/manifest-rules.ts';
import { patientKubernetes } from '../support/patience.ts';

const BUFFER = 'penstock-buffer-g5-karpenter';
const NAMESPACES = { inference: 'inference', penstock: 'penstock' };

/** A world with what the suite is about, and identities that are made as they are asked for. */
async function simulated(): Promise<
  PermissionFixture & { readonly server: ClusterServer; as(identity: Identity): ReturnType<typeof kubernetesClient> }
> {
  const world = createWorld(
    {
      deployments: [
        { name: 'engine', namespace: 'inference', replicas: 1 },
        { name: BUFFER, namespace: 'penstock', replicas: 0 },
      ],
      nodeGroups: [{ name: 'g5', desiredSize: 1 }],
    },
    systemClock.nowMs(),
  );
  world.addDisruptionBudget({
    name: 'engine',
    namespace: 'inference',
    matchLabels: { app: 'engine' },
    minAvailable: 1,
  });
  const tokens = new Map<string, Identity>();
  const server = await startClusterServer({ world, clock: systemClock, tokens });
  const [pod] = world.state.pods.values();
  if (pod === undefined) throw new Error('no pod');
  const as = (identity: Identity) => {
    const token = `t${tokens.size}`;
    tokens.set(token, identity);
    return kubernetesClient(
      { kind: 'server', server: server.kubernetesUrl, token },
      { clock: systemClock, ...patientKubernetes },
    );
  };
  return {
    server,
    as,
    namespaces: NAMESPACES,
    engine: { nodeName: pod.node?.name ?? '', podName: pod.name },
    buffer: BUFFER,
    client: async (granted) => as({ user: 'system:serviceaccount:penstock:penstock', rules: granted.map(ruleOf) }),
    close: () => server.close(),
  };
}

function ruleOf({ group, resource, verb, scope }: Permission): AccessRule {
  const rule = { apiGroups: [group], resources: [resource], verbs: [verb] };
  return scope === 'cluster' ? rule : { ...rule, namespaces: [NAMESPACES[scope]] };
}

permissionSuite('simulator', simulated, { missing: ['StatefulSet'] });

const textOf = (one: Omit<Permission, 'scope'> & { readonly scope: string }): string =>
  `${one.verb} ${one.resource}.${one.group} ${one.scope}`;

describe('the RBAC manifests', () => {
  test('grant to every subject what its tasks need, and nothing else', async () => {
    const rules = singly(await grantedRules());
    expect([...new Set(rules.map(({ subject }) => subject))].toSorted()).toEqual(Object.keys(SUBJECTS).toSorted());
    for (const subject of Object.keys(SUBJECTS)) {
      const granted = rules
        .filter((rule) => rule.subject === subject)
        .map((rule) =>
          textOf({
            verb: rule.verbs[0] ?? '',
            resource: rule.resources[0] ?? '',
            group: rule.apiGroups[0] ?? '',
            scope: rule.namespaces?.[0] ?? 'cluster',
          }),
        );
      expect([subject, granted.toSorted()]).toEqual([subject, neededBy(subject).map(textOf).toSorted()]);
    }
  });

  test('grant no pattern, and buffers by name', async () => {
    for (const rule of await grantedRules()) {
      expect([...rule.apiGroups, ...rule.resources, ...rule.verbs].filter((text) => text.includes('*'))).toEqual([]);
      if (rule.file.endsWith('buffer.yaml')) expect(rule.resourceNames).toEqual([BUFFER]);
    }
  });

  test.each(Object.entries(SUBJECTS))(
    'let %s do its tasks, and every grant is used by one of them',
    async (subject) => {
      const fixture = await simulated();
      try {
        const rules = (await grantedRules()).filter((rule) => rule.subject === subject);
        const client = fixture.as({ user: subject, rules });
        for (const task of SUBJECTS[subject]?.tasks ?? []) await run(task, () => TASK_CALLS[task](client, fixture));
        await client.close();
        const asked = fixture.server.requests.all();
        expect(asked.filter(({ status }) => status === 403)).toEqual([]);
        const used = asked.map(({ operation, path }) => {
          const target = parseTarget(path);
          const [verb = '', resource = ''] = operation.split(' ');
          return textOf({ verb, resource, group: target?.group ?? '', scope: target?.namespace ?? 'cluster' });
        });
        // Evictions name their pod's namespace, and may be of any: they are granted for the cluster.
        const scoped = used.map((text) => text.replace(/^(create pods\/eviction\.) inference$/, '$1 cluster'));
        expect([...new Set(scoped)].toSorted()).toEqual(neededBy(subject).map(textOf).toSorted());
      } finally {
        await fixture.close();
      }
    },
  );

  test('every task needs a permission, and every permission is for a task', () => {
    const needed = [...NEEDED, ...NEEDED_BY_BRIDGE];
    expect(needed.filter(({ stops, serves = [] }) => stops.length + serves.length === 0)).toEqual([]);
    expect(new Set(needed.flatMap(({ stops }) => stops))).toEqual(new Set(TASKS));
  });
});

/** StatefulSets are not served by the simulator: asking is what counts. */
async function run(task: Task, call: () => Promise<unknown>): Promise<void> {
  if (task.includes('StatefulSet')) await call().catch(() => {});
  else await call();
}

test('docs/permissions.md has a row for each', async () => {
  const page = await readFile(join(import.meta.dirname, '..', '..', 'docs', 'permissions.md'), 'utf8');
  const rows = page.split('\n').filter((line) => line.startsWith('| '));
  for (const { verb, resource, group, scope } of [...NEEDED, ...NEEDED_BY_BRIDGE]) {
    const what = `| ${verb} | \`${resource}\` | ${group === '' ? 'core' : `\`${group}\``} | ${scope === 'cluster' ? 'cluster' : 'namespace'} |`;
    expect(rows.filter((row) => row.startsWith(what)).length).toBeGreaterThanOrEqual(1);
  }
});

describe('a target of another kind', () => {
  const group = 'argoproj.io';
  const own: readonly Permission[] = [
    { verb: 'get', group, resource: 'rollouts', scope: 'inference' },
    { verb: 'get', group, resource: 'rollouts/scale', scope: 'inference' },
    { verb: 'patch', group, resource: 'rollouts/scale', scope: 'inference' },
  ];
  const target = { kind: 'Rollout', apiVersion: `${group}/v1alpha1`, namespace: 'inference', name: 'engine' };

  /** Sees it, then writes the count it has, as one who has `granted`. */
  const errorOf = async (granted: readonly Permission[]): Promise<string | null> => {
    const world = createWorld(
      { deployments: [{ name: 'engine', namespace: 'inference', gpusPerPod: 0, servedAs: 'rollouts' }] },
      systemClock.nowMs(),
    );
    const shared = NEEDED.filter(
      ({ verb, resource, scope }) => scope === 'inference' && verb === 'list' && resource !== 'deployments',
    );
    const rules = [...shared, ...granted].map(ruleOf);
    const server = await startClusterServer({ world, clock: systemClock, tokens: { us: { user: 'us', rules } } });
    const client = kubernetesClient(
      { kind: 'server', server: server.kubernetesUrl, token: 'us' },
      { clock: systemClock, ...patientKubernetes },
    );
    try {
      const view = kubernetesEksView({ kubernetes: client, clock: systemClock });
      const seen = (await view.observe({ workloads: [workloadPolicy({ target }, 'engine')], nodeGroups: [] })).targets;
      if (seen['engine']?.kind !== 'observed') throw new Error(seen['engine']?.reason);
      const scale = kubernetesScale(client);
      const expected = await scale.read(target);
      await scale.scale(target, { replicas: expected.replicas, expected, planSeq: 1 });
      return null;
    } catch (error) {
      return messageOf(error);
    } finally {
      await client.close();
      await server.close();
    }
  };

  test('needs get on the kind and its scale, and patch on its scale, beside what all need', async () => {
    expect(await errorOf(own)).toBeNull();
    for (const taken of own) {
      expect(await errorOf(own.filter((one) => one !== taken))).toContain(
        `permission to ${taken.verb} ${taken.resource} of ${group} in namespace inference (by a Role there`,
      );
    }
  });
});
