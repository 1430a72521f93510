/** Whether the user of a kubeconfig may do what this tier does on a cluster of theirs: asked before the first test, so that nobody has to read it out of a hundred failures. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AuthorizationV1Api, type KubeConfig, type V1ResourceAttributes } from '@kubernetes/client-node';
import { parse } from 'yaml';
import { ConfigError } from '../../../lib/base/errors.ts';
import { kubernetesError } from '../../../lib/clients/kubernetes/errors.ts';

/** The ClusterRole that says it, for people to apply; what is asked is read from it. */
export const RIGHTS_FILE = join('test', 'cluster', 'rights.yaml');

type Rule = {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
};

/** A group of no cluster, for rules that hold for all. */
const ANY_GROUP = 'any.penstock.test';

/** Reviews under way at once. */
const ASKED_MAX = 8;

/** The rules of {@link RIGHTS_FILE}. */
export async function neededRights(): Promise<readonly Rule[]> {
  const { rules } = parse(await readFile(RIGHTS_FILE, 'utf8')) as { readonly rules: readonly Rule[] };
  return rules;
}

/** What of it the user may not do at the cluster scope: `create, delete namespaces`, `patch deployments/scale of apps`. Throws what a review throws. */
export async function missingRights(kubeConfig: KubeConfig): Promise<readonly string[]> {
  const api = kubeConfig.makeApiClient(AuthorizationV1Api);
  const asked = (await neededRights()).flatMap(permissionsOf);
  const allowed = new Set<V1ResourceAttributes>();
  const waiting = [...asked];
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { status } = await api
        .createSelfSubjectAccessReview({ body: { spec: { resourceAttributes: next } } })
        .catch((error: unknown) => {
          throw kubernetesError('ask the cluster what this user may do', error);
        });
      if (status?.allowed === true) allowed.add(next);
    }
  };
  await Promise.all(Array.from({ length: ASKED_MAX }, worker));
  const verbs = new Map<string, string[]>();
  for (const one of asked.filter((permission) => !allowed.has(permission))) {
    const resource = resourceOf(one);
    verbs.set(resource, [...(verbs.get(resource) ?? []), one.verb ?? '']);
  }
  return [...verbs].map(([resource, refused]) => `${refused.join(', ')} ${resource}`);
}

/** Throws ConfigError that names all that is missing. `file`: the kubeconfig, for the message. */
export async function demandRights(kubeConfig: KubeConfig, file: string): Promise<void> {
  const missing = await missingRights(kubeConfig);
  if (missing.length === 0) return;
  throw new ConfigError(
    `Cannot test on the cluster of ${file}: expected what ${RIGHTS_FILE} grants, at the cluster scope because each file makes a namespace of its own, ` +
      `current value is a user who may not ${missing.join('; ')}`,
  );
}

function permissionsOf({ apiGroups, resources, verbs }: Rule): readonly V1ResourceAttributes[] {
  return apiGroups.flatMap((group) =>
    resources.flatMap((named) => {
      const [resource = '', subresource] = named.split('/');
      const of = {
        group: group === '*' ? ANY_GROUP : group,
        resource,
        ...(subresource === undefined ? {} : { subresource }),
      };
      return verbs.map((verb) => ({ ...of, verb }));
    }),
  );
}

/** In words: `deployments/scale of apps`. */
function resourceOf({ group = '', resource = '', subresource }: V1ResourceAttributes): string {
  const what = subresource === undefined ? resource : `${resource}/${subresource}`;
  const of = group === ANY_GROUP ? ' of any group' : ` of ${group}`;
  return `${what}${group === '' ? '' : of}`;
}
