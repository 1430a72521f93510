/** Who is granted what by the manifests that are shipped: the rules of every Role and ClusterRole, per subject. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { AccessRule } from '../../lib/simulator/cluster-server/kubernetes/access.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** Every file with permissions, and nothing else. */
export const PERMISSION_FILES = [
  'infra/kubernetes/rbac.yaml',
  'infra/kubernetes/rbac-node-groups.yaml',
  'infra/kubernetes/rbac-owned-nodes.yaml',
  'infra/kubernetes/buffer.yaml',
  'infra/serverless/kubernetes-rbac.yml',
] as const;

export type GrantedRule = AccessRule & {
  readonly file: string;
  /** `ServiceAccount NAME` or `Group NAME`. */
  readonly subject: string;
};

type Manifest = {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly rules?: readonly AccessRule[];
  readonly roleRef?: { readonly kind: string; readonly name: string };
  readonly subjects?: readonly { readonly kind: string; readonly name: string }[];
};

/** Throws where a binding names a role that its file does not have. */
export async function grantedRules(files: readonly string[] = PERMISSION_FILES): Promise<readonly GrantedRule[]> {
  return (await Promise.all(files.map(rulesOf))).flat();
}

async function rulesOf(file: string): Promise<readonly GrantedRule[]> {
  const text = await readFile(join(ROOT, file), 'utf8');
  const objects = parseAllDocuments(text)
    .map((document) => document.toJS() as Manifest | null)
    .filter((one) => one !== null);
  return objects
    .filter(({ kind }) => kind.endsWith('RoleBinding') || kind === 'ClusterRoleBinding')
    .flatMap((binding) => {
      const { namespace } = binding.metadata;
      const role = objects.find(
        ({ kind, metadata, rules }) =>
          rules !== undefined &&
          kind === binding.roleRef?.kind &&
          metadata.name === binding.roleRef.name &&
          (kind === 'ClusterRole' || metadata.namespace === namespace),
      );
      if (role?.rules === undefined)
        throw new Error(`${file}: the role of binding ${binding.metadata.name} is missing`);
      const scoped = role.rules.map((rule) => (namespace === undefined ? rule : { ...rule, namespaces: [namespace] }));
      return (binding.subjects ?? []).flatMap(({ kind, name }) =>
        scoped.map((rule) => ({ ...rule, file, subject: `${kind} ${name}` })),
      );
    });
}

/** One rule per verb and resource. */
export function singly<T extends AccessRule>(rules: readonly T[]): readonly T[] {
  return rules.flatMap((rule) =>
    rule.apiGroups.flatMap((group) =>
      rule.resources.flatMap((resource) =>
        rule.verbs.map((verb) => ({ ...rule, apiGroups: [group], resources: [resource], verbs: [verb] })),
      ),
    ),
  );
}
