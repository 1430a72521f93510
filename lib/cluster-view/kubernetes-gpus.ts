/** GPU counts of pods and nodes, in the units the Kubernetes scheduler uses. */
import type { V1Node, V1PodSpec } from '../clients/kubernetes/facade.ts';
import type { GpuCounts } from '../core/types.ts';

/** Extended resources of accelerators. Others (`vpc.amazonaws.com/pod-eni`) are not GPUs, though they look alike. */
const GPU_RESOURCE =
  /^(nvidia\.com\/|amd\.com\/gpu|gpu\.intel\.com\/|habana\.ai\/|aws\.amazon\.com\/neuron|google\.com\/tpu)/;

type ResourceList = Readonly<Record<string, string>> | undefined;

/** What the scheduler reserves for one pod: the sum of its containers and sidecars, or the largest init step if that is more. Integers [GPUs]. */
export function gpusOfPod(spec: V1PodSpec | undefined): GpuCounts {
  if (typeof spec?.containers !== 'object') return {};
  const known = gpusByContainers.get(spec.containers);
  if (known !== undefined && known.initContainers === spec.initContainers) return known.gpus;
  const gpus = countedGpus(spec);
  gpusByContainers.set(spec.containers, { gpus, initContainers: spec.initContainers });
  return gpus;
}

/** What is watched shares its containers among the pods of a template, from look to look. */
const gpusByContainers = new WeakMap<object, { readonly gpus: GpuCounts; readonly initContainers: unknown }>();

function countedGpus(spec: V1PodSpec): GpuCounts {
  const steady = new Map<string, number>();
  for (const container of spec.containers) addTo(steady, requestsOf(container));
  const peak = new Map<string, number>();
  const sidecars = new Map<string, number>();
  for (const container of spec.initContainers ?? []) {
    // An init container that restarts always is a sidecar: it stays, beside later init containers and the main ones.
    if (container.restartPolicy === 'Always') addTo(sidecars, requestsOf(container));
    const step = new Map(sidecars);
    if (container.restartPolicy !== 'Always') addTo(step, requestsOf(container));
    for (const [name, count] of step) peak.set(name, Math.max(peak.get(name) ?? 0, count));
  }
  for (const [name, count] of sidecars) steady.set(name, (steady.get(name) ?? 0) + count);
  for (const [name, count] of peak) steady.set(name, Math.max(steady.get(name) ?? 0, count));
  return Object.fromEntries(steady);
}

/** What a node offers to pods [GPUs]; 0 entries are left out, so a device plugin that is not there yet gives {}. */
export function gpusOfNode(node: V1Node): GpuCounts {
  return Object.fromEntries(gpuEntries(node.status?.allocatable));
}

/** Adds counts to a running sum. */
export function addTo(sum: Map<string, number>, counts: GpuCounts): void {
  for (const [name, count] of Object.entries(counts)) sum.set(name, (sum.get(name) ?? 0) + count);
}

/** For extended resources request = limit; a pod template may give only the limit. */
function requestsOf(container: {
  readonly resources?: { readonly limits?: ResourceList; readonly requests?: ResourceList };
}): GpuCounts {
  return Object.fromEntries([...gpuEntries(container.resources?.limits), ...gpuEntries(container.resources?.requests)]);
}

function gpuEntries(list: ResourceList): readonly (readonly [string, number])[] {
  return Object.entries(list ?? {})
    .filter(([name]) => GPU_RESOURCE.test(name))
    .map(([name, quantity]) => [name, Number(quantity)] as const)
    .filter(([, count]) => Number.isSafeInteger(count) && count > 0);
}
