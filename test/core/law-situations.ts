/**
 * Situations for the laws of the decision core, made of bytes: cheap enough for ten thousand runs, and a failing one shrinks to few steps with small figures.
 * Byte 0 of everything is the plain case (full evaluation, fresh snapshot, warm window, readings complete).
 */
import * as fc from 'fast-check';
import type { WorkloadControl, WorkloadInput } from '../../lib/core/decide-types.ts';
import { decideWorkload } from '../../lib/core/decide-workload.ts';
import type { ScalingPolicy } from '../../lib/core/policy.ts';
import type { PodObservation, Reading, Readings, SignalName, TargetObservation } from '../../lib/core/types.ts';
import { NODES, podsAfter } from './law-pods.ts';
import { seededRandom } from '../../lib/base/random.ts';
import { observed, readings, T0, workloadPolicy } from './builders.ts';

export const NAMES = [
  'inFlight',
  'queued',
  'requestRate',
  'inputTokenRate',
  'outputTokenRate',
  'queueDepth',
  'queueWork',
  'gpuRatio',
  'kvCacheRatio',
] as const satisfies readonly SignalName[];

/** Also drawn, but no reading of current demand: what a law raises or takes away is one of {@link NAMES}. */
const DRAWN = [...NAMES, 'completionRate', 'surgeRate', 'lateRatio'] as const satisfies readonly SignalName[];

// --- policies: from plain to mixed, parsed once -----------------------------------------------------------------------

const SIGNALS = [
  { kind: 'inFlight', perReplica: 8 },
  { kind: 'requestRate', perReplicaPerSec: 5 },
  { kind: 'tokens', inputPerSec: 20_000, outputPerSec: 1_000 },
  { kind: 'queueDepth', perReplicaPerSec: 10, drainSec: 60 },
  { kind: 'queueWork', perReplicaPerSec: 20, drainSec: 300 },
  { kind: 'kvCache' },
  { kind: 'gpu' },
] as const;

/** What each of them reads. */
const NAMES_OF: Readonly<Record<string, readonly (typeof NAMES)[number][]>> = {
  inFlight: ['inFlight', 'queued'],
  requestRate: ['requestRate'],
  tokens: ['inputTokenRate', 'outputTokenRate'],
  queueDepth: ['queueDepth', 'requestRate'],
  queueWork: ['queueWork'],
  kvCache: ['kvCacheRatio'],
  gpu: ['gpuRatio'],
};

/** Readings that signals of the policy look at. */
export function namesOf(policy: ScalingPolicy): readonly (typeof NAMES)[number][] {
  return policy.spec.signals.flatMap((signal) => NAMES_OF[signal.kind] ?? []);
}

type PolicyChoice = {
  /** Indexes of {@link SIGNALS}. */
  readonly signals: readonly number[];
  readonly spec: Readonly<Record<string, unknown>>;
};

function choices(): PolicyChoice[] {
  const random = seededRandom(7);
  const pick = <T>(of: readonly T[], plain: T): T =>
    random() < 0.4 ? plain : (of[Math.floor(random() * of.length)] ?? plain);
  const singles = SIGNALS.map((_, index) => ({ signals: [index], spec: {} }));
  const mixed = Array.from({ length: 121 }, () => {
    const signals = SIGNALS.flatMap((_, index) => (random() < 0.35 ? [index] : []));
    const outlives = signals.some((index) => index === 1 || index === 3 || index === 4);
    const max = pick([1, 5, 12, 40, 200, 10_000], 40);
    return {
      signals: signals.length === 0 ? [0] : signals,
      spec: {
        mode: pick(['act', 'observe'], 'act'),
        risk: pick(['low', 'balanced', 'cheap'], 'balanced'),
        replicas: { min: Math.min(max, pick(outlives ? [0, 0, 1, 3] : [1, 2, 5], 1)), max },
        leadTimeSec: pick([1, 20, 60, 180, 420, 1_800], 180),
        scaleDown: {
          windowSec: pick(['auto', 0, 30, 60, 300, 3_600], 'auto'),
          maxPerMinute: pick(['100%', '20%', '0%', 1, 7], '100%'),
          ...(random() < 0.2 ? { longestRequestSec: 100 } : {}),
        },
        ...(random() < 0.3 ? { slo: { waitSec: pick([0, 1, 10, 60], 10) } } : {}),
        ...(random() < 0.3 ? { fallback: { afterSec: pick([10, 30, 120], 30), replicas: Math.min(max, 5) } } : {}),
      },
    };
  });
  return [...singles, ...mixed];
}

