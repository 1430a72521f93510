/** Times of trace files: dates, epochs and offsets, all as milliseconds. */
import { EPOCH_MS_MIN, type TimeUnit } from './contract.ts';
import { numberOf } from './csv.ts';

const ISO = /^(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d)(\.\d{1,9})?)?)?\s?(Z|[+-]\d\d:?(?:\d\d)?)?$/i;

/**
 * An ISO date, up to nine fractional digits → epoch [ms], fractional; NaN when it is none. Without a zone it is read as UTC:
 * distances stay right, but for a change of the clocks inside the trace. A double holds a quarter of a microsecond here.
 */
export function isoMs(text: string): number {
  const match = ISO.exec(text);
  if (match === null) return NaN;
  const part = (index: number): number => Number(match[index] ?? 0);
  const [month, day, hour, minute, second] = [part(2), part(3), part(4), part(5), part(6)];
  const date = new Date(Date.UTC(part(1), month - 1, day));
  const real = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  // 60 is a leap second.
  if (!real || hour > 23 || minute > 59 || second > 60) return NaN;
  const timeMs = date.getTime() + ((hour * 60 + minute) * 60 + second) * 1000 + part(7) * 1000;
  return timeMs - zoneMs(match[8]);
}

function zoneMs(zone: string | undefined): number {
  if (zone === undefined || zone === 'Z' || zone === 'z') return 0;
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(3).replace(':', ''))];
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}

const UNIT_MS: Readonly<Record<Exclude<TimeUnit, 'iso'>, number>> = {
  ns: 1e-6,
  us: 1e-3,
  ms: 1,
  s: 1000,
  min: 60_000,
  h: 3_600_000,
};

/**
 * Reads the times of one column → [ms], NaN when one is not of the column's kind. Without a unit the first value decides: a date; else the
 * unit in the column's name; else seconds, unless it is so large that only milli-, micro- or nanoseconds of an epoch can be meant.
 */
export function timeReader(unit: TimeUnit | undefined, columnName = ''): (text: string) => number {
  let known = unit;
  return (text) => {
    known ??= guessUnit(text, columnName);
    if (known === undefined) return NaN;
    if (known === 'iso') return isoMs(text);
    const value = numberOf(text) * UNIT_MS[known];
    return value >= 0 ? value : NaN;
  };
}

function guessUnit(text: string, columnName: string): TimeUnit | undefined {
  if (!Number.isNaN(isoMs(text))) return 'iso';
  const value = numberOf(text);
  if (Number.isNaN(value)) return undefined;
  const named = unitOfName(columnName);
  if (named !== undefined) return named;
  // An epoch of 1973 or later has 9 digits in seconds at least, 12 in ms, 15 in µs, 18 in ns.
  if (value < EPOCH_MS_MIN) return 's';
  if (value < EPOCH_MS_MIN * 1e3) return 'ms';
  return value < EPOCH_MS_MIN * 1e6 ? 'us' : 'ns';
}

/** `t_h`, `timestamp_ms`, `minute`. */
function unitOfName(name: string): TimeUnit | undefined {
  const suffix = /(?:^|_)(ns|us|ms|s|sec|seconds?|m|min|minutes?|h|hours?)$/.exec(name.toLowerCase())?.[1];
  if (suffix === undefined) return undefined;
  if (suffix === 'ns' || suffix === 'us' || suffix === 'ms') return suffix;
  if (suffix.startsWith('s')) return 's';
  return suffix.startsWith('m') ? 'min' : 'h';
}
