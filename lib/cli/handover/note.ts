/** What handover writes down on the other autoscaler itself, so that handback needs nothing else. */
import { ConfigError } from '../../base/errors.ts';
import { countOf, recordOf, textOf } from '../../clients/json-values.ts';
import type { JsonRecord } from '../../clients/json-values.ts';
import type { Rival } from './rival.ts';
import { boundFields, titleOf } from './rival.ts';

export const NOTE_ANNOTATION = 'penstock.dev/handover';
export const PAUSED = 'autoscaling.keda.sh/paused';
export const PAUSED_REPLICAS = 'autoscaling.keda.sh/paused-replicas';

/** pausing: asked to be quiet, the count was not looked at since. held: done. returned: back at work above a floor. */
export type Phase = 'pausing' | 'held' | 'returned';

export type Note = {
  readonly phase: Phase;
  /** Replicas when handover or handback began. */
  readonly countBefore: number;
  /** Fields as they were; null: was not there. */
  readonly original: JsonRecord;
};

/** Null when it has none. Throws ConfigError when somebody changed it to what cannot be read: nothing is restored from a guess. */
export function noteOf(rival: Rival): Note | null {
  const text = rival.annotations[NOTE_ANNOTATION];
  if (text === undefined) return null;
  const value = recordOf(parsed(textOf(text)));
  const countBefore = countOf(value['countBefore']);
  const phase = (['pausing', 'held', 'returned'] as const).find((one) => one === value['phase']);
  if (countBefore === undefined || phase === undefined || value['original'] === undefined) {
    throw new ConfigError(
      `Cannot read annotation ${NOTE_ANNOTATION} of ${titleOf(rival)}: expected what penstock handover wrote, current value is ${textOf(text).slice(0, 200)}`,
    );
  }
  return { phase, countBefore, original: recordOf(value['original']) };
}

/** The annotation's text. */
export function noteText({ phase, countBefore, original }: Note): string {
  return JSON.stringify({ phase, countBefore, original });
}

/** What {@link Note.original} holds of it. */
export function originalOf({ kind, annotations, spec }: Rival): JsonRecord {
  const { min, max } = boundFields(kind);
  const bounds = { [min]: spec[min] ?? null, [max]: spec[max] ?? null };
  if (kind === 'HorizontalPodAutoscaler') return { ...bounds, behavior: spec['behavior'] ?? null };
  return {
    ...bounds,
    [PAUSED]: annotations[PAUSED] ?? null,
    [PAUSED_REPLICAS]: annotations[PAUSED_REPLICAS] ?? null,
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
