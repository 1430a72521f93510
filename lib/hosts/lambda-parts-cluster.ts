/** Kubernetes and AWS, for the functions that look at the cluster or change it. Heavy to load: imported late, while the network answers. */
import { ConfigError } from '../base/errors.ts';
import { awsClients } from '../clients/aws.ts';
import type { AwsClients } from '../clients/aws.ts';
import { kubernetesClient } from '../clients/kubernetes.ts';
import type { KubernetesClient } from '../clients/kubernetes.ts';
import { kubernetesEksView } from '../cluster-view/kubernetes-eks.ts';
import type { ClusterView } from '../cluster-view/contract.ts';
import type { ActuateDeps } from '../loop/deps.ts';
import { eksNodeGroup } from '../node-provisioners/eks-node-group.ts';
import { kubernetesDrainer } from '../node-provisioners/kubernetes-drainer.ts';
import { kubernetesScale } from '../targets/kubernetes-scale.ts';
import type { LambdaBase } from './lambda-parts-base.ts';

/** What evaluate sees. Throws ConfigError when the environment names no cluster. */
export function clusterViewOf(base: LambdaBase): ClusterView {
  return kubernetesEksView({ ...clusterOf(base), clock: base.clock });
}

/** What actuate changes. Throws ConfigError when the environment names no cluster. */
export function actuatorsOf(base: LambdaBase): Pick<ActuateDeps, 'targets' | 'provisioners' | 'drainer'> {
  const { kubernetes, aws } = clusterOf(base);
  return {
    targets: new Map([['*', kubernetesScale(kubernetes)]]),
    provisioners: new Map([['eksNodeGroup', eksNodeGroup(aws)]]),
    drainer: kubernetesDrainer(kubernetes, { clock: base.clock }),
  };
}

/** Clients of the EKS cluster that the environment names; tokens are signed with the function's own role. */
function clusterOf(base: LambdaBase): { readonly kubernetes: KubernetesClient; readonly aws: AwsClients } {
  const { config, clock } = base;
  const { eks } = config.kubernetes;
  if (eks === null) {
    throw new ConfigError(
      `Cannot reach the cluster: expected PENSTOCK_KUBERNETES to be eks in Lambda, current value is ${config.kubernetes.kind}`,
    );
  }
  const { region, endpoint } = config.aws;
  return {
    kubernetes: kubernetesClient(
      { kind: 'eks', server: eks.endpoint, caData: eks.caData, cluster: eks.cluster, region },
      { clock },
    ),
    aws: awsClients({ region, ...(endpoint === null ? {} : { endpoint }) }),
  };
}
