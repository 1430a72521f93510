/** A control plane of a test file's own, whose API server can be killed. */
import { KubeConfig } from '@kubernetes/client-node';
import type { OutageFixture } from '../suites/outage.ts';
import { ownControlPlane } from './control-plane.ts';
import { realFixture } from './real-fixture.ts';

/** With `nodes` one-GPU nodes. */
export async function outageFixture(title: string, of: { readonly nodes: number }): Promise<OutageFixture> {
  const controlPlane = await ownControlPlane();
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromFile(controlPlane.kubeconfigFile);
  const fixture = await realFixture(title, { ...of, kubeConfig });
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
