/** What the live view of the demo shows, as plain data. */

export type ModelView = {
  readonly name: string;
  /** Arrivals [1/s], oldest first, one value per step of the day. */
  readonly history: readonly number[];
  readonly requestsPerSec: number;
  readonly inFlight: number;
  readonly queued: number;
  readonly ready: number;
  readonly starting: number;
  readonly wanted: number;
  readonly max: number;
};

export type NodeGroupView = {
  readonly name: string;
  readonly shape: string;
  readonly ready: number;
  readonly launching: number;
  readonly draining: number;
  readonly wanted: number;
  readonly max: number;
  readonly shortage: string | null;
};

export type DecisionView = {
  readonly hour: number;
  readonly workload: string;
  readonly from: number | null;
  readonly to: number;
  readonly because: string;
};

export type DemoView = {
  /** Hour of the simulated day, 0..24, and the share of the demo that is over, 0..1. */
  readonly hour: number;
  readonly doneRatio: number;
  readonly servers: string;
  /** What is going on, in a sentence or two. */
  readonly chapter: string;
  /** Where the controller's live page is; empty: nowhere. */
  readonly livePage: string;
  /** A command with which anybody can look into the cluster; null where there is none. */
  readonly hints: readonly string[];
  readonly eventsProduced: number;
  readonly eventsPerSec: number;
  readonly eventsDeadLettered: number;
  readonly patches: number;
  readonly eventToPatchP50Ms: number | undefined;
  readonly usdPerHour: number;
  /** Requests that waited longer than their limit so far, 0..1. */
  readonly lateShare: number;
  readonly models: readonly ModelView[];
  readonly nodeGroups: readonly NodeGroupView[];
  readonly decisions: readonly DecisionView[];
  readonly alerts: readonly { readonly severity: string; readonly state: string; readonly title: string }[];
};
