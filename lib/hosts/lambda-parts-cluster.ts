/** Kubernetes and AWS, for the functions that look at the cluster or change it. */
import { ConfigError } from '../base/errors.ts';
import { awsClients } from '../clients/aws.ts';
import type { AwsClients } from '../clients/aws.ts';
import { kubernetesClient } from '../clients/kubernetes.ts';
import type { KubernetesClient } from '../clients/kubernetes.ts';
import type { LambdaBase } from './lambda-parts-base.ts';

/** Clients of the EKS cluster that the environment names; tokens are signed with the function's own role. Throws ConfigError when it names none. */
export function clusterOf(base: LambdaBase): { readonly kubernetes: KubernetesClient; readonly aws: AwsClients } {
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
