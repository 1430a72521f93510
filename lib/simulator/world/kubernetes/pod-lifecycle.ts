/** A pod from creation to its end: placing, image pull, model load, crashes, draining. */
import { drawDurationMs } from '../../draws.ts';
import { drawName, drawUuid } from '../state/draws.ts';
import type { DeploymentRecord, Labels, NodeRecord, Ordinal, PodRecord } from '../state/records.ts';
import { keyOf, planIn, touch } from '../state/state.ts';
import type { WorldState } from '../state/state.ts';

/** Delays of CrashLoopBackOff: 10 s, doubled at each crash, at most 5 minutes (kubelet defaults). */
const CRASH_BACKOFF_MS = 10_000;
const CRASH_BACKOFF_MS_MAX = 300_000;

/** Creates a pod of `deployment`, not yet placed; with `ordinal` the one of that name. */
export function createPod(state: WorldState, deployment: DeploymentRecord, ordinal?: Ordinal): PodRecord {
  const pod: PodRecord = {
    kind: 'pods',
    namespace: deployment.namespace,
    name: podName(state, deployment, ordinal),
    uid: drawUuid(state.draws.names),
    createdMs: state.nowMs,
    resourceVersion: 0,
    deployment,
    templateHash: deployment.templateHash,
    replicaSetUid: deployment.replicaSetUid,
    ordinal,
    labels: podLabels(deployment, ordinal),
    annotations: {},
    gpus: deployment.gpusPerPod,
    ip: loopbackAddress(state.podsCreated++),
    phase: 'Pending',
    node: undefined,
    unschedulable: undefined,
    nominated: undefined,
    scheduledMs: undefined,
    startedMs: undefined,
    loaded: false,
    ready: false,
    readyChangedMs: state.nowMs,
    crashed: false,
    restarts: 0,
    deletion: undefined,
    gone: false,
  };
  state.pods.set(keyOf(pod), pod);
  state.pendingPods.add(pod);
  deployment.pods.add(pod);
  touch(state, pod, 'ADDED');
  return pod;
}

function podName(state: WorldState, { name, templateHash }: DeploymentRecord, ordinal: Ordinal | undefined): string {
  if (ordinal === undefined) return `${name}-${templateHash}-${drawName(state.draws.names, 5)}`;
  const { replica, member } = ordinal;
  return member === 0 ? `${name}-${replica}` : `${name}-${replica}-${member}`;
}

/** What the controllers put on pods beside the labels of the template. */
function podLabels(deployment: DeploymentRecord, ordinal: Ordinal | undefined): Labels {
  const { name, servedAs, templateHash } = deployment;
  if (ordinal === undefined) return { ...deployment.podLabels, 'pod-template-hash': templateHash };
  if (servedAs === 'leaderworkersets') return { ...deployment.podLabels, ...groupLabels(name, ordinal) };
  return {
    ...deployment.podLabels,
    'apps.kubernetes.io/pod-index': String(ordinal.replica),
    'controller-revision-hash': `${name}-${templateHash}`,
    'statefulset.kubernetes.io/pod-name': `${name}-${ordinal.replica}`,
  };
}

function groupLabels(name: string, { replica, member }: Ordinal): Labels {
  return {
    'leaderworkerset.sigs.k8s.io/name': name,
    'leaderworkerset.sigs.k8s.io/group-index': String(replica),
    'leaderworkerset.sigs.k8s.io/worker-index': String(member),
  };
}

/** Places `pod` on `node` and starts its image pull (shared with other pods of that image on that node). */
export function placePod(state: WorldState, pod: PodRecord, node: NodeRecord): void {
  takePlace(state, pod, node);
  touch(state, pod);
  const { image, imagePullSec } = pod.deployment;
  const pulledMs = node.images.get(image) ?? state.nowMs + drawn(state, imagePullSec);
  node.images.set(image, pulledMs);
  planIn(state, pulledMs - state.nowMs, () => startContainer(state, pod));
}

/** Places `pod` as if it had been serving for long: for the initial state. */
export function placeReadyPod(state: WorldState, pod: PodRecord, node: NodeRecord): void {
  takePlace(state, pod, node);
  node.images.set(pod.deployment.image, state.nowMs);
  Object.assign(pod, { phase: 'Running', startedMs: state.nowMs, loaded: true });
  updateReadiness(state, pod);
}

