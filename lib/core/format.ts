/** Numbers and durations as the trail, alerts and errors write them. */

/** Three significant digits below 1,000, whole numbers above: 6.4, 0.0123, 24210. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return 'unknown';
  const size = Math.abs(value);
  if (size >= 1000) return String(Math.round(value));
  // A decision writes a dozen figures, nearly all of them from one on: toPrecision takes several times as long.
  if (size < 1) return String(Number(value.toPrecision(3)));
  const scale = size < 10 ? 100 : size < 100 ? 10 : 1;
  return String(Math.round(value * scale) / scale);
}

/** `1 replica`, `6.4 replicas`: the plural of regular nouns. */
export function count(value: number, noun: string): string {
  return `${figure(value)} ${noun}${value === 1 ? '' : 's'}`;
}

/** `0.9 s`, `45 s`, `12 min`, `3.5 h` of milliseconds. */
export function duration(ms: number): string {
  const sec = ms / 1000;
  if (sec < 10) return `${figure(Math.round(sec * 10) / 10)} s`;
  if (sec < 300) return `${Math.round(sec)} s`;
  if (sec < 7200) return `${Math.round(sec / 60)} min`;
  return `${figure(Math.round(sec / 360) / 10)} h`;
}

/** `60 %` of a ratio 0..1, rounded down so that 0.999 does not look complete. */
export function percent(ratio: number): string {
  return `${Math.floor(ratio * 100 + 1e-9)} %`;
}

/** `a`, `a and b`, `a, b and c`. */
export function listed(items: readonly string[]): string {
  if (items.length < 2) return items.join('');
  return `${items.slice(0, -1).join(', ')} and ${items.at(-1) ?? ''}`;
}
