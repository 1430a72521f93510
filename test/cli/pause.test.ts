/** The built `penstock pause`, `resume`, `handover` and `handback`, against a real Redis and the simulated cluster. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startCluster } from '../clients/kubernetes/server.ts';
import { testRedisUrl, uniqueName } from '../support/kafka-redis.ts';
import { buildTestCli } from '../support/process-host.ts';
import { penstock } from './built.ts';

let cli: Awaited<ReturnType<typeof buildTestCli>>;

beforeAll(async () => {
  cli = await buildTestCli();
});
afterAll(() => cli.remove());

describe('penstock pause', () => {
  test('shows in status until it is lifted, and needs no good policies to stop everything', async () => {
    const env = { PENSTOCK_REDIS_URL: testRedisUrl(), PENSTOCK_KEY_PREFIX: uniqueName('pause') };
    const run = (args: readonly string[], over: Readonly<Record<string, string>> = {}) =>
      penstock(args, { script: cli.script, env: { ...env, ...over } });
    const broken = { PENSTOCK_POLICIES: join(tmpdir(), uniqueName('no-such-folder')) };
    const paused = await run(['pause', '--all', '--reason', 'incident'], broken);
    expect([paused.code, paused.err]).toEqual([0, '']);
    await run(['pause', 'llama-8b-chat']);
    const { out } = await run(['status']);
    expect(out).toMatch(/^■ paused {2}everything by \S+@\S+: incident {2}since/);
    expect(out).toMatch(/^■ paused {2}llama-8b-chat by \S+@/m);
    expect((await run(['resume', '--all'], broken)).out).toBe('Resumed everything\n');
    expect((await run(['resume', 'llama-8b-chat'])).out).toBe('Resumed workload "llama-8b-chat"\n');
    expect((await run(['status'])).out).not.toContain('paused  ');
  });

  test.each([
    [['pause', 'lama-8b-chat'], 'expected one of image-batch, llama-8b-chat, current value is "lama-8b-chat"'],
    [['pause'], 'expected one of WORKLOAD, --node-group NAME and --all, current value is 0 of them'],
    [['resume', 'llama-8b-chat', '--all'], 'current value is 2 of them'],
  ])('%j is a mistake that is told', async (args, expected) => {
    const { code, err } = await penstock(args, { script: cli.script });
    expect(code).toBe(2);
    expect(err).toContain(expected);
  });
});

describe('penstock handover', () => {
  test('works with a kubeconfig and nothing else', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'penstock-handover-'));
    const cluster = await startCluster({
      deployments: [{ name: 'llama-8b-chat', namespace: 'inference', replicas: 4, gpusPerPod: 0 }],
      podAutoscalers: [{ name: 'chat', namespace: 'inference', deployment: 'llama-8b-chat', maxReplicas: 6 }],
    });
    try {
      const kubeconfig = join(folder, 'config');
      const { clusters, users, contexts, currentContext } = cluster.server.kubeconfig;
      const text = {
        clusters: clusters.map(({ name, server }) => ({ name, cluster: { server, 'insecure-skip-tls-verify': true } })),
        users: users.map(({ name, token }) => ({ name, user: { token } })),
        contexts: contexts.map(({ name, ...context }) => ({ name, context })),
        'current-context': currentContext,
      };
      await writeFile(kubeconfig, JSON.stringify(text));
      const run = (args: readonly string[]) => penstock(args, { script: cli.script, env: { KUBECONFIG: kubeconfig } });
      const { code, out, err } = await run(['handover', 'llama-8b-chat']);
      expect([code, err]).toEqual([0, '']);
      expect(out).toContain('Paused HorizontalPodAutoscaler "inference/chat" at 4 replicas');
      const hpa = cluster.world.state.podAutoscalers.get('inference/chat');
      expect(hpa?.spec).toMatchObject({ behavior: { scaleDown: { selectPolicy: 'Disabled' } } });
      expect((await run(['handback', 'llama-8b-chat'])).code).toBe(0);
      expect(hpa?.spec).toMatchObject({ minReplicas: 4, maxReplicas: 6 });
      expect(hpa?.spec).not.toHaveProperty('behavior');
    } finally {
      await cluster.close();
      await rm(folder, { recursive: true });
    }
  });
});