function takePlace(state: WorldState, pod: PodRecord, node: NodeRecord): void {
  state.pendingPods.delete(pod);
  pod.node = node;
  pod.unschedulable = undefined;
  pod.nominated = undefined;
  pod.scheduledMs = state.nowMs;
  node.gpusUsed += pod.gpus;
  node.pods.add(pod);
}

function startContainer(state: WorldState, pod: PodRecord): void {
  if (pod.gone || pod.deletion !== undefined) return;
  pod.phase = 'Running';
  pod.crashed = false;
  pod.startedMs = state.nowMs;
  touch(state, pod);
  planIn(state, drawn(state, pod.deployment.modelLoadSec), () => finishLoad(state, pod));
}

function finishLoad(state: WorldState, pod: PodRecord): void {
  if (pod.gone || pod.deletion !== undefined) return;
  if (startFails(state, pod.deployment)) return crash(state, pod);
  pod.loaded = true;
  updateReadiness(state, pod);
}

function startFails(state: WorldState, deployment: DeploymentRecord): boolean {
  // Always one draw per start, so that a forced failure does not shift later ones.
  const failed = state.draws.failures() < deployment.failedStartRatio;
  if (deployment.failNextStarts <= 0) return failed;
  deployment.failNextStarts -= 1;
  return true;
}

function crash(state: WorldState, pod: PodRecord): void {
  pod.crashed = true;
  const backoffMs = Math.min(CRASH_BACKOFF_MS_MAX, CRASH_BACKOFF_MS * 2 ** pod.restarts);
  pod.restarts += 1;
  touch(state, pod);
  planIn(state, backoffMs, () => startContainer(state, pod));
}

/** Sets the Ready condition from the loaded model and the node; the Deployment's status follows at the next settling. */
export function updateReadiness(state: WorldState, pod: PodRecord): void {
  const ready = pod.loaded && pod.node?.ready === true;
  if (ready === pod.ready) return;
  pod.ready = ready;
  pod.readyChangedMs = state.nowMs;
  touch(state, pod);
  markDirty(state, pod.deployment);
}

/** Deletes `pod`: at once when it is not placed, else it is Terminating until its work is done, at most `graceSec`.
 *  Deleting a terminating pod again changes nothing. A pod on a dead node stays until the node goes or comes back. */
export function deletePod(
  state: WorldState,
  pod: PodRecord,
  graceSec = pod.deployment.terminationGracePeriodSec,
): void {
  if (pod.gone || pod.deletion !== undefined) return;
  if (pod.node === undefined || graceSec === 0) return removePod(state, pod);
  pod.deletion = { requestedMs: state.nowMs, graceSec };
  touch(state, pod);
  markDirty(state, pod.deployment);
  const workSec = pod.loaded ? Math.min(pod.deployment.drainSec, graceSec) : 0;
  planIn(state, workSec * 1000 + state.settings.kubeletDelayMs, () => endPod(state, pod));
}

/** Ends a terminating pod whose work is done; on a dead node nobody can. */
export function endPod(state: WorldState, pod: PodRecord): void {
  if (pod.gone || pod.deletion === undefined || pod.node?.ready === false) return;
  removePod(state, pod);
}

/** Takes `pod` out of the world and frees its GPUs. */
export function removePod(state: WorldState, pod: PodRecord): void {
  if (pod.gone) return;
  pod.gone = true;
  state.pods.delete(keyOf(pod));
  state.pendingPods.delete(pod);
  pod.deployment.pods.delete(pod);
  touch(state, pod, 'DELETED');
  markDirty(state, pod.deployment);
  const node = pod.node;
  if (node === undefined) return;
  node.gpusUsed -= pod.gpus;
  node.pods.delete(pod);
  if (node.pods.size === 0) node.whenEmpty?.();
}

function markDirty(state: WorldState, deployment: DeploymentRecord): void {
  state.dirtyDeployments.add(deployment);
}

function drawn(state: WorldState, medianSec: number): number {
  return drawDurationMs(state.draws.durations, { medianSec, sigma: state.settings.durationSigma });
}

/** Pods get loopback addresses (127.77.0.0/16), so that an engine emulator can listen at its pod's own address. */
function loopbackAddress(index: number): string {
  const host = (index % 65_000) + 1;
  return `127.77.${host >> 8}.${host & 255}`;
}
