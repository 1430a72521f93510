/** Policies as people write them. */

export const CHAT = `apiVersion: penstock.dev/v1
kind: ScalingPolicy
metadata: { name: chat }
spec:
  target: { name: chat }
  replicas: { max: 4 }
  signals:
    - { kind: inFlight, perReplica: 8 }
`;

export const GROUP = `apiVersion: penstock.dev/v1
kind: NodeGroupPolicy
metadata: { name: g5-od }
spec:
  provider: { kind: eksNodeGroup, cluster: prod, nodeGroup: gpu }
  nodes: { max: 4 }
  shape: { instanceType: g5.xlarge, gpus: { nvidia.com/gpu: 1 } }
`;

export const FLEET = `apiVersion: penstock.dev/v1
kind: Fleet
metadata: { name: prod }
spec:
  alertHooks:
    - { name: oncall, kind: log }
`;
