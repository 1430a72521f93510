/** What the demo needs of a cluster, however it came to be. */
import type { Progress } from '../../../local/index.ts';
import type { RequestsLog } from '../../../simulator/cluster-server/requests-log.ts';
import type { World } from '../../../simulator/world/world.ts';
import type { FleetView } from './fleet.ts';

/** Who comes in: someone who may look at everything, and the two processes of Penstock. */
export type Role = 'operator' | 'run' | 'bridge';

export type DemoCluster = {
  /** `Kubernetes 1.36.3`, `simulated Kubernetes`: for people. */
  readonly label: string;
  /** A command with which anybody can look into it; null where there is none. */
  readonly hint: string | null;
  readonly fleet: FleetView;
  /** The simulated EKS: node groups, instances, what they cost. */
  readonly cloud: World;
  readonly awsUrl: string;
  /** What reached the simulated APIs. */
  readonly requests: RequestsLog;
  readonly kubeconfigFiles: Readonly<Record<Role, string>>;
  /** Set when the demo cannot go on with it. */
  failure(): Error | undefined;
};

export type ClusterOptions = {
  /** Of this demo alone; removed at its end. */
  readonly folder: string;
  /** The folder with package.json. */
  readonly root: string;
  readonly cacheDir: string;
  readonly dayDurationSec: number;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** What must be undone is pushed here as soon as it exists, so that a failure half way leaves nothing behind. */
  readonly undo: (() => Promise<void>)[];
};

export type ClusterKind = {
  /** Gets what must be there before anything is started. Throws ConfigError in one line when it cannot be had. */
  prepare(options: ClusterOptions): Promise<void>;
  /** Comes back when the first replicas of the scene are Ready. */
  start(options: ClusterOptions): Promise<DemoCluster>;
};
