/** AWS clients for node groups: region, deadlines, retries, an endpoint override for tests and the demo. */
import { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import { EKSClient } from '@aws-sdk/client-eks';
import { awsIdentity } from './identity.ts';
import type { AwsCredentials } from './identity.ts';

export type AwsClientOptions = {
  readonly region: string;
  /** Another base URL than the service's own, for both services. */
  readonly endpoint?: string;
  /** The SDK's default chain when left out. */
  readonly credentials?: () => Promise<AwsCredentials>;
  /** Deadline of one attempt [ms], its connection included; default {@link ATTEMPT_MS_MAX}, of it 1 s for the connection. */
  readonly attemptMsMax?: number;
};

export type AwsClients = {
  readonly eks: EKSClient;
  readonly autoScaling: AutoScalingClient;
  /** How many calls that change something were sent so far: what was described before the last of them may be old. */
  changes(): number;
  close(): void;
};

/** Two attempts fit into one actuation step of 3 s. */
export const ATTEMPT_MS_MAX = 1_200;

/** The queue retries with backoff; the SDK only bridges one lost packet. */
const ATTEMPTS_MAX = 2;

const CONNECT_MS_MAX = 1_000;

/** Makes both clients; nothing is sent before the first call. `adaptive` slows calls down while the service throttles. */
export function awsClients(options: AwsClientOptions): AwsClients {
  const shared = {
    region: options.region,
    maxAttempts: ATTEMPTS_MAX,
    retryMode: 'adaptive',
    requestHandler: {
      connectionTimeout: options.attemptMsMax ?? CONNECT_MS_MAX,
      requestTimeout: options.attemptMsMax ?? ATTEMPT_MS_MAX,
      throwOnRequestTimeout: true,
    },
    ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint }),
    ...(options.credentials === undefined ? {} : { credentials: awsIdentity(options.credentials) }),
  };
  const eks = new EKSClient(shared);
  const autoScaling = new AutoScalingClient(shared);
  let changes = 0;
  const count = (): void => void (changes += 1);
  eks.middlewareStack.add(counting(count), { step: 'initialize', name: 'countChanges' });
  autoScaling.middlewareStack.add(counting(count), { step: 'initialize', name: 'countChanges' });
  return {
    eks,
    autoScaling,
    changes: () => changes,
    close: () => {
      eks.destroy();
      autoScaling.destroy();
    },
  };
}

/** Before and after, as what is described meanwhile may show either. */
function counting(count: () => void) {
  return <Sent, Answer>(next: (sent: Sent) => Promise<Answer>, { commandName = '' }: { commandName?: string }) =>
    async (sent: Sent): Promise<Answer> => {
      if (commandName.startsWith('Describe')) return next(sent);
      count();
      return next(sent).finally(count);
    };
}
