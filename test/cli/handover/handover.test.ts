/** Handover and handback against the simulated cluster, with its HPAs and KEDA's operator. */
import { afterEach, describe, expect, test } from '@jest/globals';
import type { KubernetesClient } from '../../../lib/clients/kubernetes/client.ts';
import { kubernetesEksView } from '../../../lib/cluster-view/kubernetes-eks.ts';
import { handBack } from '../../../lib/cli/handover/hand-back.ts';
import { handOver } from '../../../lib/cli/handover/hand-over.ts';
import type { HandoverDeps } from '../../../lib/cli/handover/steps.ts';
import { kubernetesScale } from '../../../lib/targets/kubernetes-scale.ts';
import type { WorldSettings } from '../../../lib/simulator/world/settings.ts';
import { startCluster } from '../../clients/kubernetes/server.ts';
import type { Cluster } from '../../clients/kubernetes/server.ts';
import { workloadPolicy } from '../../core/builders.ts';
import { runOnClock } from '../../support/run-on-clock.ts';

const NOTE = 'penstock.dev/handover';
const PAUSED = 'autoscaling.keda.sh/paused';
const HELD = 'autoscaling.keda.sh/paused-replicas';
const llama = { namespace: 'default', name: 'llama' };
const policy = workloadPolicy({ replicas: { min: 1, max: 20 }, mode: 'observe' }, 'llama');
const acting = workloadPolicy({ replicas: { min: 1, max: 20 }, mode: 'act' }, 'llama');

const deployments: WorldSettings['deployments'] = [{ name: 'llama', replicas: 6, gpusPerPod: 0 }];
const behavior = { scaleDown: { stabilizationWindowSeconds: 60, selectPolicy: 'Max' } };
const hpa = { name: 'llama', deployment: 'llama', minReplicas: 2, maxReplicas: 8, behavior };
const withHpa: WorldSettings = { deployments, podAutoscalers: [hpa] };
const withKeda: WorldSettings = {
  deployments,
  scaledObjects: [{ name: 'llama', deployment: 'llama', minReplicaCount: 1, maxReplicaCount: 30 }],
};

