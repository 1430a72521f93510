/**
 * The same rules as the Zod schemas in `schema/`, by hand, because ingest has about 4 µs for decoding and folding one event.
 * That both agree is shown by `test/events/validate.test.ts`: who changes a schema changes this file, and the test says so.
 */
import { INTERVAL_MS_MAX, INTERVAL_MS_MIN, NAME_LENGTH_MAX, VALUE_MAX } from './schema/common.ts';
import { HISTOGRAM_BOUNDS_MAX, INFERENCE_LOAD, type InferenceLoad } from './schema/inference-load.ts';
import { QUEUE_DEPTH, type QueueDepth } from './schema/queue-depth.ts';
import { DEPTH_MAX, LOAD_SOURCE_PREFIXES, QUEUE_SOURCE_PREFIXES } from './rules.ts';
import { show } from './show.ts';

/** A JSON object nobody has looked at yet. */
export type Fields = { readonly [key: string]: unknown };

export type LoadEvent = InferenceLoad | QueueDepth;

const EPOCH_MS_MIN = 1_000_000_000_000;
const EPOCH_MS_MAX = 9_999_999_999_999;
const WORKLOAD_LENGTH_MAX = 253;

const GAUGE = `a number from 0 to ${VALUE_MAX}`;
const COUNT = `a whole number from 0 to ${VALUE_MAX}`;
const RATIO = 'a number from 0 to 1';
const EPOCH = 'epoch milliseconds';

/** Why `fields` is no event this version understands, or null when it is one: then it may be used as a {@link LoadEvent}. Never throws. */
export function problemOf(fields: Fields): string | null {
  if (fields['schema'] === INFERENCE_LOAD) return loadProblem(fields) ?? intervalProblem(fields);
  if (fields['schema'] === QUEUE_DEPTH) return queueProblem(fields) ?? intervalProblem(fields);
  return wrong('schema', fields['schema'], `"${INFERENCE_LOAD}" or "${QUEUE_DEPTH}"`);
}

function loadProblem(fields: Fields): string | null {
  let measured = false;
  for (const key in fields) {
    const value = fields[key];
    let problem: string | null = null;
    switch (key) {
      case 'inFlight':
      case 'queued':
        measured = true;
        if (!isGauge(value)) problem = wrong(key, value, GAUGE);
        break;
      case 'ready':
        measured = true;
        if (typeof value !== 'boolean') problem = wrong(key, value, 'true or false');
        break;
      case 'requests':
      case 'tokens':
      case 'utilization':
        problem = groupProblem(key, value);
        measured ||= problem === null && groupMeasures(key, value as Fields);
        break;
      case 'ttftMs':
        measured = true;
        problem = histogramProblem(value);
        break;
      default:
        problem = commonProblem(key, value);
    }
    if (problem !== null) return problem;
  }
  const problem = requiredProblem(fields, LOAD_SOURCE_PREFIXES);
  if (problem !== null || measured) return problem;
  return 'the event carries no measure, expected at least one of ready, inFlight, queued, requests, tokens, utilization, ttftMs';
}

function queueProblem(fields: Fields): string | null {
  for (const key in fields) {
    const value = fields[key];
    let problem: string | null = null;
    switch (key) {
      case 'depth':
      case 'oldestAgeMs':
        if (!isGauge(value)) problem = wrong(key, value, GAUGE);
        break;
      case 'enqueued':
      case 'dequeued':
        if (!isCount(value)) problem = wrong(key, value, COUNT);
        break;
      case 'work':
        problem = workProblem(value);
        break;
      default:
        problem = commonProblem(key, value);
    }
    if (problem !== null) return problem;
  }
  if (fields['depth'] === undefined) return wrong('depth', undefined, GAUGE);
  return requiredProblem(fields, QUEUE_SOURCE_PREFIXES);
}

/** Fields of both kinds, and unknown ones, which are ignored once they are known to be harmless. */
function commonProblem(key: string, value: unknown): string | null {
  switch (key) {
    case 'schema':
      return null;
    case 'workload':
      return isWorkload(value) ? null : wrong(key, value, 'lower-case letters, digits, "-" and ".", at most 253');
    case 'source':
      return isName(value) ? null : wrong(key, value, `1 to ${NAME_LENGTH_MAX} printable characters`);
    case 'intervalStartMs':
    case 'intervalEndMs':
      return isEpochMs(value) ? null : wrong(key, value, EPOCH);
    default:
      return unknownFieldProblem(key, value);
  }
}

function requiredProblem(fields: Fields, prefixes: readonly string[]): string | null {
  if (fields['workload'] === undefined) return wrong('workload', undefined, 'the id of a workload');
  if (fields['intervalStartMs'] === undefined) return wrong('intervalStartMs', undefined, EPOCH);
  if (fields['intervalEndMs'] === undefined) return wrong('intervalEndMs', undefined, EPOCH);
  const source = fields['source'];
  if (typeof source === 'string') {
    for (const prefix of prefixes) if (source.startsWith(prefix)) return null;
  }
  return wrong('source', source, prefixes.map((prefix) => `${prefix}NAME`).join(' or '));
}

/** Both bounds are known to be epoch milliseconds here. */
function intervalProblem(fields: Fields): string | null {
  const lengthMs = Number(fields['intervalEndMs']) - Number(fields['intervalStartMs']);
  if (lengthMs >= INTERVAL_MS_MIN && lengthMs <= INTERVAL_MS_MAX) return null;
  return `the interval lasts ${lengthMs} ms, expected ${INTERVAL_MS_MIN} to ${INTERVAL_MS_MAX}`;
}

