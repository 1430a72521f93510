/** Empties Kubernetes nodes gently: cordon, then the Eviction API, which honours PodDisruptionBudgets. Never deletes a pod. */
import { ConflictError, NotFoundError } from '../base/errors.ts';
import type { Clock } from '../base/clock.ts';
import { kubernetesStatus } from '../clients/kubernetes/errors.ts';
import type { V1Pod } from '../clients/kubernetes/facade.ts';
import { listAll } from '../clients/kubernetes/list.ts';
import { FIELD_MANAGER, mergePatch } from '../clients/kubernetes/client.ts';
import type { KubernetesClient } from '../clients/kubernetes/client.ts';
import type { DrainStep, NodeDrainer } from './contract.ts';

/** A step has 2 s: new evictions stop after this long [ms], the rest follows in the next step. */
const STEP_MS_MAX = 1_200;

/** Evictions under way at once: a node holds 110 pods by default, and the API server has others to serve. */
const PARALLEL_MAX = 8;

const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';

/** With these a pod's owner forbids to evict it (Cluster Autoscaler, Karpenter). */
const FORBIDDING = [
  ['cluster-autoscaler.kubernetes.io/safe-to-evict', 'false'],
  ['karpenter.sh/do-not-disrupt', 'true'],
] as const;

type Refusal = { readonly pod: string; readonly reason: string };

/** Errors follow the contract: NotFoundError when the node is gone, DeniedError, TransientError. */
export function kubernetesDrainer(client: KubernetesClient, options: { readonly clock: Clock }): NodeDrainer {
  return {
    cordon: (nodeName) => setUnschedulable(client, nodeName, true),
    uncordon: (nodeName) => setUnschedulable(client, nodeName, false),
    drainStep: (nodeName, mayWrite) => drainStep(client, nodeName, { clock: options.clock, mayWrite }),
  };
}

async function setUnschedulable(client: KubernetesClient, name: string, unschedulable: boolean): Promise<void> {
  const what = `${unschedulable ? 'cordon' : 'uncordon'} node "${name}"`;
  // null removes the field, as kubectl uncordon does.
  const body = { spec: { unschedulable: unschedulable ? true : null } };
  await client.call(what, (call) =>
    client.core.patchNode({ name, body, fieldManager: FIELD_MANAGER }, mergePatch(call)),
  );
}

async function drainStep(
  client: KubernetesClient,
  nodeName: string,
  { clock, mayWrite }: { readonly clock: Clock; readonly mayWrite: (() => Promise<void>) | undefined },
): Promise<DrainStep> {
  const startMs = clock.monotonicMs();
  const left = (await podsOn(client, nodeName)).filter(mustLeave);
  if (left.length === 0) return { state: 'empty' };
  const refusals: Refusal[] = [];
  const waiting = left.filter((pod) => pod.metadata?.deletionTimestamp === undefined);
  while (waiting.length > 0 && clock.monotonicMs() - startMs < STEP_MS_MAX) {
    await mayWrite?.();
    const asked = await Promise.all(waiting.splice(0, PARALLEL_MAX).map((pod) => evict(client, pod)));
    refusals.push(...asked.filter((one) => one !== undefined));
  }
  const podsLeft = left.length;
  const first = refusals[0];
  if (first === undefined) return { state: 'draining', podsLeft, detail: `${podsLeft} pods are leaving ${nodeName}` };
  const others = refusals.length > 1 ? ` (and ${refusals.length - 1} more pods)` : '';
  return { state: 'blocked', podsLeft, detail: `${first.pod} cannot be evicted: ${first.reason}${others}` };
}

/** All pods of the node, finished ones too; the whole list or an error, because "empty" must be certain. */
function podsOn(client: KubernetesClient, nodeName: string): Promise<readonly V1Pod[]> {
  const fieldSelector = `spec.nodeName=${nodeName}`;
  return listAll(client, `list the pods of node "${nodeName}"`, (page, call) =>
    client.core.listPodForAllNamespaces({ fieldSelector, ...page }, call),
  );
}

/** DaemonSet and static (mirror) pods come back or cannot go; finished pods do no work. */
function mustLeave(pod: V1Pod): boolean {
  if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') return false;
  if (pod.metadata?.annotations?.[MIRROR_ANNOTATION] !== undefined) return false;
  return !(pod.metadata?.ownerReferences ?? []).some(
    (owner) => owner.kind === 'DaemonSet' && owner.controller === true,
  );
}

/** Asks for one eviction; answers why it was refused, or undefined when it was granted or the pod is gone. */
async function evict(client: KubernetesClient, pod: V1Pod): Promise<Refusal | undefined> {
  const { name = '', namespace = '', uid, ownerReferences = [], annotations = {} } = pod.metadata ?? {};
  const label = `pod ${namespace}/${name}`;
  const forbidden = FORBIDDING.find(([annotation, value]) => annotations[annotation] === value);
  if (forbidden !== undefined) return { pod: label, reason: `its annotation ${forbidden[0]} forbids it` };
  if (ownerReferences.length === 0) return { pod: label, reason: 'no controller would bring it back' };
  const body = {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { name, namespace },
    // Never another pod that got the same name meanwhile.
    ...(uid === undefined ? {} : { deleteOptions: { preconditions: { uid } } }),
  };
  try {
    await client.call(`evict ${label}`, (call) =>
      client.core.createNamespacedPodEviction({ name, namespace, body }, call),
    );
    return undefined;
  } catch (error) {
    if (error instanceof NotFoundError || error instanceof ConflictError) return undefined;
    const status = kubernetesStatus(error);
    const budget = status?.causes.find((cause) => cause.reason === 'DisruptionBudget');
    const refused = budget?.message ?? (isBudgetRefusal(status?.message) ? status?.message : undefined);
    if (refused !== undefined) return { pod: label, reason: refused };
    throw error;
  }
}

/** Several budgets over one pod are answered with 500; servers differ in the causes they give. */
function isBudgetRefusal(message: string | undefined): boolean {
  return message !== undefined && /disruption budget|PodDisruptionBudget/i.test(message);
}
