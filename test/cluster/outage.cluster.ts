import { describe, test } from '@jest/globals';
import { KubeConfig } from '@kubernetes/client-node';
import { outageSuite } from './suites/outage.ts';
import { isOwnCluster, ownControlPlane } from './support/control-plane.ts';
import { realFixture } from './support/real-fixture.ts';

if (isOwnCluster()) {
  outageSuite('real control plane', async () => {
    const controlPlane = await ownControlPlane();
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromFile(controlPlane.kubeconfigFile);
    const fixture = await realFixture('outage', { nodes: 3, kubeConfig });
    return {
      ...fixture,
      kill: async () => {
        await compact(controlPlane.etcdUrl);
        await controlPlane.kill();
      },
      restart: () => controlPlane.restart(),
      close: async () => {
        await fixture.close();
        await controlPlane.stop();
      },
    };
  });
} else {
  describe('an outage of the API server', () =>
    test.skip('kills it and starts it again (not on a cluster of yours)', () => {}));
}

/** Forgets every version but the newest, as the API server has it done every five minutes. */
async function compact(etcdUrl: string): Promise<void> {
  const { header } = await ask(etcdUrl, { path: '/v3/kv/range', body: { key: Buffer.from([0]).toString('base64') } });
  await ask(etcdUrl, { path: '/v3/kv/compaction', body: { revision: header?.revision, physical: true } });
}

async function ask(
  etcdUrl: string,
  of: { readonly path: string; readonly body: object },
): Promise<{ readonly header?: { readonly revision: string } }> {
  const answer = await fetch(`${etcdUrl}${of.path}`, { method: 'POST', body: JSON.stringify(of.body) });
  if (!answer.ok) throw new Error(`${of.path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as { header?: { revision: string } };
}
