/** `npm run demo -- --cluster real` as people run it: it starts a Kafka, a Redis and a control plane of its own. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { AppsV1Api, CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { buildDemo, playLongEnough, startDemo, type Demo, type DemoBuild } from '../support/demo-process.ts';
import { until } from '../support/until.ts';
import { isOwnCluster, NEEDS_OWN_CLUSTER } from './support/control-plane.ts';

/** The shortest that the demo plays. */
const SHORTEST_SEC = 40;
/** Of a machine on which only the longest day is long enough, and which starts slowly beside a whole tier. */
const DEMO_MS_MAX = 900_000;

describe('penstock demo --cluster real', () => {
  if (!isOwnCluster()) {
    test.skip(`plays a short day (${NEEDS_OWN_CLUSTER})`, () => {});
    return;
  }
  let build: DemoBuild;
  let folder: string;
  beforeAll(async () => {
    build = await buildDemo();
    folder = await mkdtemp(join(tmpdir(), 'penstock-demo-test-'));
  }, DEMO_MS_MAX);
  afterAll(async () => {
    await build?.remove();
    await rm(folder, { recursive: true, force: true });
  });

  test(
    'plays a short day on Deployments and nodes that anybody can look at, and leaves nothing behind',
    async () => {
      const file = join(folder, 'report.json');
      let seen: Awaited<ReturnType<typeof watchFleet>> = { replicas: [], ready: [], nodes: [] };
      const play = async (durationSec: number): Promise<void> => {
        const args = ['--cluster', 'real', '--duration', String(durationSec), '--report', file];
        const demo = startDemo({ script: build.script, folder, args });
        seen = await watchFleet(demo);
        if ((await demo.ended) !== 0) process.stderr.write(`a day of ${durationSec} s:\n${demo.output()}\n`);
      };
      const told = await playLongEnough(file, { shortestSec: SHORTEST_SEC, play });
      // Down, too, in the evening; but an evening of six seconds may be over before the window of eight is.
      for (const counts of [seen.replicas, seen.ready, seen.nodes]) {
        expect(Math.max(...counts)).toBeGreaterThan(counts[0] ?? Infinity);
      }
      expect(told).toMatchObject({ cluster: expect.stringMatching(/^Kubernetes 1\.\d+\.\d+$/), problems: [] });
      expect(told.decisions).toBeGreaterThan(0);
      expect(told.deploymentResizes).toBeGreaterThanOrEqual(10);
      expect(told.eventToPatchMs.p50).not.toBeNull();
      expect(await readdir(folder)).toEqual(['report.json']);
    },
    DEMO_MS_MAX,
  );
});

/** Replicas that the busiest Deployment was given, Ready pods, and nodes of the whole cluster, each time somebody looked, until the cluster is gone. */
async function watchFleet(demo: Demo) {
  const kubeconfig = await until('the demo says how to look at its cluster', async () => {
    if (demo.child.exitCode !== null) throw new Error(`the demo ended:\n${demo.output()}`);
    return /Live\./.test(demo.output()) && /kubectl --kubeconfig (\S+)/.exec(demo.output())?.[1];
  });
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const [apps, core] = [config.makeApiClient(AppsV1Api), config.makeApiClient(CoreV1Api)];
  const seen = { replicas: [] as number[], ready: [] as number[], nodes: [] as number[] };
  // Its last act is to end the cluster: the first answer that fails then is the end of what can be seen.
  for (;;) {
    try {
      const name = { name: 'llama-8b-chat', namespace: 'inference' };
      const [{ spec, status }, nodes] = await Promise.all([apps.readNamespacedDeployment(name), core.listNode()]);
      seen.replicas.push(spec?.replicas ?? 0);
      seen.ready.push(status?.readyReplicas ?? 0);
      seen.nodes.push(nodes.items.length);
    } catch {
      return seen;
    }
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}
