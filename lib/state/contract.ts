/**
 * To add a state store (say, DynamoDB):
 * 1. implement {@link StateStores} in a file of its own,
 * 2. name it in `index.ts`,
 * 3. run `test/conformance/state.ts` against it.
 *
 * Every call touches one key, so that any sharding by key works.
 */
import type { AlertBook, Plan, ScalingDecision, Snapshot } from '../core/types.ts';
import type { LoadWindow } from '../core/window/load-window.ts';

export type { AlertBook } from '../core/types.ts';

/** The rolling load of workloads. */
export type LoadState = {
  /** The windows of those workloads that have one. */
  readMany(workloads: readonly string[]): Promise<ReadonlyMap<string, LoadWindow>>;
  /**
   * Folds into the stored window with one atomic write: `fold` is pure, is called with the stored window (undefined at first) and called again
   * when another writer was faster. Returning the very same window writes nothing. Throws TransientError when the store cannot be reached
   * (then nothing was written, or the write is found again by its offsets), ConflictError after {@link APPLY_ATTEMPTS_MAX} lost races.
   */
  apply<T>(
    workload: string,
    fold: (window: LoadWindow | undefined) => { readonly window: LoadWindow; readonly result: T },
  ): Promise<T>;
  /** Forgets what this process remembers of stored windows: after a reconnect. */
  forgetCache(): void;
};

/** Two writers per topic and a rolling deployment: five lost races in a row mean something is wrong. */
export const APPLY_ATTEMPTS_MAX = 8;

/** Documents with compare-and-set, one key each. */
export type Documents<T> = {
  read(id: string): Promise<Versioned<T> | undefined>;
  readMany(ids: readonly string[]): Promise<ReadonlyMap<string, Versioned<T>>>;
  /** Writes when the stored version is still `expected` (undefined: does not exist yet). False when it is not: read and decide again. */
  compareAndSet(id: string, value: T, expected: string | undefined): Promise<boolean>;
  remove(id: string): Promise<void>;
};

/** `version` is unique per write, never reused, also not after the store lost its tail. */
export type Versioned<T> = { readonly value: T; readonly version: string };

/** How far a topic-partition was applied by all workloads of its batches. */
export type Progress = {
  readonly offset: number;
  /** The broker's time of that record [epoch ms]. */
  readonly timestampMs: number;
};

export type DecisionLedger = {
  /** Adds one decision; the oldest of the workload goes beyond {@link LEDGER_LENGTH_MAX}. */
  record(decision: ScalingDecision): Promise<void>;
  /** Newest first. */
  latest(workload: string, count: number): Promise<readonly ScalingDecision[]>;
  /** By decision id, while it is in the ledger. */
  find(id: string): Promise<ScalingDecision | undefined>;
};

/** Some hours of a busy workload, some weeks of a quiet one; about 200 KB a workload at most. */
export const LEDGER_LENGTH_MAX = 100;

/** What waits to be published to Kafka. */
export type OutboxMessage = {
  readonly topic: string;
  readonly key: string;
  /** Text, or base64 of bytes when `encoding` says so (dead letters are kept as they came). */
  readonly value: string;
  readonly encoding?: 'base64';
  readonly headers?: Readonly<Record<string, string>>;
};

export type Outbox = {
  /** Throws TransientError when {@link OUTBOX_LENGTH_MAX} messages wait already: the caller must slow down, nothing is dropped. */
  put(messages: readonly OutboxMessage[]): Promise<void>;
  /** The oldest messages; they stay until acknowledged. */
  peek(count: number): Promise<readonly { readonly id: string; readonly message: OutboxMessage }[]>;
  acknowledge(ids: readonly string[]): Promise<void>;
  size(): Promise<number>;
};

export const OUTBOX_LENGTH_MAX = 100_000;

/** What the last steps of actuation came to, per target (`target/WORKLOAD`) or node group (`nodeGroup/NAME`). */
export type ActuationRecord = {
  readonly planSeq: number;
  readonly outcome: 'applied' | 'already' | 'stale' | 'refused' | 'failed' | 'inProgress';
  readonly detail: string;
  readonly atMs: number;
  /** Failed steps in a row. */
  readonly failures: number;
  readonly notBeforeMs: number;
  /** The cloud's update in flight. */
  readonly update?: { readonly id: string; readonly startedMs: number; readonly desired: number };
  /** Nodes being freed. */
  readonly drains?: readonly DrainProgress[];
  /** Nodes that could not be emptied: not tried again before `untilMs`. */
  readonly drainPauses?: readonly { readonly nodeName: string; readonly untilMs: number; readonly reason: string }[];
  /** Nodes that were freed in a group whose instances come back from a warm pool: still cordoned when they do. Bounded. */
  readonly lent?: readonly { readonly nodeName: string; readonly instanceId: string; readonly atMs: number }[];
  /** The last count this controller wrote, to tell a foreign writer. */
  readonly lastWritten?: { readonly count: number; readonly atMs: number; readonly generation?: number };
  /** Pods asked to go first and not released yet. */
  readonly preferred?: readonly string[];
  /** We may not ask that; said once. */
  readonly marksDenied?: true;
  /** Replicas let go by our writes, as far as they may limit the next one (`maxPerMinute`): [epoch ms, count]. */
  readonly lowered?: readonly (readonly [number, number])[];
  /** Seen writing beside us. */
  readonly foreignWrite?: { readonly count: number; readonly atMs: number };
  /** No capacity: do not ask again before `untilMs`. */
  readonly capacityBackoff?: { readonly untilMs: number; readonly attempts: number; readonly cause: string };
};

export type DrainProgress = {
  readonly nodeName: string;
  readonly instanceId: string;
  readonly stage: 'cordoned' | 'evicting' | 'empty' | 'terminating';
  readonly startedMs: number;
  readonly detail: string;
};

/** Who stopped something, and since when. */
export type Pause = { readonly by: string; readonly atMs: number; readonly reason: string };

/** What may not be changed: everything, or some workloads and node groups. Decisions go on. */
export type Pauses = {
  readonly all: Pause | null;
  /** By workload id. */
  readonly workloads: Readonly<Record<string, Pause>>;
  /** By node group policy name. */
  readonly nodeGroups: Readonly<Record<string, Pause>>;
};

/** The one document of {@link StateStores.pauses}: one read tells all. */
export const PAUSES_ID = 'pauses';

/** What a pool's evaluations carry from one to the next beside each workload's own state. */
export type StateStores = {
  readonly load: LoadState;
  readonly progress: Documents<Progress>;
  /** By pool. */
  readonly plans: Documents<Plan>;
  readonly snapshots: Documents<Snapshot>;
  readonly alerts: Documents<AlertBook>;
  /** By workload: the decision core's own memory (opaque here, JSON). What cannot be read at all reads as null and may be written over. */
  readonly control: Documents<unknown>;
  /** By `target/WORKLOAD` and `nodeGroup/NAME`. Whoever reads one checks it: what cannot be read at all reads as null and may be written over. */
  readonly actuation: Documents<ActuationRecord>;
  /** Under {@link PAUSES_ID}. */
  readonly pauses: Documents<Pauses>;
  readonly ledger: DecisionLedger;
  readonly outbox: Outbox;
  /** Resolves when the store answers, with the round trip [ms]; throws TransientError. */
  ping(): Promise<number>;
  /** Called after each reconnect to a store that may have lost its tail. Returns an unsubscribe function. */
  onReconnect(listener: () => void): () => void;
  close(): Promise<void>;
};
