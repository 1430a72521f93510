/** What a whole replay is told. */
import type { ReplayOptions } from './prepare.ts';

export type RunOptions = ReplayOptions & {
  /** Names of baselines. */
  readonly against: readonly string[];
  /** Also each peer with the best setting of its grid, in hindsight. */
  readonly tunePeers: boolean;
  /** Spec of the ScalingPolicy to replay; null: the plain one. Its limits of replicas are those of `replicas`. */
  readonly policySpec: Readonly<Record<string, unknown>> | null;
  /** The file of `policySpec`; for the report only. */
  readonly policyFile?: { readonly file: string; readonly digest: string } | null;
  /** Penstock at its other settings of `risk`, too. */
  readonly sweepRisk?: boolean;
  /** The limit that was asked for by itself, when there was one; for the report only. */
  readonly maxReplicas?: number | null;
  readonly version: string;
  readonly progress: (line: string) => void;
  /** Bundle of `worker.ts`, to run policies side by side; everything in this thread when left out. */
  readonly workerFile?: URL | null;
};
