import { describe, expect, test } from '@jest/globals';
import { VirtualClock } from '../../lib/base/clock.ts';
import { ConfigError } from '../../lib/base/errors.ts';
import { policySources } from '../../lib/load-sources/policy-sources.ts';
import type { PolicySourcesParts } from '../../lib/load-sources/policy-sources.ts';
import { staticEndpoints } from '../../lib/load-sources/static-endpoints.ts';
import { workloadPolicy } from '../core/builders.ts';
import { startVllmServer } from './vllm-server.ts';

const bridge = { preset: 'vllm', port: 8_000, path: '/metrics' };

const partsOf = (clock = new VirtualClock()): PolicySourcesParts => ({
  clock,
  kubernetes: null,
  readLag: async ({ topic, group }) => ({ kind: 'missing', reason: `lag of ${group} on ${topic}` }),
});

describe('policySources', () => {
  test('a policy that says nothing of it is not measured', async () => {
    expect(await policySources(workloadPolicy({}, 'chat'), partsOf())).toEqual([]);
  });

  test('a bridge block with endpoints scrapes them', async () => {
    const server = await startVllmServer();
    try {
      const clock = new VirtualClock();
      const policy = workloadPolicy({ bridge: { ...bridge, endpoints: [server.address] } }, 'chat');
      const [source] = await policySources(policy, partsOf(clock));
      await source?.collect();
      await clock.advance(2_000);
      server.figures.running = 6;
      expect((await source?.collect())?.events).toMatchObject([
        { workload: 'chat', source: `pod/${server.address}`, inFlight: 3 },
      ]);
    } finally {
      await server.close();
    }
  });

  test('each queueDepth signal with kafka reads its lag', async () => {
    const signals = [
      { kind: 'queueDepth' as const, perReplicaPerSec: 1, drainSec: 60, kafka: { topic: 'jobs', group: 'workers' } },
      { kind: 'queueDepth' as const, perReplicaPerSec: 1, drainSec: 60 },
    ];
    const sources = await policySources(workloadPolicy({ signals }, 'batch'), partsOf());
    expect(sources).toHaveLength(1);
    expect((await sources[0]?.collect())?.failures).toEqual([
      { source: 'kafka/workers/jobs', reason: 'lag of workers on jobs' },
    ]);
  });

  test('an unknown preset, and pods without a cluster, are configuration errors', async () => {
    const unknown = workloadPolicy({ bridge: { ...bridge, preset: 'nothing' } }, 'chat');
    await expect(policySources(unknown, partsOf())).rejects.toThrow(ConfigError);
    await expect(policySources(workloadPolicy({ bridge }, 'chat'), partsOf())).rejects.toThrow(/PENSTOCK_KUBERNETES/);
  });
});

test('staticEndpoints fill in the port, keep each server once and know IPv6', async () => {
  const endpoints = ['10.0.0.1', '10.0.0.1', 'host:9000', '[fd00::1]', '[fd00::1]:9000', 'fd00::2'];
  expect((await staticEndpoints({ ...bridge, endpoints }).list()).map(({ source, url }) => [source, url])).toEqual([
    ['pod/10.0.0.1:8000', 'http://10.0.0.1:8000/metrics'],
    ['pod/host:9000', 'http://host:9000/metrics'],
    ['pod/[fd00::1]:8000', 'http://[fd00::1]:8000/metrics'],
    ['pod/[fd00::1]:9000', 'http://[fd00::1]:9000/metrics'],
    ['pod/[fd00::2]:8000', 'http://[fd00::2]:8000/metrics'],
  ]);
});