const POLICIES: readonly ScalingPolicy[] = choices().map(({ signals, spec }) =>
  workloadPolicy({ ...spec, signals: signals.map((index) => SIGNALS[index]) }),
);

export const policyArb: fc.Arbitrary<ScalingPolicy> = fc
  .nat(POLICIES.length - 1)
  .map((index) => POLICIES[index] ?? workloadPolicy());

// --- steps of a history -----------------------------------------------------------------------------------------------

/** Bytes of one step: one per reading, and {@link OTHER_BYTES}. */
const OTHER_BYTES = 7;
const STEP_BYTES = DRAWN.length + OTHER_BYTES;

export type Step = Pick<WorkloadInput, 'readings' | 'kind' | 'snapshotAgeMs' | 'warmRatio' | 'holdUntilMs'> & {
  readonly afterMs: number;
  readonly seen: Seen;
};

/** What is seen of the target; null when nothing is. `pods`: a byte for what is unusual of them. */
type Seen = {
  readonly replicas: number;
  readonly ready: number;
  readonly rolloutInProgress: boolean;
  readonly pods: number;
} | null;

/** Bytes from here on are readings that are missing, old or partly covered. */
const BAD_BYTE = 232;

/** 0 to some ten thousands, finer where it is small; ratios 0 to 1. */
function valueOf(name: SignalName, byte: number): number {
  if (name.endsWith('Ratio')) return Math.min(1, byte / (BAD_BYTE - 1));
  const scale = name.endsWith('TokenRate') ? 100 : name === 'queueWork' ? 20 : 1;
  return byte === 0 ? 0 : (scale * Math.round(1.05 ** byte * 10)) / 10;
}

const FROM = ['pod', 'gateway', 'queue'] as const;

function readingOf(name: SignalName, byte: number): Reading {
  if (byte < BAD_BYTE) return { kind: 'value', value: valueOf(name, byte), coverageRatio: 1, ageMs: 900 };
  const kind = byte - BAD_BYTE;
  if (kind < 8) return { kind: 'missing', reason: 'gone', ageMs: kind % 2 === 0 ? null : 45_000 };
  const from = FROM[kind % 3] ?? 'pod';
  const value = valueOf(name, (kind * 29) % 150);
  return { kind: 'value', value, coverageRatio: kind % 4 === 0 ? 0.5 : 1, ageMs: kind % 5 === 0 ? 40_000 : 900, from };
}

const SILENT = readings({});

/** By name and byte, made once. */
const READINGS = DRAWN.map((name) => Array.from({ length: 256 }, (_, byte) => readingOf(name, byte)));

const GAPS_MS = [10_000, 10_000, 10_000, 1_000, 30_000, 0, -2_000, 400_000];

/** Of the bytes of pods, beside those of {@link podsAfter}: as many as before. */
const AS_BEFORE = 64;

const steadySeen = (replicas: number): Seen => ({ replicas, ready: replicas, rolloutInProgress: false, pods: 0 });

function seenOf(byte: number, notReady: number, pods: number): Seen {
  if (byte >= 248) return null;
  const replicas = byte % 48;
  const ready = Math.max(0, replicas - (notReady % 8));
  return { replicas, ready, rolloutInProgress: notReady >= 240, pods };
}

function stepOf(bytes: ArrayLike<number>, offset = 0): Step {
  const at = (index: number): number => bytes[offset + index] ?? 0;
  const said: Record<string, Reading> = { ...SILENT };
  for (const [index, name] of DRAWN.entries()) said[name] = READINGS[index]?.[at(index)] ?? SILENT[name];
  const rest = DRAWN.length;
  return {
    readings: said as Readings,
    kind: at(rest) % 3 === 2 ? 'leading' : 'full',
    seen: seenOf(at(rest + 1), at(rest + 2), at(rest + 6)),
    snapshotAgeMs: at(rest + 3) >= 244 ? 45_000 : 0,
    warmRatio: at(rest + 4) >= 244 ? 0.05 : 1,
    holdUntilMs: at(rest + 4) >= 1 && at(rest + 4) < 12 ? T0 + 100_000 : 0,
    afterMs: GAPS_MS[at(rest + 5) % GAPS_MS.length] ?? 10_000,
  };
}

export type Past = { readonly control: WorkloadControl | undefined; readonly nowMs: number };

const NO_PAST: Past = { control: undefined, nowMs: T0 };

