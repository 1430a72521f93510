/** Tasks of a Swarm as pods, and their GPUs. */
import { countOf, listOf, recordOf, textOf, timeMsOf } from '../clients/json-values.ts';
import type { JsonRecord } from '../clients/json-values.ts';
import type { GpuCounts, PodObservation } from '../core/types.ts';

/** A task never leaves these states; Swarm keeps some for the record. */
const OVER = new Set(['complete', 'shutdown', 'failed', 'rejected', 'remove', 'orphaned']);

/** What the manager writes while no node fits. */
const NO_NODE = /no suitable node/i;

/** Seconds between SIGTERM and SIGKILL when the service does not say. */
const STOP_GRACE_SEC = 10;
const NS_PER_SEC = 1e9;

/** The task is finished, whatever is wanted of it. */
export function isOver(task: JsonRecord): boolean {
  return OVER.has(stateOf(task));
}

/** `nodeName` is the id of its node. `ip`: its first address in a network of its own, if it has one. */
export function taskObservation(task: JsonRecord, { service }: { readonly service: string }): PodObservation {
  const desired = textOf(task['DesiredState']);
  const spec = recordOf(recordOf(task['Spec'])['ContainerSpec']);
  const graceNs = countOf(spec['StopGracePeriod']);
  const status = recordOf(task['Status']);
  return {
    name: `${service}.${countOf(task['Slot']) ?? 0}.${textOf(task['ID'])}`,
    nodeName: textOf(task['NodeID']) || null,
    ready: stateOf(task) === 'running' && desired === 'running',
    createdMs: timeMsOf(task['CreatedAt']) ?? 0,
    unschedulable: stateOf(task) === 'pending' && NO_NODE.test(textOf(status['Err'])),
    terminating: desired === 'shutdown' || desired === 'remove',
    terminationGraceSec: graceNs === undefined ? STOP_GRACE_SEC : graceNs / NS_PER_SEC,
    ip: addressOf(task),
  };
}

/**
 * Generic resources that one task reserves, as GPU counts. A Swarm names them as it likes (`gpu`, `NVIDIA-GPU`, `gpu-a100`): every kind with "gpu" in it
 * counts as `nvidia.com/gpu`, with "amd" in it as `amd.com/gpu`; others are no GPUs.
 */
export function gpusOfTask(template: JsonRecord): GpuCounts {
  const reservations = recordOf(recordOf(template['Resources'])['Reservations']);
  const counts = new Map<string, number>();
  for (const resource of listOf(reservations['GenericResources']).map(recordOf)) {
    const discrete = recordOf(resource['DiscreteResourceSpec']);
    const named = recordOf(resource['NamedResourceSpec']);
    const name = gpuName(textOf(discrete['Kind'] ?? named['Kind']));
    const count = resource['NamedResourceSpec'] === undefined ? (countOf(discrete['Value']) ?? 0) : 1;
    if (name !== null && count > 0) counts.set(name, (counts.get(name) ?? 0) + count);
  }
  return Object.fromEntries(counts);
}

function gpuName(kind: string): string | null {
  if (!/gpu/i.test(kind)) return null;
  return /amd/i.test(kind) ? 'amd.com/gpu' : 'nvidia.com/gpu';
}

function stateOf(task: JsonRecord): string {
  return textOf(recordOf(task['Status'])['State']);
}

/** The routing mesh gives every task an address in the ingress network, where nothing but published ports answers. */
function addressOf(task: JsonRecord): string | null {
  const own = listOf(task['NetworksAttachments'])
    .map(recordOf)
    .find((one) => recordOf(recordOf(recordOf(one['Network'])['Spec']))['Ingress'] !== true);
  const [address] = listOf(own?.['Addresses']).map(textOf);
  return address === undefined ? null : (address.split('/')[0] ?? null);
}
