/** Numbered pods, groups of pods and priorities on a real control plane; LeaderWorkerSets by a stand-in for their controller. */
import { randomUUID } from 'node:crypto';
import { describe, test } from '@jest/globals';
import { SchedulingV1Api } from '@kubernetes/client-node';
import { KWOK_DELAY } from '../../lib/local/control-plane/kwok-stages.ts';
import { kindsSuite } from './suites/kinds.ts';
import { isOwnCluster, NEEDS_OWN_CLUSTER } from './support/control-plane.ts';
import { leaderWorkerSets } from './support/leader-worker-sets.ts';
import { realFixture } from './support/real-fixture.ts';

if (isOwnCluster()) {
  kindsSuite('real control plane', async () => {
    const site = await realFixture('kinds');
    const groups = await leaderWorkerSets(site);
    const scheduling = site.kubeConfig.makeApiClient(SchedulingV1Api);
    const classes: string[] = [];
    return {
      ...site,
      createSet: (name, replicas, { podManagement }) =>
        site.createStatefulSet(name, replicas, { podManagementPolicy: podManagement }),
      createGroups: (name, replicas, { size }) => groups.create(name, replicas, size),
      createWithPriority: async (name, replicas, { value, preempts, endsAfterMs }) => {
        const className = `penstock-test-${randomUUID().slice(0, 8)}`;
        classes.push(className);
        const preemptionPolicy = preempts ? 'PreemptLowerPriority' : 'Never';
        await scheduling.createPriorityClass({ body: { metadata: { name: className }, value, preemptionPolicy } });
        await site.createDeployment(name, replicas, {
          priorityClassName: className,
          ...(endsAfterMs === undefined ? {} : { annotations: { [KWOK_DELAY.end]: `${endsAfterMs}ms` } }),
        });
      },
      close: async () => {
        await groups.close();
        await site.close();
        await Promise.all(classes.map((name) => scheduling.deletePriorityClass({ name })));
      },
    };
  });
} else {
  describe('kinds and priorities', () => test.skip(`which pods come and go (${NEEDS_OWN_CLUSTER})`, () => {}));
}
