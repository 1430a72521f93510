/** Before the first test of the cluster tier: one real control plane for the whole run, or the cluster that the user names. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { startControlPlane } from '../../lib/local/index.ts';
import { keepForTeardown } from '../support/global-teardown.ts';
import { controlPlaneOptions } from './support/control-plane.ts';
import { demandRights } from './support/rights.ts';

/** Sets `PENSTOCK_TEST_KUBECONFIG` for the workers, and `PENSTOCK_TEST_CLUSTER=own` when the cluster is ours to break. With `KUBECONFIG` and
 *  `PENSTOCK_CLUSTER_TEST=1` nothing is built or started. Throws one line when there is no way to a cluster, or when its user may not do there what the tests do. */
export default async function globalSetup(): Promise<void> {
  const named = process.env.KUBECONFIG;
  if (process.env.PENSTOCK_CLUSTER_TEST === '1') {
    if (!named) throw new Error('Cannot test on a cluster: expected KUBECONFIG to name a file, current value is empty');
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromFile(named);
    await demandRights(kubeConfig, named);
    report(`Testing on the cluster of ${named}, each file in a namespace of its own`);
    process.env.PENSTOCK_TEST_KUBECONFIG = named;
    process.env.PENSTOCK_TEST_CLUSTER = 'named';
    return;
  }
  if (named) report('KUBECONFIG is left alone: PENSTOCK_CLUSTER_TEST=1 would test on that cluster');
  const folder = await mkdtemp(join(tmpdir(), 'penstock-cluster-'));
  try {
    const handle = await startControlPlane({ ...controlPlaneOptions(report), dataDir: join(folder, 'control-plane') });
    process.env.PENSTOCK_TEST_KUBECONFIG = handle.kubeconfigFile;
    process.env.PENSTOCK_TEST_SERVICE_ACCOUNT_KEY = handle.serviceAccountKeyPem;
    process.env.PENSTOCK_TEST_CLUSTER = 'own';
    keepForTeardown({ handles: [handle], folder });
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

function report(line: string): void {
  process.stderr.write(`${line}\n`);
}
