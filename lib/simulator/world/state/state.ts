/** The state that the parts of the world share, and how a change becomes visible. */
import { createAgenda } from './agenda.ts';
import type { Agenda } from './agenda.ts';
import { createDraws } from './draws.ts';
import type { Draws } from './draws.ts';
import type {
  ApiRecord,
  DeploymentRecord,
  DisruptionBudgetRecord,
  NodeGroupRecord,
  NodeRecord,
  PodAutoscalerRecord,
  ScaledObjectRecord,
  PodRecord,
} from './records.ts';
import type { ResolvedSettings } from '../settings.ts';

export type ChangeType = 'ADDED' | 'MODIFIED' | 'DELETED';
export type Change = { readonly type: ChangeType; readonly record: ApiRecord };

export type WorldState = {
  nowMs: number;
  readonly startMs: number;
  readonly settings: ResolvedSettings;
  readonly draws: Draws;
  readonly agenda: Agenda;
  /** The last resource version given out: strictly increasing over all kinds. */
  version: number;
  readonly deployments: Map<string, DeploymentRecord>;
  readonly pods: Map<string, PodRecord>;
  readonly pendingPods: Set<PodRecord>;
  readonly nodes: Map<string, NodeRecord>;
  readonly groups: Map<string, NodeGroupRecord>;
  readonly budgets: Map<string, DisruptionBudgetRecord>;
  readonly podAutoscalers: Map<string, PodAutoscalerRecord>;
  readonly scaledObjects: Map<string, ScaledObjectRecord>;
  readonly dirtyDeployments: Set<DeploymentRecord>;
  /** A node changed in a way that may let pending pods in. */
  nodesChanged: boolean;
  settlePlanned: boolean;
  podsCreated: number;
  nodesCreated: number;
  readonly listeners: Set<(change: Change) => void>;
};

/** An empty world at `nowMs`. */
export function createState(settings: ResolvedSettings, nowMs: number): WorldState {
  return {
    nowMs,
    startMs: nowMs,
    settings,
    draws: createDraws(settings.seed),
    agenda: createAgenda(),
    version: 1000,
    deployments: new Map(),
    pods: new Map(),
    pendingPods: new Set(),
    nodes: new Map(),
    groups: new Map(),
    budgets: new Map(),
    podAutoscalers: new Map(),
    scaledObjects: new Map(),
    dirtyDeployments: new Set(),
    nodesChanged: false,
    settlePlanned: false,
    podsCreated: 0,
    nodesCreated: 0,
    listeners: new Set(),
  };
}

/** The key of a namespaced thing. */
export function keyOf(thing: { readonly namespace: string; readonly name: string }): string {
  return `${thing.namespace}/${thing.name}`;
}

/** Gives `record` a new resource version and tells the listeners. */
export function touch(state: WorldState, record: ApiRecord, type: ChangeType = 'MODIFIED'): void {
  state.version += 1;
  record.resourceVersion = state.version;
  for (const listener of state.listeners) listener({ type, record });
}

/** Plans `run` in `delayMs` from now. */
export function planIn(state: WorldState, delayMs: number, run: () => void): void {
  state.agenda.plan(state.nowMs + Math.max(0, delayMs), run);
}

/** An RFC 3339 time in whole seconds, as Kubernetes and the cause texts of AWS write it. */
export function isoSeconds(atMs: number): string {
  return `${new Date(Math.floor(atMs / 1000) * 1000).toISOString().slice(0, 19)}Z`;
}
