/** How each part of a control plane is started: the words of its command line. */
import { join } from 'node:path';
import { type ControlPlaneSetUp, kubeconfigFile, type PartName } from './parts.ts';
import { LOOPBACK } from '../process/ports.ts';

/** Addresses of pods: all of 127/8 answers on Linux, so a test can serve at a pod's own address. */
const POD_CIDR = '127.77.0.0/16';

/** What our Deployments, nodes, budgets and namespaces need. Fewer controllers start faster. */
const CONTROLLERS = [
  'clusterrole-aggregation',
  'deployment',
  'disruption',
  'garbage-collector',
  'horizontal-pod-autoscaler',
  'namespace',
  'node-lifecycle',
  'pod-garbage-collector',
  'replicaset',
  'resourcequota',
  'root-ca-certificate-publisher',
  'serviceaccount',
  'serviceaccount-token',
  'statefulset',
  'taint-eviction',
].map((name) => `${name}-controller`);

/** Nodes created with this annotation are played by kwok: they become Ready, and so do the pods on them. One that gets it later is not taken up. */
export const KWOK_NODE = { annotation: 'kwok.x-k8s.io/node', value: 'fake' } as const;

/** Where etcd answers JSON too (its gRPC gateway), for tests that age the history. */
export const etcdUrlOf = (of: ControlPlaneSetUp): string => `http://${LOOPBACK}:${of.ports.etcd}`;

/** Arguments of a part, without its name. */
export function argumentsOf(part: PartName, of: ControlPlaneSetUp): readonly string[] {
  return ARGUMENTS[part](of);
}

const ARGUMENTS: Readonly<Record<PartName, (of: ControlPlaneSetUp) => readonly string[]>> = {
  etcd: etcdArguments,
  'kube-apiserver': apiServerArguments,
  'kube-controller-manager': (of) => [
    `--kubeconfig=${kubeconfigFile(of.folder, 'kube-controller-manager')}`,
    ...ALONE,
    `--service-account-private-key-file=${join(of.folder, 'service-account.key')}`,
    `--root-ca-file=${of.caFile}`,
    '--use-service-account-credentials=true',
    `--controllers=${CONTROLLERS.join(',')}`,
    '--node-monitor-period=1s',
    '--horizontal-pod-autoscaler-sync-period=2s',
  ],
  'kube-scheduler': (of) => [`--kubeconfig=${kubeconfigFile(of.folder, 'kube-scheduler')}`, ...ALONE],
  kwok: (of) => [
    `--kubeconfig=${kubeconfigFile(of.folder, 'kwok')}`,
    `--config=${join(of.folder, 'kwok-stages.yaml')}`,
    // Only nodes that say so: a test can have one that never comes up.
    `--manage-nodes-with-annotation-selector=${KWOK_NODE.annotation}=${KWOK_NODE.value}`,
    '--node-lease-duration-seconds=40',
    `--cidr=${POD_CIDR}`,
    `--node-ip=${LOOPBACK}`,
  ],
};

/** One of each: nobody to elect a leader against. No port of its own: nobody asks for their metrics. */
const ALONE = ['--leader-elect=false', '--secure-port=0'];

function etcdArguments(of: ControlPlaneSetUp): readonly string[] {
  const client = etcdUrlOf(of);
  const peer = `http://${LOOPBACK}:${of.ports.etcdPeer}`;
  return [
    `--data-dir=${join(of.folder, 'etcd', 'data')}`,
    // Tests do not outlive a power cut.
    '--unsafe-no-fsync',
    // As kubeadm has it: watches of kinds that nobody changes hear how far they are, instead of every ten minutes.
    '--watch-progress-notify-interval=5s',
    '--log-level=warn',
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
  ];
}

function apiServerArguments(of: ControlPlaneSetUp): readonly string[] {
  const file = (name: string): string => join(of.folder, name);
  return [
    `--etcd-servers=${etcdUrlOf(of)}`,
    `--bind-address=${LOOPBACK}`,
    `--advertise-address=${LOOPBACK}`,
    `--secure-port=${of.ports.api}`,
    '--endpoint-reconciler-type=none',
    '--service-cluster-ip-range=10.96.0.0/16',
    `--tls-cert-file=${file('server.crt')}`,
    `--tls-private-key-file=${file('server.key')}`,
    `--token-auth-file=${file('tokens.csv')}`,
    '--authorization-mode=RBAC',
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${file('service-account.pub')}`,
    `--service-account-signing-key-file=${file('service-account.key')}`,
    '--profiling=false',
  ];
}
