/** The whole loop on real Kafka, Redis and a real Swarm: events in, containers started and stopped. Only where `PENSTOCK_TEST_SWARM` names a Swarm. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { testKafkaBrokers, testRedisUrl } from '../support/kafka-redis.ts';
import { steadyLoad } from '../support/load-producer-steady.ts';
import type { SteadyLoad } from '../support/load-producer-steady.ts';
import { buildTestCli, eventually, lastLog, openSite } from '../support/process-host.ts';
import type { Host, Site } from '../support/process-host.ts';
import { workloadPolicy } from '../support/process-host-scenes.ts';
import { SWARM_ADDRESS, createService } from './real-swarm.ts';
import type { RealService } from './real-swarm.ts';

if (SWARM_ADDRESS === undefined) {
  test.skip('the loop on a real Swarm (left out: PENSTOCK_TEST_SWARM names none)', () => {});
} else {
  loopOnSwarm(SWARM_ADDRESS);
}

function loopOnSwarm(address: string): void {
  describe('the loop on a real Swarm', () => {
    let cli: Awaited<ReturnType<typeof buildTestCli>> | undefined;
    let service: RealService;
    let site: Site;
    let load: SteadyLoad;
    let host: Host;

    beforeAll(async () => {
      cli = await buildTestCli();
      service = await createService({ replicas: 1 });
      const { kind, namespace, name } = service.ref;
      const target = `target: { kind: ${kind}, namespace: ${namespace}, name: ${name} }`;
      site = await openSite({
        script: cli.script,
        brokers: testKafkaBrokers(),
        redisUrl: testRedisUrl(),
        world: {},
        policies: workloadPolicy({ name: 'llama' }).replace(/target: .*/, target),
        env: { PENSTOCK_DOCKER_HOST: address, PENSTOCK_KUBERNETES: 'none' },
      });
      load = await steadyLoad({ brokers: testKafkaBrokers(), topic: site.topics.inferenceLoad });
      host = await site.start();
    });
    afterAll(async () => {
      await load?.stop();
      await site?.close();
      await service?.remove();
      await cli?.remove();
    });

    const running = async (): Promise<number> =>
      (await service.tasks()).filter((task) => task.state === 'running' && task.desired === 'running').length;
    const soon = (what: string, condition: () => Promise<boolean>) =>
      eventually(what, condition, { about: () => lastLog(site) });

    test('more load starts containers, less stops them', async () => {
      load.set('llama', 4);
      await soon('one replica is seen', async () => {
        const [workload] = (await host.view())?.status.workloads ?? [];
        return workload?.ready === 1 && workload.wanted !== null;
      });
      load.set('llama', 38);
      await soon('five containers run', async () => (await running()) >= 5);
      load.set('llama', 4);
      await soon('one container is left', async () => (await service.tasks()).length === 1);
      expect(await site.log()).toMatch(/"outcome":"applied"/);
    });
  });
}
