/** Every manifest that is shipped is taken by a real API server, as it is, and asks for nothing it does not know. */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import {
  ApiException,
  CoreV1Api,
  KubernetesObjectApi,
  PatchStrategy,
  type KubernetesObject,
} from '@kubernetes/client-node';
import { parseAllDocuments } from 'yaml';
import { isOwnCluster, testKubeConfig } from './support/control-plane.ts';

const FOLDER = join(process.cwd(), 'infra', 'kubernetes');

const manifests = async (): Promise<readonly (readonly [string, KubernetesObject])[]> => {
  const files = (await readdir(FOLDER)).filter((file) => file.endsWith('.yaml')).map((file) => join(FOLDER, file));
  const all = [...files, join(process.cwd(), 'infra', 'serverless', 'kubernetes-rbac.yml')];
  const objects = await Promise.all(
    all.map(async (file) =>
      parseAllDocuments(await readFile(file, 'utf8'))
        .map((document) => document.toJS() as KubernetesObject | null)
        .flatMap((object) => (object === null ? [] : [[file, object] as const])),
    ),
  );
  return objects.flat();
};

// In namespaces of these very names: not on a cluster of somebody's.
(isOwnCluster() ? test : test.skip)(
  'an API server takes every manifest, with no unknown or repeated field',
  async () => {
    const kubeConfig = testKubeConfig();
    const core = kubeConfig.makeApiClient(CoreV1Api);
    for (const name of ['penstock', 'inference']) {
      await core.createNamespace({ body: { metadata: { name } } }).catch((error: unknown) => {
        if (!(error instanceof ApiException && error.code === 409)) throw error;
      });
    }
    const api = KubernetesObjectApi.makeApiClient(kubeConfig);
    const all = await manifests();
    expect(all.length).toBeGreaterThan(25);
    const refused: string[] = [];
    for (const [file, object] of all) {
      await patchDry(api, object).catch((error: unknown) => refused.push(`${file}: ${object.kind}: ${String(error)}`));
    }
    expect(refused).toEqual([]);
  },
);

/** Server-side apply, dry: checked against the schema and by admission, and kept nowhere. */
function patchDry(api: KubernetesObjectApi, object: KubernetesObject): Promise<unknown> {
  return api.patch(object, undefined, 'All', 'penstock-test', true, PatchStrategy.ServerSideApply);
}
