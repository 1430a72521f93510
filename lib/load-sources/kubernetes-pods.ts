/** Finds the pods of a workload through the Kubernetes API. */
import type { Clock } from '../base/clock.ts';
import { ConfigError, messageOf, TransientError } from '../base/errors.ts';
import { recordOf, textOf } from '../clients/json-values.ts';
import { scalableKinds } from '../clients/kubernetes/kinds.ts';
import { listAll } from '../clients/kubernetes/list.ts';
import { parseSelector, selects } from '../clients/kubernetes/selector.ts';
import type { KubernetesClient } from '../clients/kubernetes/client.ts';
import type { V1LabelSelector, V1Pod } from '../clients/kubernetes/facade.ts';
import type { ScalingPolicy } from '../core/policy.ts';
import type { Endpoint, EndpointDiscovery } from './contract.ts';
import type { WatchedPods } from './watched-pods.ts';

export type KubernetesPodsOptions = {
  readonly client: KubernetesClient;
  readonly policy: ScalingPolicy;
  readonly clock: Clock;
  /** Left out: the pods are listed. */
  readonly watched?: WatchedPods;
};

/** A list is used for so long [ms]: a new pod takes longer to load its model than we to find it. */
export const REFRESH_MS = 3_000;
/** While the API does not answer, the last list is used for so long [ms]. Pods that went meanwhile fail their scrape and lower nothing but coverage. */
export const STALE_MS_MAX = 60_000;
/** The target's own selector is read again after so long [ms]: it cannot change without a new object, */
const SELECTOR_MS_MAX = 600_000;
/** after which the old selector finds nothing: then sooner. */
const SELECTOR_IN_VAIN_MS_MAX = 60_000;
/** A pod that is being deleted still works off what it has; after so long it counts as gone [ms]. */
export const TERMINATING_MS_MAX = 30_000;
/** Kubernetes' own default [s]. */
const GRACE_SEC_DEFAULT = 30;

type List = { readonly pods: readonly V1Pod[]; readonly atMs: number };

/**
 * Running pods that have an address, matched by the policy's `podSelector`, else by the target's own selector. Not yet ready ones are listed,
 * too, with `ready: false`. The first list is waited for; later ones are fetched beside the scraping, so that a slow API delays nothing.
 */
export function kubernetesPods(options: KubernetesPodsOptions): EndpointDiscovery {
  const { clock, policy } = options;
  const selectorOf = cachedSelector(options);
  let kept: List | undefined;
  let fetching: Promise<void> | undefined;
  let lastError: unknown;

  const fetch = async (): Promise<void> => {
    try {
      const isInVain = kept?.pods.length === 0;
      kept = await findPods(options, await selectorOf(isInVain ? SELECTOR_IN_VAIN_MS_MAX : SELECTOR_MS_MAX));
    } catch (error) {
      lastError = error;
    }
  };
  const ageMs = (): number => (kept === undefined ? Infinity : clock.monotonicMs() - kept.atMs);

  return {
    list: async () => {
      if (ageMs() >= REFRESH_MS) {
        fetching ??= fetch().finally(() => {
          fetching = undefined;
        });
        if (ageMs() > STALE_MS_MAX) await fetching;
      }
      if (kept === undefined || ageMs() > STALE_MS_MAX) {
        if (lastError instanceof ConfigError) throw lastError;
        throw new TransientError(`Cannot find the pods of "${policy.metadata.name}": ${messageOf(lastError)}`, {
          cause: lastError,
        });
      }
      return kept.pods.flatMap((pod) => endpointOf(pod, { policy, nowMs: clock.nowMs() }) ?? []);
    },
  };
}

/** Out of what is watched, where the selector is one that we understand. */
async function findPods(options: KubernetesPodsOptions, labelSelector: string): Promise<List> {
  const { clock, policy, watched } = options;
  const selector = parseSelector(labelSelector);
  if (watched === undefined || selector === null) {
    return { pods: await listPods(options, labelSelector), atMs: clock.monotonicMs() };
  }
  const { items, asOfMs } = await watched.of(policy.spec.target.namespace);
  const pods = items.filter(({ metadata }) => selects(selector, metadata?.labels ?? {}));
  return { pods, atMs: clock.monotonicMs() - Math.max(0, clock.nowMs() - asOfMs) };
}

async function listPods({ client, policy }: KubernetesPodsOptions, labelSelector: string): Promise<readonly V1Pod[]> {
  const { namespace } = policy.spec.target;
  return listAll(client, `list pods "${labelSelector}" in "${namespace}"`, ({ limit, _continue }, call) =>
    client.core.listNamespacedPod(
      { namespace, labelSelector, limit, ...(_continue === undefined ? {} : { _continue }) },
      call,
    ),
  );
}

