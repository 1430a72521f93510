/** Orchestrators and AWS, for the functions that look at the cluster or change it. Heavy to load: imported late, while the network answers. */
import { ConfigError } from '../../../base/errors.ts';
import { awsClients } from '../../../clients/aws/clients.ts';
import type { AwsClients } from '../../../clients/aws/clients.ts';
import { kubernetesClient } from '../../../clients/kubernetes/client.ts';
import type { KubernetesClient } from '../../../clients/kubernetes/client.ts';
import { clusterViewByKind } from '../../../cluster-view/by-kind.ts';
import { kubernetesEksView } from '../../../cluster-view/kubernetes-eks.ts';
import type { ClusterView } from '../../../cluster-view/contract.ts';
import type { ActuateDeps } from '../../../loop/deps.ts';
import { autoScalingGroup } from '../../../node-provisioners/auto-scaling-group.ts';
import { eksNodeGroup } from '../../../node-provisioners/eks-node-group.ts';
import { kubernetesDrainer } from '../../../node-provisioners/kubernetes-drainer.ts';
import type { Target } from '../../../targets/contract.ts';
import { kubernetesScale } from '../../../targets/kubernetes-scale.ts';
import type { LambdaBase } from './base.ts';
import { NO_CLUSTER, noDrainer } from '../../no-cluster.ts';
import { openOrchestrators } from '../../orchestrators.ts';

/** What evaluate sees. Throws ConfigError when the environment names no cluster. */
export async function clusterViewOf(base: LambdaBase): Promise<ClusterView> {
  const { kubernetes, aws } = clusterOf(base);
  const { clock } = base;
  const { views } = await openOrchestrators(base.config, base);
  const otherwise = kubernetes === null ? NO_CLUSTER : kubernetesEksView({ kubernetes, aws, clock });
  return clusterViewByKind({ views, otherwise, clock });
}

/** What actuate changes. Throws ConfigError when the environment names no cluster. */
export async function actuatorsOf(
  base: LambdaBase,
): Promise<Pick<ActuateDeps, 'targets' | 'provisioners' | 'drainer'>> {
  const { kubernetes, aws } = clusterOf(base);
  const { targets } = await openOrchestrators(base.config, base);
  return {
    targets: new Map<string, Target>([
      ...targets,
      ...(kubernetes === null ? [] : [['*', kubernetesScale(kubernetes)] as const]),
    ]),
    provisioners: new Map([
      ['eksNodeGroup', eksNodeGroup(aws)],
      ['autoScalingGroup', autoScalingGroup(aws)],
    ]),
    drainer: kubernetes === null ? noDrainer : kubernetesDrainer(kubernetes, { clock: base.clock }),
  };
}

/** Clients of the EKS cluster that the environment names; tokens are signed with the function's own role. None where Swarm or Marathon is all there is. */
function clusterOf({ config, clock }: LambdaBase): {
  readonly kubernetes: KubernetesClient | null;
  readonly aws: AwsClients;
} {
  const { eks, kind } = config.kubernetes;
  const { region, endpoint } = config.aws;
  const aws = awsClients({ region, ...(endpoint === null ? {} : { endpoint }) });
  if (kind === 'none' && (config.docker !== null || config.marathon !== null)) return { kubernetes: null, aws };
  if (eks === null) {
    throw new ConfigError(
      `Cannot reach the cluster: expected PENSTOCK_KUBERNETES to be eks in Lambda, current value is ${kind}`,
    );
  }
  const { endpoint: server, caData, cluster } = eks;
  return { kubernetes: kubernetesClient({ kind: 'eks', server, caData, cluster, region }, { clock }), aws };
}
