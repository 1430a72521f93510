/** The cluster that all files of a run share, and private control planes that a test may break. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import {
  type ControlPlaneHandle,
  defaultCacheDir,
  startControlPlane,
  type StartControlPlaneOptions,
} from '../../../lib/local/index.ts';

// The set-up is loaded as CommonJS, which has no `import.meta`; npm starts everything in the project's folder.
const SOURCE_DIR = join(process.cwd(), 'infra', 'local', 'control-plane');

/** Where the program is kept and what it is built from. */
export function controlPlaneOptions(
  progress: (line: string) => void,
): Pick<StartControlPlaneOptions, 'cacheDir' | 'progress' | 'sourceDir'> {
  const cacheDir = defaultCacheDir(process.env.XDG_CACHE_HOME);
  return { cacheDir, progress, sourceDir: SOURCE_DIR };
}

/** The kubeconfig of the cluster under test. */
export function testKubeConfig(): KubeConfig {
  const path = process.env.PENSTOCK_TEST_KUBECONFIG;
  if (path === undefined) throw new Error('Cannot find the test cluster: start this file with npm run test:cluster');
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromFile(path);
  return kubeConfig;
}

/** Whether the cluster was started by this run: only then may nodes be made, and GPUs promised that no machine has. */
export function isOwnCluster(): boolean {
  return process.env.PENSTOCK_TEST_CLUSTER === 'own';
}

/** Why a test of something that only an own cluster allows is left out. */
export const NEEDS_OWN_CLUSTER = 'not on a cluster of yours: it makes nodes that no machine stands behind';

/** The option of suites that leave such tests out. */
export function foreignness(): { readonly foreign?: string } {
  return isOwnCluster() ? {} : { foreign: NEEDS_OWN_CLUSTER };
}

/** A control plane of this test's own (4-10 s), for outages. `stop()` it in `afterAll`: that also removes its files. */
export async function ownControlPlane(parts?: StartControlPlaneOptions['parts']): Promise<ControlPlaneHandle> {
  const folder = await mkdtemp(join(tmpdir(), 'penstock-cluster-'));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const options = { ...controlPlaneOptions(() => {}), dataDir: join(folder, 'control-plane') };
    const handle = await startControlPlane({ ...options, ...(parts === undefined ? {} : { parts }) });
    const stop = async (): Promise<void> => {
      await handle.stop();
      await remove();
    };
    // A copy would freeze `pid`, which is read when it is asked for.
    return Object.create(handle, { stop: { value: stop, enumerable: true } }) as ControlPlaneHandle;
  } catch (error) {
    await remove();
    throw error;
  }
}
