/** Handover and handback of a HorizontalPodAutoscaler on a real API server, with its defaults and the controller that reads it. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { AutoscalingV2Api } from '@kubernetes/client-node';
import { systemClock } from '../../lib/base/clock.ts';
import { handBack } from '../../lib/cli/handover/hand-back.ts';
import { handOver } from '../../lib/cli/handover/hand-over.ts';
import { kubernetesEksView } from '../../lib/cluster-view/kubernetes-eks.ts';
import { kubernetesScale } from '../../lib/targets/kubernetes-scale.ts';
import { workloadPolicy } from '../core/builders.ts';
import { realFixture, type RealFixture } from './support/real-fixture.ts';

describe('handover on a real API server', () => {
  let site: RealFixture;
  let autoscaling: AutoscalingV2Api;
  beforeAll(async () => {
    site = await realFixture('handover', { nodes: 0 });
    autoscaling = site.kubeConfig.makeApiClient(AutoscalingV2Api);
  });
  afterAll(() => site.close());

  test.each([
    ['without behavior', undefined],
    ['with one side of behavior', { scaleDown: { stabilizationWindowSeconds: 30 } }],
  ])('an HPA %s lets go of the count, and comes back as it was', async (_, behavior) => {
    const { namespace } = site;
    const name = behavior === undefined ? 'plain' : 'behaved';
    await site.createDeployment(name, 4, { gpus: 0 });
    await autoscaling.createNamespacedHorizontalPodAutoscaler({
      namespace,
      body: {
        metadata: { name },
        spec: {
          scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
          minReplicas: 2,
          maxReplicas: 6,
          ...(behavior === undefined ? {} : { behavior }),
        },
      },
    });
    const specNow = async () =>
      (await autoscaling.readNamespacedHorizontalPodAutoscaler({ namespace, name })).spec as unknown;
    const before = await specNow();
    const client = site.client();
    const target = { kind: 'Deployment', namespace, name };
    const policy = workloadPolicy({ target, replicas: { min: 1, max: 20 }, mode: 'observe' }, name);
    const said: string[] = [];
    const deps = {
      client,
      target: kubernetesScale(client),
      clock: systemClock,
      say: (line: string) => void said.push(line),
      isDryRun: false,
    };
    const scaledBy = async () => {
      const view = kubernetesEksView({ kubernetes: client, clock: systemClock });
      const { targets } = await view.observe({ workloads: [policy], nodeGroups: [] });
      return targets[name]?.kind === 'observed' ? targets[name].scaledBy : 'missing';
    };
    expect(await scaledBy()).toBe(`HorizontalPodAutoscaler/${name}`);
    await handOver(deps, policy);
    expect(await scaledBy()).toBeNull();
    expect(await specNow()).toMatchObject({ minReplicas: 1, maxReplicas: 20 });
    await handBack(deps, policy, { liftFloor: false });
    expect(await specNow()).toMatchObject({ minReplicas: 4, maxReplicas: 6 });
    await handBack(deps, policy, { liftFloor: true });
    expect(await specNow()).toEqual(before);
    expect(said).toContain('It runs 4 replicas (4 before).');
  });
});