/** Rates at even times long enough for forecasts to be measured: what happens once the core has learned. */
export function learned(
  policy: ScalingPolicy,
  of: {
    readonly minutes: number;
    readonly level: number;
    readonly swing: number;
    /** What is served teaches how much work a request is: from then on a level is no longer the demand. */
    readonly served: boolean;
  },
): Past {
  let [nowMs, control, replicas]: [number, WorkloadControl | undefined, number] = [T0, undefined, 1];
  for (let step = 0; step < of.minutes * 2; step++) {
    nowMs += 30_000;
    const level = of.level * (1 + of.swing * Math.sin(step / 7));
    const outcome = decideWorkload({
      policy,
      kind: 'full',
      nowMs,
      readings: { ...loadReadings(level, replicas), ...(of.served ? { completionRate: heard(level * 5) } : {}) },
      holdUntilMs: 0,
      warmRatio: 1,
      target: observed(replicas),
      snapshotAgeMs: 0,
      control,
    });
    ({ control } = outcome);
    replicas = outcome.wanted;
  }
  return { control, nowMs };
}

function heard(value: number): Reading {
  return { kind: 'value', value, coverageRatio: 1, ageMs: 900, from: 'gateway' };
}

/** What every signal says of a load of `level` replicas' worth of work on `ready` replicas. */
export function loadReadings(level: number, ready: number): Readings {
  const ratio = Math.min(1, level / Math.max(1, ready));
  return readings({
    inFlight: heard(level * 8),
    queued: heard(0),
    requestRate: heard(level * 5),
    inputTokenRate: heard(level * 10_000),
    outputTokenRate: heard(level * 500),
    queueDepth: heard(level * 60),
    queueWork: heard(level * 6_000),
    gpuRatio: heard(ratio),
    kvCacheRatio: heard(ratio),
  });
}

const memories = new Map<number, Past>();

/** Learned memories are dear: one per policy, made when first asked for. */
function learnedOnce(index: number): Past {
  const known = memories.get(index);
  if (known !== undefined) return known;
  const policy = POLICIES[index] ?? workloadPolicy();
  const made = learned(policy, {
    minutes: 40,
    level: index % 2 === 0 ? 3 : 12,
    swing: index % 3 === 0 ? 0 : 0.4,
    served: index % 5 !== 0,
  });
  memories.set(index, made);
  return made;
}

/** A memory (young, or learned over forty minutes, then some wild steps), and one more step whose input is under test. */
export const situationArb: fc.Arbitrary<WorkloadInput> = fc
  .tuple(fc.nat(POLICIES.length - 1), fc.nat(3), fc.uint8Array({ minLength: STEP_BYTES, maxLength: 5 * STEP_BYTES }))
  .map(([index, start, bytes]) => {
    const policy = POLICIES[index] ?? workloadPolicy();
    const past = start < 2 ? NO_PAST : learnedOnce(index);
    let { control, nowMs } = past;
    let pods: readonly PodObservation[] = [];
    let before: Seen = steadySeen(control?.lastWanted ?? 1);
    const count = Math.floor(bytes.length / STEP_BYTES);
    for (let turn = 0; ; turn++) {
      const { afterMs, seen: drawn, ...step } = stepOf(bytes, turn * STEP_BYTES);
      nowMs += afterMs;
      // What a replica does is learned only while as many of them are ready as before.
      const seen: Seen =
        drawn !== null && before !== null && (drawn.pods & AS_BEFORE) !== 0 ? { ...before, pods: drawn.pods } : drawn;
      before = seen ?? before;
      pods = seen === null ? pods : podsAfter(pods, { ...seen, nowMs });
      const target: TargetObservation =
        seen === null ? { kind: 'missing', reason: 'timeout' } : observed(seen.replicas, { ...seen, pods });
      const input: WorkloadInput = { ...step, target, nodes: NODES, policy, nowMs, control };
      if (turn >= count - 1) return input;
      ({ control } = decideWorkload(input));
    }
  });

/** `expect` without its cost, which over ten thousand runs is more than the law's own. */
export function atLeast(actual: number, least: number): void {
  if (!(actual >= least)) throw new Error(`expected at least ${least}, got ${actual}`);
}

export function atMost(actual: number, most: number): void {
  if (!(actual <= most)) throw new Error(`expected at most ${most}, got ${actual}`);
}

export function same(actual: string | undefined, wanted: string | undefined): void {
  if (actual !== wanted) throw new Error(`expected ${wanted}, got ${actual}`);
}
