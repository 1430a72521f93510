/** Marathon apps, resized through `/v2/apps`. */
import { ConflictError, NotFoundError } from '../base/errors.ts';
import { abandonDeployment, isScalingOnly, listDeployments, readApp, resizeApp } from '../clients/marathon-apps.ts';
import type { MarathonApp } from '../clients/marathon-apps.ts';
import type { MarathonClient } from '../clients/marathon.ts';
import { marathonAppId } from '../core/target-names.ts';
import type { Target, TargetState } from './contract.ts';
import { checkedCount } from './count.ts';

/**
 * Marathon takes no precondition. So the app is read again just before the write, and the write goes without force: Marathon refuses it while another
 * deployment changes the app. What is left open is a change of somebody else that began and ended between that read and the write.
 *
 * A deployment lasts until every instance is healthy, which for a model takes minutes, and for ever when there is no GPU for it. One that does nothing but
 * scale this app, and was there when the app was read, is therefore ended by its id, and the new count asked for; any other deployment is waited for.
 */
export function marathonApp(client: MarathonClient): Target {
  return {
    read: async (ref) => {
      const id = marathonAppId(ref);
      return stateOf(await readApp(client, id, { what: `read MarathonApp "${id}"` }));
    },
    scale: async (ref, { replicas, expected }) => {
      const id = marathonAppId(ref);
      const what = `scale MarathonApp "${id}" to ${replicas}`;
      checkedCount(replicas, what);
      const app = await readUnchanged(client, id, { expected, what });
      if (app.instances === replicas) return stateOf(app);
      const written = await resize(client, app, { instances: replicas, what, expected });
      return stateOf({ ...app, ...written, instances: replicas });
    },
  };
}

type Change = { readonly instances: number; readonly what: string; readonly expected: TargetState };

async function resize(
  client: MarathonClient,
  app: MarathonApp,
  change: Change,
): Promise<Pick<MarathonApp, 'version' | 'versionMs'>> {
  try {
    return await resizeApp(client, app.id, change);
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
    await endOwnScaling(client, app, { ...change, refusal: error });
    return resizeApp(client, app.id, change);
  }
}

/** Ends the deployments in the way when they only scale this app; throws the refusal when they do anything else or came after our read. */
async function endOwnScaling(
  client: MarathonClient,
  app: MarathonApp,
  { what, expected, refusal }: Change & { readonly refusal: ConflictError },
): Promise<void> {
  const now = await readUnchanged(client, app.id, { expected, what });
  const all = await listDeployments(client, what);
  const inTheWay = all.filter(({ id }) => now.deployments.includes(id));
  if (!inTheWay.every((one) => isScalingOnly(one, app.id))) throw refusal;
  for (const { id } of inTheWay) {
    try {
      await abandonDeployment(client, id, what);
    } catch (error) {
      // It is over by itself.
      if (!(error instanceof NotFoundError)) throw error;
    }
  }
}

async function readUnchanged(
  client: MarathonClient,
  id: string,
  { expected, what }: { readonly expected: TargetState; readonly what: string },
): Promise<MarathonApp> {
  const app = await readApp(client, id, { what });
  if (app.version === expected.resourceVersion) return app;
  throw new ConflictError(
    `Cannot ${what}: expected version ${expected.resourceVersion}, current value is ${app.version}`,
  );
}

/** An app that is deleted and made anew has a new version, never an id of its own. */
function stateOf({ id, instances, version, versionMs }: MarathonApp): TargetState {
  return { replicas: instances, generation: versionMs, resourceVersion: version, uid: id };
}
