/** Numbers as people read them: the same bytes on every machine, whatever its locale. */

/** Shown where there is no number. */
const NONE = '–';

const SEC_PER_MIN = 60;
const SEC_PER_HOUR = 3600;
const SEC_PER_DAY = 86_400;

/** `1,234.50`: rounded to `decimals` places, thousands apart. NaN is a dash, infinity is ∞. */
export function decimal(value: number, decimals: number): string {
  if (Number.isNaN(value)) return NONE;
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞';
  const [whole = '', fraction] = Math.abs(value).toFixed(decimals).split('.');
  const digits = whole.replaceAll(/\B(?=(\d{3})+$)/g, ',');
  const sign = value < 0 && Number(value.toFixed(decimals)) !== 0 ? '−' : '';
  return fraction === undefined ? `${sign}${digits}` : `${sign}${digits}.${fraction}`;
}

/** Whole number with thousands apart. */
export function count(value: number): string {
  return decimal(value, 0);
}

/** Requests of a fluid come in fractions: what is less than half a request, but not nothing, is `<1`. */
export function requestCountText(requests: number): string {
  return requests > 0 && requests < 0.5 ? '<1' : count(requests);
}

/** Decimals with which the largest of a column has about four digits, 0..3: one number for the whole column keeps the points aligned. */
export function decimalsFor(values: readonly number[]): number {
  const largest = values.reduce((max, value) => (Number.isFinite(value) ? Math.max(max, Math.abs(value)) : max), 0);
  if (largest >= 1000) return 0;
  if (largest >= 100) return 1;
  return largest >= 10 ? 2 : 3;
}

/** A ratio 0..1 in percent with three decimals, rounded down: 100 is said only where nothing is missing. */
export function percentDown(ratio: number): string {
  // 0.29 × 1e5 is 28999.999999999996: what is lost to binary fractions is given back before rounding down.
  return decimal(Math.floor(ratio * 1e5 + 1e-6) / 1000, 3);
}

/** `12`, `1.3`: a difference in percent; one decimal below ten. */
export function percentAbout(ratio: number): string {
  const percent = Math.abs(ratio) * 100;
  return percent < 9.95 ? percent.toFixed(1).replace(/\.0$/, '') : count(percent);
}

/** `7 d`, `1 d 6 h`, `1 h 30 min`, `45 s`: the two largest parts. */
export function duration(sec: number): string {
  if (!Number.isFinite(sec)) return NONE;
  const parts: readonly (readonly [number, string])[] = [
    [Math.floor(sec / SEC_PER_DAY), 'd'],
    [Math.floor((sec % SEC_PER_DAY) / SEC_PER_HOUR), 'h'],
    [Math.floor((sec % SEC_PER_HOUR) / SEC_PER_MIN), 'min'],
    [Math.round(sec % SEC_PER_MIN), 's'],
  ];
  const first = parts.findIndex(([amount]) => amount > 0);
  if (first === -1) return '0 s';
  return parts
    .slice(first, first + 2)
    .filter(([amount]) => amount > 0)
    .map(([amount, unit]) => `${amount} ${unit}`)
    .join(' ');
}
