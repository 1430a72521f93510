/** Readings, figures and times as the counterfactuals say them. */
import type { SignalName } from '../types.ts';
import { duration, figure } from '../format.ts';

const NOUNS: Readonly<Record<SignalName, string>> = {
  inFlight: 'requests in flight',
  queued: 'requests waiting',
  requestRate: 'requests/s',
  surgeRate: 'requests/s in the last seconds',
  completionRate: 'completions/s',
  lateRatio: 'of first tokens late',
  inputTokenRate: 'input tokens/s',
  outputTokenRate: 'output tokens/s',
  queueDepth: 'messages waiting',
  queueWork: 'units of work waiting',
  queueAge: 's of age of the oldest message',
  gpuRatio: 'GPU use',
  kvCacheRatio: 'KV-cache use',
};

/** `47.2 requests/s`, `92 % GPU use`: rounded up or down to three digits, so that the sentence stays true. */
export function amount(name: SignalName, value: number, direction: 'up' | 'down' | 'nearest' = 'nearest'): string {
  if (!name.endsWith('Ratio')) return `${figure(rounded(value, direction))} ${NOUNS[name]}`;
  return `${figure(rounded(value * 100, direction))} % ${NOUNS[name]}`;
}

/** The value that {@link amount} shows. */
export function shown(name: SignalName, value: number, direction: 'up' | 'down'): number {
  return name.endsWith('Ratio') ? rounded(value * 100, direction) / 100 : rounded(value, direction);
}

/** The number alone, for `(now 41)`. */
export function bare(name: SignalName, value: number): string {
  return name.endsWith('Ratio') ? `${figure(value * 100)} %` : figure(value);
}

/** Thresholds are found to a share of the third digit: what is a whole number but for that stays one. */
const NEAR = 0.02;

function rounded(value: number, direction: 'up' | 'down' | 'nearest'): number {
  if (direction === 'nearest' || value === 0) return value;
  const digits = 10 ** Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  const near = value * digits;
  return (direction === 'up' ? Math.ceil(near - NEAR) : Math.floor(near + NEAR)) / digits;
}

/** `14:05:30` UTC of an instant; beyond a day `in 26 h`. */
export function clockTime(atMs: number, nowMs: number): string {
  if (atMs - nowMs >= DAY_MS) return `in ${duration(atMs - nowMs)}`;
  const sec = Math.floor(atMs / 1000) % (DAY_MS / 1000);
  return [sec / 3600, (sec / 60) % 60, sec % 60].map((part) => String(Math.floor(part)).padStart(2, '0')).join(':');
}

const DAY_MS = 86_400_000;
