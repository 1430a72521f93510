/** Nodes as Kubernetes JSON. */
import { GPU_RESOURCE } from '../../../world/state/records.ts';
import type { NodeRecord } from '../../../world/state/records.ts';
import { effectiveTaints } from '../../../world/kubernetes/scheduler.ts';
import { isoSeconds } from '../../../world/state/state.ts';

/** The node as the API shows it. The GPU resource is absent until its device plugin has registered. */
export function renderNode(node: NodeRecord) {
  const taints = effectiveTaints(node);
  return {
    metadata: {
      name: node.name,
      uid: node.uid,
      resourceVersion: String(node.resourceVersion),
      creationTimestamp: isoSeconds(node.createdMs),
      labels: node.labels,
      ...(Object.keys(node.annotations).length === 0 ? {} : { annotations: node.annotations }),
    },
    spec: {
      providerID: `aws:///${node.instance.zone}/${node.instance.id}`,
      ...(taints.length === 0 ? {} : { taints }),
      ...(node.unschedulable ? { unschedulable: true } : {}),
    },
    status: {
      capacity: resourcesOf(node),
      allocatable: resourcesOf(node),
      conditions: [readyCondition(node)],
      addresses: [
        { type: 'InternalDNS', address: node.name },
        { type: 'Hostname', address: node.name },
      ],
      nodeInfo: { kubeletVersion: 'v1.34.0-eks-simulator', operatingSystem: 'linux', architecture: 'amd64' },
    },
  };
}

function resourcesOf(node: NodeRecord) {
  const gpus = node.gpusAllocatable > 0 ? { [GPU_RESOURCE]: String(node.gpusAllocatable) } : {};
  return { cpu: '32', memory: '256Gi', pods: '110', ...gpus };
}

function readyCondition(node: NodeRecord) {
  const since = isoSeconds(node.readyChangedMs);
  return {
    type: 'Ready',
    status: node.ready ? 'True' : 'False',
    lastHeartbeatTime: since,
    lastTransitionTime: since,
    reason: node.ready ? 'KubeletReady' : 'KubeletNotReady',
    message: node.ready ? 'kubelet is posting ready status' : 'container runtime network not ready',
  };
}
