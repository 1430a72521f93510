/**
 * What the demo looks at of a Kubernetes cluster: the same for the simulated one and for a real control plane.
 * To add a cluster: 1. a `FleetView` in a file of its own, 2. a starter of it beside `real-cluster.ts`, 3. its line in `clusters.ts`;
 * then let `test/cli/demo/fleet-conformance.ts` run against it.
 */

/** A pod that stays: terminating ones count for nothing. */
export type FleetPod = { readonly name: string; readonly ip: string; readonly ready: boolean };

export type FleetDeployment = {
  /** As the last resize left it. */
  readonly replicas: number;
  /** Accepted changes of that count: its generation − 1, as nothing else of it is changed. */
  readonly resizes: number;
  readonly pods: readonly FleetPod[];
};

export type FleetNode = { readonly name: string; readonly ready: boolean; readonly cordoned: boolean };

export type FleetView = {
  /** Throws NotFoundError when there is none of this name in the namespace of the scene. */
  deployment(name: string): FleetDeployment;
  /** Nodes of a node group that have joined the cluster. */
  nodes(group: string): readonly FleetNode[];
};

/** Pods that take new work. */
export function readyPods(fleet: FleetView, deployment: string): readonly FleetPod[] {
  return fleet.deployment(deployment).pods.filter((pod) => pod.ready);
}
