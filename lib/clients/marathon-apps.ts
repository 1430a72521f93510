/** Apps and deployments of Marathon, as it describes them. */
import { TransientError } from '../base/errors.ts';
import { countOf, listOf, recordOf, textOf, timeMsOf } from './json-values.ts';
import type { JsonRecord } from './json-values.ts';
import type { MarathonClient } from './marathon.ts';

export type MarathonApp = {
  /** Absolute, such as `/inference/llama`. */
  readonly id: string;
  readonly instances: number;
  /** A time: every change of the definition or of the number of instances gives a new one. */
  readonly version: string;
  readonly versionMs: number;
  /** Ids of the deployments that are changing it now. */
  readonly deployments: readonly string[];
  readonly raw: JsonRecord;
};

export type MarathonDeployment = {
  readonly id: string;
  readonly affectedApps: readonly string[];
  /** What it does to which app; empty when it is told in a form that we do not know. */
  readonly actions: readonly { readonly action: string; readonly app: string }[];
};

/** `tasks`: they are left out unless they are asked for. Throws NotFoundError, DeniedError, TransientError. */
export async function readApp(
  client: MarathonClient,
  id: string,
  of: { readonly what: string; readonly tasks?: boolean },
): Promise<MarathonApp> {
  const parts = ['app.counts', 'app.deployments', ...(of.tasks === true ? ['app.tasks'] : [])];
  const query = parts.map((part) => `embed=${part}`).join('&');
  const answer = await client.call(of.what, { method: 'GET', path: `${pathOf(id)}?${query}` });
  const raw = recordOf(recordOf(answer)['app']);
  const instances = countOf(raw['instances']);
  const version = textOf(raw['version']);
  const versionMs = timeMsOf(version);
  if (instances === undefined || versionMs === undefined || raw['id'] !== id) {
    throw new TransientError(
      `Cannot ${of.what}: expected id, instances and version, current value is an answer without them`,
    );
  }
  const deployments = listOf(raw['deployments']).map((one) => textOf(recordOf(one)['id']));
  return { id, instances, version, versionMs, deployments, raw };
}

/**
 * Asks for another number of instances, without force: refused with ConflictError while a deployment changes the app. Answers with the version that this
 * made. Throws ConfigError when the number or the app is refused, DeniedError, TransientError.
 */
export async function resizeApp(
  client: MarathonClient,
  id: string,
  change: { readonly instances: number; readonly what: string },
): Promise<{ readonly version: string; readonly versionMs: number }> {
  const body = JSON.stringify({ instances: change.instances });
  const answer = await client.call(change.what, { method: 'PUT', path: `${pathOf(id)}?force=false`, body });
  const version = textOf(recordOf(answer)['version']);
  const versionMs = timeMsOf(version);
  if (versionMs !== undefined) return { version, versionMs };
  throw new TransientError(`Cannot ${change.what}: expected a version, current value is an answer without one`);
}

/** Every deployment under way. */
export async function listDeployments(client: MarathonClient, what: string): Promise<readonly MarathonDeployment[]> {
  const answer = await client.call(what, { method: 'GET', path: '/v2/deployments' });
  if (!Array.isArray(answer)) {
    throw new TransientError(`Cannot ${what}: expected a list, current value is something else`);
  }
  return answer.map(recordOf).map((one) => ({
    id: textOf(one['id']),
    affectedApps: listOf(one['affectedApps']).map(textOf),
    actions: actionsOf(one['steps']),
  }));
}

/** Ends one deployment and leaves things as they are now. Nothing happens when it is over: NotFoundError. */
export async function abandonDeployment(client: MarathonClient, id: string, what: string): Promise<void> {
  await client.call(what, { method: 'DELETE', path: `/v2/deployments/${encodeURIComponent(id)}?force=true` });
}

/** Whether it changes the number of instances of this app and nothing else anywhere. */
export function isScalingOnly({ affectedApps, actions }: MarathonDeployment, app: string): boolean {
  const isOnlyThis = affectedApps.length > 0 && affectedApps.every((one) => one === app);
  return isOnlyThis && actions.length > 0 && actions.every((one) => one.action === 'ScaleApplication');
}

/** Steps are lists of actions, or objects with such a list. */
function actionsOf(steps: unknown): MarathonDeployment['actions'] {
  const actions = listOf(steps).flatMap((step) => (Array.isArray(step) ? step : listOf(recordOf(step)['actions'])));
  return actions
    .map(recordOf)
    .map((one) => ({ action: textOf(one['action'] ?? one['type']), app: textOf(one['app']) }));
}

/** Each part of the id is a part of the path. */
function pathOf(id: string): string {
  return `/v2/apps${id.split('/').map(encodeURIComponent).join('/')}`;
}