describe('penstock handover', () => {
  let cluster: Cluster;
  let said: string[];
  afterEach(() => cluster.close());

  const start = async (settings: WorldSettings, options: Parameters<typeof startCluster>[1] = {}) => {
    cluster = await startCluster(settings, options);
    said = [];
  };
  const deps = (over: Partial<HandoverDeps> = {}): HandoverDeps => ({
    client: cluster.kubernetes,
    target: kubernetesScale(cluster.kubernetes),
    clock: cluster.clock,
    say: (line) => void said.push(line),
    isDryRun: false,
    ...over,
  });
  const over = (changes: Partial<HandoverDeps> = {}) => runOnClock(cluster.clock, handOver(deps(changes), policy));
  const back = (liftFloor = false, of = policy) => runOnClock(cluster.clock, handBack(deps(), of, { liftFloor }));
  const count = () => cluster.world.deployment(llama).replicas;
  const hpaNow = () => cluster.world.state.podAutoscalers.get('default/llama');
  const kedaNow = () => cluster.world.state.scaledObjects.get('default/llama');
  const scaledBy = async () => {
    const { targets } = await kubernetesEksView(cluster).observe({ workloads: [acting], nodeGroups: [] });
    return targets['llama']?.kind === 'observed' ? targets['llama'].scaledBy : 'missing';
  };
  const writes = () => cluster.server.requests.all().filter(({ method, status }) => method === 'PATCH' && status < 300);

  test('an HPA has both directions disabled and bounds that hold the policy, and owns the count no longer', async () => {
    await start(withHpa);
    expect(await scaledBy()).toBe('HorizontalPodAutoscaler/llama');
    await over();
    expect(hpaNow()?.spec).toMatchObject({
      behavior: { scaleUp: { selectPolicy: 'Disabled' }, scaleDown: { selectPolicy: 'Disabled' } },
      minReplicas: 1,
      maxReplicas: 20,
    });
    expect(await scaledBy()).toBeNull();
    expect(count()).toBe(6);
    expect(said.join('\n')).toMatch(/Taken over at 6 replicas \(6 before\).*\nNow set spec.mode: act/);
  });

  test('handback restores an HPA to the letter, but for a floor at the count, which is lifted when asked', async () => {
    await start(withHpa);
    const before = hpaNow()?.spec;
    await over();
    cluster.world.scale(llama, 11);
    await back();
    expect(hpaNow()?.spec).toMatchObject({ behavior, minReplicas: 11, maxReplicas: 11 });
    expect(said.join('\n')).toContain('Its bounds are 11–11 instead of 2–8');
    await back();
    expect(hpaNow()?.spec).toMatchObject({ minReplicas: 11 });
    await back(true);
    expect(hpaNow()?.spec).toEqual(before);
    expect(hpaNow()?.annotations).toEqual({});
    expect(count()).toBe(11);
  });

  test('an HPA without behavior has none after it came back', async () => {
    await start({
      deployments,
      podAutoscalers: [{ name: 'llama', deployment: 'llama', minReplicas: 6, maxReplicas: 9 }],
    });
    const before = hpaNow()?.spec;
    await over();
    await back();
    expect(hpaNow()?.spec).toEqual(before);
    expect(hpaNow()?.annotations).toEqual({});
  });

  test('a ScaledObject is paused without a held count, its HPA goes, and both come back', async () => {
    await start(withKeda);
    const before = kedaNow()?.spec;
    await over();
    expect(kedaNow()?.annotations).toMatchObject({ [PAUSED]: 'true' });
    expect(cluster.world.state.podAutoscalers.size).toBe(0);
    expect(await scaledBy()).toBeNull();
    await back();
    expect(kedaNow()).toMatchObject({ spec: { minReplicaCount: 6, maxReplicaCount: 30 } });
    expect(kedaNow()?.annotations[PAUSED]).toBeUndefined();
    expect(cluster.world.state.podAutoscalers.get('default/keda-hpa-llama')?.spec).toMatchObject({ minReplicas: 6 });
    await back(true);
    expect(kedaNow()?.spec).toEqual(before);
    expect(kedaNow()?.annotations).toEqual({});
  });

  test('a count that KEDA held is given back, not below what runs now', async () => {
    await start(withKeda);
    await cluster.close();
    const held = { [PAUSED]: 'true', [HELD]: '3' };
    await start({ deployments, scaledObjects: [{ name: 'llama', deployment: 'llama', annotations: held }] });
    await over();
    expect(kedaNow()?.annotations[HELD]).toBeUndefined();
    await back();
    expect(kedaNow()?.annotations).toMatchObject({ [PAUSED]: 'true', [HELD]: '6' });
  });

  test('twice is once: the second run writes nothing', async () => {
    await start(withHpa);
    await over();
    const writesBefore = writes().length;
    await over();
    expect(writes()).toHaveLength(writesBefore);
    expect(said.at(-3)).toContain('quiet already');
  });

  test('interrupted after any of its calls, the next run ends in the same state, never below the count before', async () => {
    let calls = 1;
    for (let isThrough = false; !isThrough; calls++) {
      await start(withHpa);
      const dying = dyingAfter(cluster.kubernetes, calls);
      const first = handOver(deps({ client: dying, target: kubernetesScale(dying) }), policy);
      isThrough = await runOnClock(cluster.clock, first).then(
        () => true,
        () => false,
      );
      // Once it was told to stop, the HPA's last write may still come through.
      const isPausing = hpaNow()?.annotations[NOTE]?.includes('pausing') === true;
      if (isPausing) cluster.world.scale(llama, 4);
      await over();
      expect(count()).toBe(6);
      const { phase, original } = JSON.parse(hpaNow()?.annotations[NOTE] ?? '') as Record<string, unknown>;
      expect([phase, original]).toEqual(['held', { minReplicas: 2, maxReplicas: 8, behavior }]);
      if (!isThrough) await cluster.close();
    }
    expect(calls).toBeGreaterThan(6);
  });

  test('a later run does not raise to a count of long ago', async () => {
    await start(withHpa);
    await over();
    cluster.world.scale(llama, 3);
    await over();
    expect(count()).toBe(3);
  });

  test('a dry run says it all and writes nothing', async () => {
    await start(withHpa);
    await over({ isDryRun: true });
    await runOnClock(cluster.clock, handBack(deps({ isDryRun: true }), policy, { liftFloor: false }));
    expect(writes()).toEqual([]);
    expect(said.join('\n')).toMatch(/Would pause HorizontalPodAutoscaler "default\/llama" at 6 replicas/);
    expect(said.join('\n')).toContain('"minReplicas":2');
  });

  test('a missing permission is named, and nothing was changed', async () => {
    const rules = [{ apiGroups: ['*'], resources: ['*'], verbs: ['get', 'list'] }];
    await start(withHpa, { tokens: { reader: { user: 'jo', rules } } });
    await expect(over()).rejects.toThrow(
      'permission to patch horizontalpodautoscalers of autoscaling in namespace default',
    );
    expect(hpaNow()?.spec).toMatchObject({ minReplicas: 2, maxReplicas: 8, behavior });
  });

  test('handback is refused while the policy says act', async () => {
    await start(withHpa);
    await over();
    await expect(back(false, acting)).rejects.toThrow('expected spec.mode observe or paused');
    expect(await scaledBy()).toBeNull();
  });

  test('two autoscalers on one target are a question for a person', async () => {
    await start({ ...withHpa, ...withKeda });
    await expect(over()).rejects.toThrow(
      'expected one autoscaler on it, current value is HorizontalPodAutoscaler "default/llama", ScaledObject "default/llama"',
    );
    expect(writes()).toEqual([]);
  });

  test('with no other autoscaler there is nothing to do', async () => {
    await start({ deployments });
    await over();
    await back();
    expect(writes()).toEqual([]);
    expect(said).toContain('No other autoscaler sets this count: nothing to hand over.');
  });
});

/** Every call after the first `calls` fails, as when the laptop is closed. */
function dyingAfter(client: KubernetesClient, calls: number): KubernetesClient {
  let left = calls;
  return {
    ...client,
    call: (what, request, limits) => {
      left -= 1;
      return left < 0 ? Promise.reject(new Error('the laptop was closed')) : client.call(what, request, limits);
    },
  };
}
