/** Where the API serves a kind that has a scale subresource: known by name, given, or found through discovery. */
import { ConfigError, NotFoundError } from '../../base/errors.ts';
import { KNOWN_KINDS } from '../../core/target-names.ts';
import type { ScalableKind } from '../../core/target-names.ts';
import type { TargetRef } from '../../core/types.ts';
import type { KubernetesClient } from './client.ts';

export type ScalableKinds = {
  /**
   * One GET of discovery per kind that is neither known nor given, remembered for the life of the process. Throws ConfigError (the kind cannot be scaled, or
   * its API is not named), NotFoundError (the cluster does not serve it), and what `client.call` throws.
   */
  resolve(ref: TargetRef): Promise<ScalableKind>;
};

/** Kinds remembered: a handful in any cluster, and refs come from policies only. */
const KINDS_MAX = 1_000;

/** `kinds`: names beside {@link KNOWN_KINDS}. */
export function scalableKinds(
  client: KubernetesClient,
  kinds: Readonly<Record<string, ScalableKind>> = {},
): ScalableKinds {
  const known = { ...KNOWN_KINDS, ...kinds };
  const found = new Map<string, Promise<ScalableKind>>();
  return {
    resolve: async (ref) => {
      const named = namedKind(ref, known);
      if (named !== undefined) return named;
      const key = `${ref.apiVersion ?? ''} ${ref.kind}`;
      const asked = found.get(key) ?? discover(client, ref);
      if (found.size < KINDS_MAX) found.set(key, asked);
      try {
        return await asked;
      } catch (error) {
        // A definition that is installed later is found by the next look.
        found.delete(key);
        throw error;
      }
    },
  };
}

function namedKind(ref: TargetRef, known: Readonly<Record<string, ScalableKind>>): ScalableKind | undefined {
  const byName = known[ref.kind];
  if (ref.apiVersion === undefined) return byName ?? writtenKind(ref.kind);
  const { group, version } = groupVersion(ref.apiVersion);
  if (ref.resource !== undefined) return { group, version, plural: ref.resource };
  return byName?.group === group && byName.version === version ? byName : undefined;
}

/** `rayservices.v1.ray.io` → its path. */
function writtenKind(text: string): ScalableKind | undefined {
  const match = /^([a-z0-9-]+)\.(v\d[a-z0-9]*)\.([a-z0-9.-]+)$/.exec(text);
  const [, plural, version, group] = match ?? [];
  return plural === undefined || version === undefined || group === undefined ? undefined : { plural, version, group };
}

async function discover(client: KubernetesClient, ref: TargetRef): Promise<ScalableKind> {
  if (ref.apiVersion === undefined) {
    throw new ConfigError(
      `Cannot find the API of target kind "${ref.kind}": expected spec.target.apiVersion for a kind other than ${Object.keys(KNOWN_KINDS).join(', ')}, current value is missing`,
    );
  }
  const { group, version } = groupVersion(ref.apiVersion);
  const what = `find kind "${ref.kind}" of ${ref.apiVersion}`;
  const { resources } = await client.call(what, (call) => client.custom.getAPIResources({ group, version }, call));
  const resource = resources.find((one) => one.kind === ref.kind && !one.name.includes('/'));
  if (resource === undefined) {
    throw new NotFoundError(`Cannot ${what}: expected a kind that the cluster serves, current value is none`);
  }
  if (!resources.some((one) => one.name === `${resource.name}/scale`)) {
    throw new ConfigError(
      `Cannot scale "${ref.kind}" of ${ref.apiVersion}: expected a kind with a scale subresource, current value is one without`,
    );
  }
  return { group, version, plural: resource.name };
}

function groupVersion(apiVersion: string): { readonly group: string; readonly version: string } {
  const [group = '', version = ''] = apiVersion.split('/');
  return { group, version };
}
