/** The part of a trace that is replayed, on the file's own clock. */
import { ConfigError } from '../../base/errors.ts';
import { EPOCH_MS_MIN, type TraceOptions } from './contract.ts';
import { isoMs } from './time.ts';

export type Cut = {
  /** What times are counted from [ms on the file's clock]. */
  readonly baseMs: number;
  readonly fromMs: number;
  /** Infinity when there is no end. */
  readonly toMs: number;
};

/** The cut of a trace whose first row is at `firstMs`. Throws ConfigError for an ISO time where the trace has no dates, and when nothing lies between. */
export function cutOf(options: TraceOptions, { name, firstMs }: { name: string; firstMs: number }): Cut {
  const dated = firstMs >= EPOCH_MS_MIN;
  const at = (value: number | string): number => {
    const text = String(value).trim();
    const seconds = Number(text);
    if (text !== '' && Number.isFinite(seconds)) return (dated ? firstMs : 0) + seconds * 1000;
    const timeMs = isoMs(text);
    if (Number.isNaN(timeMs))
      throw cutError({ name, text, expected: 'seconds, or a time such as 2024-05-12T08:00:00Z' });
    if (!dated) throw cutError({ name, text, expected: 'seconds, because the trace has no dates' });
    return timeMs;
  };
  const fromMs = options.from === undefined ? -Infinity : at(options.from);
  const toMs = options.to === undefined ? Infinity : at(options.to);
  if (!(fromMs < toMs))
    throw cutError({ name, text: String(options.to), expected: `an end after the start (${String(options.from)})` });
  return { baseMs: fromMs === -Infinity ? firstMs : fromMs, fromMs, toMs };
}

function cutError({ name, text, expected }: { name: string; text: string; expected: string }): ConfigError {
  return new ConfigError(`Cannot cut trace "${name}": expected ${expected}, current value is ${text}`);
}

/** The error for a cut or a file without any row. */
export function nothingLeft(name: string, rowsSeen: number): ConfigError {
  const where = rowsSeen === 0 ? 'in the file' : 'between --from and --to';
  return new ConfigError(`Cannot replay trace "${name}": expected at least one line ${where}, current value is 0`);
}
