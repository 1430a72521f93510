/** What handover and handback change of the other autoscaler, as merge patches. Pure. */
import { countOf, textOf } from '../../clients/json-values.ts';
import type { JsonRecord } from '../../clients/json-values.ts';
import { NOTE_ANNOTATION, PAUSED, PAUSED_REPLICAS, noteText } from './note.ts';
import type { Note } from './note.ts';
import { boundFields, boundsOf } from './rival.ts';
import type { Bounds, Rival } from './rival.ts';

export type RivalPatch = {
  readonly annotations: JsonRecord;
  readonly spec?: JsonRecord;
};

/**
 * Makes it quiet in one write. KEDA: the annotation `paused`, without `paused-replicas`, which would hold a count. HPA: `selectPolicy: Disabled` for both
 * directions, the documented way; it would still pull a count outside of its bounds back in, so these are widened to hold `within` and the count.
 */
export function pausePatch(rival: Rival, note: Note, within: Bounds): RivalPatch {
  const marked = { [NOTE_ANNOTATION]: noteText(note) };
  if (rival.kind === 'ScaledObject') {
    return { annotations: { ...marked, [PAUSED]: 'true', [PAUSED_REPLICAS]: null } };
  }
  const { min, max } = boundsOf(rival);
  const disabled = { selectPolicy: 'Disabled' };
  return {
    annotations: marked,
    spec: {
      behavior: { scaleUp: disabled, scaleDown: disabled },
      // 0 is not allowed; at 0 replicas an HPA does nothing anyway.
      minReplicas: Math.max(1, Math.min(min, within.min, note.countBefore)),
      maxReplicas: Math.max(max, within.max, note.countBefore),
    },
  };
}

/** Only the note. */
export function notePatch(note: Note | null): RivalPatch {
  return { annotations: { [NOTE_ANNOTATION]: note === null ? null : noteText(note) } };
}

/** Bounds it comes back with: its own, raised to `count` where they are below. */
export function returnBounds(rival: Rival, note: Note, count: number): Bounds {
  const own = boundsOf({ kind: rival.kind, spec: note.original });
  return { min: Math.max(own.min, count), max: Math.max(own.max, count) };
}

/** Puts everything back but bounds below `count`, which stays as the floor until {@link liftPatch}. */
export function returnPatch(rival: Rival, note: Note, count: number): RivalPatch {
  const { original } = note;
  const fields = boundFields(rival.kind);
  const own = boundsOf({ kind: rival.kind, spec: original });
  const back = returnBounds(rival, note, count);
  const isFloored = back.min !== own.min || back.max !== own.max;
  const bounds = {
    [fields.min]: back.min === own.min ? (original[fields.min] ?? null) : back.min,
    [fields.max]: back.max === own.max ? (original[fields.max] ?? null) : back.max,
  };
  const left = notePatch(isFloored ? { phase: 'returned', countBefore: count, original } : null).annotations;
  if (rival.kind === 'HorizontalPodAutoscaler') {
    return { annotations: left, spec: { ...bounds, behavior: turning(rival.spec['behavior'], original['behavior']) } };
  }
  const held = countOf(Number(textOf(original[PAUSED_REPLICAS]) || Number.NaN));
  return {
    annotations: {
      ...left,
      [PAUSED]: original[PAUSED] ?? null,
      [PAUSED_REPLICAS]: held === undefined ? null : String(Math.max(held, count)),
    },
    spec: bounds,
  };
}

/** Its own bounds again, and no note. */
export function liftPatch(rival: Rival, { original }: Note): RivalPatch {
  const { min, max } = boundFields(rival.kind);
  return {
    annotations: notePatch(null).annotations,
    spec: { [min]: original[min] ?? null, [max]: original[max] ?? null },
  };
}

/** The merge patch that turns `from` into `to`: what only `from` has is removed. */
function turning(from: unknown, to: unknown): unknown {
  if (!isRecord(from) || !isRecord(to)) return to ?? null;
  const removed = Object.keys(from).filter((key) => !(key in to));
  return {
    ...Object.fromEntries(removed.map((key) => [key, null])),
    ...Object.fromEntries(Object.entries(to).map(([key, value]) => [key, turning(from[key], value)])),
  };
}

function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