function groupProblem(group: 'requests' | 'tokens' | 'utilization', value: unknown): string | null {
  if (!isFields(value)) return wrong(group, value, 'an object');
  for (const key in value) {
    const member = value[key];
    if (!isMember(group, key)) {
      const problem = unknownFieldProblem(key, member);
      if (problem !== null) return problem;
    } else if (group === 'utilization') {
      if (!isRatio(member)) return wrong(`${group}.${key}`, member, RATIO);
    } else if (!isCount(member)) return wrong(`${group}.${key}`, member, COUNT);
  }
  return null;
}

function groupMeasures(group: 'requests' | 'tokens' | 'utilization', value: Fields): boolean {
  for (const key in value) if (isMember(group, key)) return true;
  return false;
}

function isMember(group: 'requests' | 'tokens' | 'utilization', key: string): boolean {
  if (group === 'requests') return key === 'arrived' || key === 'completed' || key === 'failed' || key === 'cancelled';
  if (group === 'tokens') return key === 'input' || key === 'output';
  return key === 'gpuRatio' || key === 'kvCacheRatio';
}

function workProblem(value: unknown): string | null {
  if (!isFields(value)) return wrong('work', value, 'an object');
  for (const key in value) {
    const member = value[key];
    if (key === 'queued' || key === 'enqueued') {
      if (!isGauge(member)) return wrong(`work.${key}`, member, GAUGE);
    } else if (key !== 'unit') {
      const problem = unknownFieldProblem(key, member);
      if (problem !== null) return problem;
    }
  }
  const unit = value['unit'];
  if (unit !== 'tokens' && unit !== 'gpuSeconds' && unit !== 'items') {
    return wrong('work.unit', unit, '"tokens", "gpuSeconds" or "items"');
  }
  return value['queued'] === undefined ? wrong('work.queued', undefined, GAUGE) : null;
}

function histogramProblem(value: unknown): string | null {
  if (!isFields(value)) return wrong('ttftMs', value, 'an object');
  for (const key in value) {
    if (key === 'bounds' || key === 'counts') continue;
    const problem = unknownFieldProblem(key, value[key]);
    if (problem !== null) return problem;
  }
  const { bounds, counts } = value;
  if (!Array.isArray(bounds) || bounds.length < 1 || bounds.length > HISTOGRAM_BOUNDS_MAX) {
    return wrong('ttftMs.bounds', bounds, `an array of 1 to ${HISTOGRAM_BOUNDS_MAX}`);
  }
  if (!Array.isArray(counts) || counts.length !== bounds.length + 1) {
    return wrong('ttftMs.counts', counts, `an array of ${bounds.length + 1}, one more than bounds`);
  }
  let previous = -1;
  for (const bound of bounds as readonly unknown[]) {
    if (!isGauge(bound) || bound <= previous) return wrong('ttftMs.bounds', bound, `${GAUGE}, ascending`);
    previous = bound;
  }
  for (const count of counts as readonly unknown[]) {
    if (!isCount(count)) return wrong('ttftMs.counts', count, COUNT);
  }
  return null;
}

/** Why an unknown field must not pass: a prototype key, or nesting beyond {@link DEPTH_MAX}. */
export function unknownFieldProblem(key: string, value: unknown): string | null {
  if (key === '__proto__') return 'a field is named "__proto__", expected none of that name';
  if (typeof value !== 'object' || value === null) return null;
  let level: unknown[] = [value];
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > DEPTH_MAX) return `field ${show(key)} is nested deeper than ${DEPTH_MAX} levels, expected at most that`;
    const next: unknown[] = [];
    for (const item of level) {
      if (Object.hasOwn(item as object, '__proto__')) return unknownFieldProblem('__proto__', null);
      for (const member of Object.values(item as object)) {
        if (typeof member === 'object' && member !== null) next.push(member);
      }
    }
    level = next;
  }
  return null;
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isGauge(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= VALUE_MAX;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= VALUE_MAX && Math.floor(value) === value;
}

function isRatio(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= 1;
}

function isEpochMs(value: unknown): value is number {
  return typeof value === 'number' && value >= EPOCH_MS_MIN && value <= EPOCH_MS_MAX && Math.floor(value) === value;
}

/** 1 to 256 characters, none of U+0000–U+001F and U+007F–U+009F. */
function isName(value: unknown): value is string {
  if (typeof value !== 'string' || value.length === 0 || value.length > NAME_LENGTH_MAX) return false;
  for (let at = 0; at < value.length; at++) {
    const code = value.charCodeAt(at);
    if (code < 0x20 || (code >= 0x7f && code <= 0x9f)) return false;
  }
  return true;
}

/** An RFC 1123 subdomain as `workloadSchema` says it. */
function isWorkload(value: unknown): value is string {
  if (typeof value !== 'string' || value.length === 0 || value.length > WORKLOAD_LENGTH_MAX) return false;
  const last = value.length - 1;
  for (let at = 0; at <= last; at++) {
    const code = value.charCodeAt(at);
    const isAlphanumeric = (code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39);
    if (isAlphanumeric) continue;
    if (at === 0 || at === last || (code !== 0x2d && code !== 0x2e)) return false;
  }
  return true;
}

function wrong(name: string, value: unknown, expected: string): string {
  return `${name} is ${show(value)}, expected ${expected}`;
}
