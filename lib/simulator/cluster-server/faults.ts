/** Faults of the simulated APIs, switched on and off by rules. */
import { seededRandom } from '../../base/random.ts';
import type { Service } from './requests-log.ts';

export type FaultKind =
  /** Refused before anything is done: Kubernetes 429, EKS ThrottlingException, Auto Scaling Throttling. */
  | 'throttle'
  /** An internal error, before anything is done. */
  | 'error'
  /** 403: the permission is missing. */
  | 'forbid'
  /** 401 or an expired security token. */
  | 'unauthenticated'
  /** Answered after `delayMs`. */
  | 'slow'
  /** Never answered; nothing is done. */
  | 'hang'
  /** The connection is cut; nothing is done. */
  | 'drop'
  /** Everything is done, then the connection is cut. */
  | 'loseAnswer'
  /** Watches stay open but say nothing more (half-open). */
  | 'muteWatch'
  /** Watches go on, with bookmarks, but bring nothing new: the server's cache has lost its store. Lists are not concerned. */
  | 'stallWatch';

export type FaultRule = {
  readonly kind: FaultKind;
  /** Default: every service. */
  readonly service?: Service;
  /** Default: every operation. As in the requests log: `patch deployments/scale`, `UpdateNodegroupConfig`. */
  readonly operation?: string;
  /** How many requests it hits; default no limit. */
  readonly count?: number;
  /** Share of the requests it hits, drawn from a seeded stream. Default 1. */
  readonly ratio?: number;
  readonly delayMs?: number;
  /** `Retry-After` of a Kubernetes 429. Default 1 s. */
  readonly retryAfterSec?: number;
};

export type Faults = {
  /** Switches a fault on; returns how to switch it off. */
  add(rule: FaultRule): () => void;
  clear(): void;
  /** The first rule that hits this request, if any; counts it. */
  hit(request: { readonly service: Service; readonly operation: string }): FaultRule | undefined;
  /** Whether watches are muted now. */
  isWatchMuted(): boolean;
  /** Whether watches bring nothing new now. */
  isWatchStalled(): boolean;
};

/** Not on requests, but on what is answered already. */
const ON_WATCHES: ReadonlySet<FaultKind> = new Set(['muteWatch', 'stallWatch']);

/** No faults yet. */
export function createFaults(seed = 1): Faults {
  const random = seededRandom(seed);
  const active = new Map<FaultRule, { remaining: number }>();
  return {
    add: (rule) => {
      active.set(rule, { remaining: rule.count ?? Infinity });
      return () => void active.delete(rule);
    },
    clear: () => active.clear(),
    hit: ({ service, operation }) => {
      for (const [rule, left] of active) {
        const applies =
          !ON_WATCHES.has(rule.kind) &&
          (rule.service === undefined || rule.service === service) &&
          (rule.operation === undefined || rule.operation === operation);
        if (!applies || left.remaining <= 0 || random() >= (rule.ratio ?? 1)) continue;
        left.remaining -= 1;
        return rule;
      }
      return undefined;
    },
    isWatchMuted: () => [...active.keys()].some((rule) => rule.kind === 'muteWatch'),
    isWatchStalled: () => [...active.keys()].some((rule) => rule.kind === 'stallWatch'),
  };
}