function cachedSelector(options: KubernetesPodsOptions): (msMax: number) => Promise<string> {
  const { podSelector } = options.policy.spec.target;
  let kept: { readonly selector: string; readonly atMs: number } | undefined;
  return async (msMax) => {
    if (podSelector !== undefined) return podSelector;
    const nowMs = options.clock.monotonicMs();
    if (kept === undefined || nowMs - kept.atMs > msMax) {
      kept = { selector: await targetSelector(options), atMs: nowMs };
    }
    return kept.selector;
  };
}

async function targetSelector({ client, policy }: KubernetesPodsOptions): Promise<string> {
  const { kind, namespace, name } = policy.spec.target;
  const what = `read ${kind} "${namespace}/${name}"`;
  if (kind === 'Deployment') {
    const found = await client.call(what, (call) => client.apps.readNamespacedDeployment({ namespace, name }, call));
    return selectorText(found.spec?.selector, what);
  }
  if (kind === 'StatefulSet') {
    const found = await client.call(what, (call) => client.apps.readNamespacedStatefulSet({ namespace, name }, call));
    return selectorText(found.spec?.selector, what);
  }
  const path = { ...(await scalableKinds(client).resolve(policy.spec.target)), namespace, name };
  const scale: unknown = await client.call(what, (call) => client.custom.getNamespacedCustomObjectScale(path, call));
  const selector = textOf(recordOf(recordOf(scale)['status'])['selector']);
  if (selector !== '') return selector;
  throw new ConfigError(
    `Cannot find the pods of "${policy.metadata.name}": expected spec.target.podSelector for a target of kind ${kind}, whose Scale has no selector, current value is missing`,
  );
}

/** As `kubectl -l` takes it. An empty selector would match every pod of the namespace: refused. */
export function selectorText(selector: V1LabelSelector | undefined, what: string): string {
  const labels = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  const expressions = (selector?.matchExpressions ?? []).map(({ key, operator, values = [] }) => {
    if (operator === 'Exists') return key;
    if (operator === 'DoesNotExist') return `!${key}`;
    return `${key} ${operator === 'In' ? 'in' : 'notin'} (${values.join(',')})`;
  });
  const text = [...labels, ...expressions].join(',');
  if (text === '') throw new ConfigError(`Cannot ${what}: expected a selector with labels, current value is empty`);
  return text;
}

/** Undefined for a pod that is not scraped. */
export function endpointOf(
  pod: V1Pod,
  { policy, nowMs }: { readonly policy: ScalingPolicy; readonly nowMs: number },
): Endpoint | undefined {
  const { metadata, status } = pod;
  const name = metadata?.name;
  const ip = status?.podIP;
  if (name === undefined || ip === undefined || ip === '' || status?.phase !== 'Running') return undefined;
  const terminatingMs = terminatingFor(pod, nowMs);
  if (terminatingMs > TERMINATING_MS_MAX) return undefined;
  const isReady = (status.conditions ?? []).some((one) => one.type === 'Ready' && one.status === 'True');
  return { source: `pod/${name}`, url: urlOf(pod, { ip, policy }), ready: isReady && terminatingMs < 0 };
}

/** Since the deletion was asked for [ms]; negative when it was not. */
function terminatingFor({ metadata, spec }: V1Pod, nowMs: number): number {
  const deletion = metadata?.deletionTimestamp;
  if (deletion === undefined) return -1;
  // The timestamp is when the grace period ends.
  const graceSec = metadata?.deletionGracePeriodSeconds ?? spec?.terminationGracePeriodSeconds ?? GRACE_SEC_DEFAULT;
  return Math.max(0, nowMs - deletion.getTime() + graceSec * 1_000);
}

/** The pod's annotations win over the policy; ones that make no sense are ignored. */
function urlOf(pod: V1Pod, { ip, policy }: { readonly ip: string; readonly policy: ScalingPolicy }): string {
  const annotations = pod.metadata?.annotations ?? {};
  const { bridge } = policy.spec;
  const port = Number(annotations['prometheus.io/port']);
  const path = annotations['prometheus.io/path'];
  const isPort = Number.isInteger(port) && port >= 1 && port <= 65_535;
  const host = ip.includes(':') ? `[${ip}]` : ip;
  return `http://${host}:${isPort ? port : (bridge?.port ?? 8000)}${path?.startsWith('/') === true ? path : (bridge?.path ?? '/metrics')}`;
}
