/** Numbers and durations as the trail, alerts and errors write them. */

/** Three significant digits below 1,000, whole numbers above: 6.4, 0.0123, 24210. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return 'unknown';
  const size = Math.abs(value);
  if (size >= 1000) return String(Math.round(value));
  if (size < 1) return value >= SMALL_MIN ? smallFigure(value) : String(Number(value.toPrecision(3)));
  const scale = size < 10 ? 100 : size < 100 ? 10 : 1;
  const digits = Math.round(value * scale);
  return TEXTS[scale][digits] ?? String(digits / scale);
}

/** Texts of 0 to 1,000 parts of `scale`: a decision writes a dozen figures, and making the text of a fraction takes as long as deciding something. */
const textsOf = (scale: number): readonly string[] =>
  Array.from({ length: 1001 }, (_, digits) => String(digits / scale));
const TEXTS = { 1: textsOf(1), 10: textsOf(10), 100: textsOf(100), 1_000: textsOf(1_000), 10_000: textsOf(10_000) };

const SMALL_MIN = 0.01;

/** From {@link SMALL_MIN} to 1. Halfway between two figures the exact value decides, which a product does not tell. */
function smallFigure(value: number): string {
  const scale = value < 0.1 ? 10_000 : 1_000;
  const digits = value * scale;
  const isHalfway = Math.abs(digits - Math.floor(digits) - 0.5) < 1e-6;
  return (isHalfway ? undefined : TEXTS[scale][Math.round(digits)]) ?? String(Number(value.toPrecision(3)));
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
