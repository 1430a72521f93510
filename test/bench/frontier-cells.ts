/** Texts of the cells of the frontier's tables. */
import { standingOf } from './frontier-compare.ts';
import type { Comparison, Field } from './frontier-compare.ts';
import { missShareOf, missesNone } from './frontier-curve.ts';
import type { Measured } from './frontier-curve.ts';
import type { Point } from './frontier-results.ts';

/** No setting gets there. */
const NEVER = 'never';

/** GPU-hours at equal misses; `goal` decides whether the optimum's part is shown. */
export function hoursText({ hours, safest, boundRatio }: Comparison, goal: number | undefined): string {
  const bound = boundRatio !== null && goal !== undefined && boundRatio > goal ? ` (${boundRatio.toFixed(2)})` : '';
  if (hours.kind === 'beyond') {
    const nearest = safest === null ? '' : `, ${safest.ratio.toFixed(2)} at ${shareText(safest.at)} %`;
    return `${NEVER}${nearest}${bound}`;
  }
  const value = hours.value.toFixed(2);
  if (hours.kind === 'between') return `${value}${bound}`;
  return hours.value <= 1 ? `≤ ${value}${bound}` : 'beyond';
}

/** Misses at equal GPU-hours. */
export function missesText({ misses }: Comparison): string {
  if (misses.kind !== 'between' && misses.kind !== 'atMost') return misses.kind;
  const text = figureText(misses.value);
  return misses.kind === 'atMost' && !text.startsWith('<') ? `≤ ${text}` : text;
}

/** What counts towards the worst, or why nothing does. */
export function hoursFigure({ hours }: Comparison): number | string {
  if (hours.kind === 'beyond') return NEVER;
  return hours.kind === 'atMost' && hours.value > 1 ? 'beyond' : hours.value;
}

/** As {@link hoursFigure}, of the misses. */
export function missesFigure({ misses }: Comparison): number | string {
  if (misses.kind === 'between' || misses.kind === 'atMost') return misses.value;
  if (misses.kind === 'none') return 0;
  return misses.kind === 'more' ? Infinity : misses.kind;
}

/** The worst of the figures, and on how many traces there is none, and why. */
export function worstText(figures: readonly (number | string)[]): string {
  const found = figures.filter((figure) => typeof figure === 'number');
  const reasons = [...new Set(figures.filter((figure) => typeof figure === 'string'))];
  return [
    ...(found.length === 0 ? [] : [figureText(Math.max(...found))]),
    ...reasons.map((reason) => `${reason} on ${figures.filter((figure) => figure === reason).length}`),
  ].join(', ');
}

/** A ratio of misses: infinite where only Penstock misses any. */
export function figureText(value: number | undefined): string {
  if (value === undefined) return '–';
  if (!Number.isFinite(value)) return 'more';
  if (value >= 100) return '> 100';
  return value < 0.01 && value > 0 ? '< 0.01' : value.toFixed(2);
}

/** Where Penstock stands beside a peer's frontier. */
export function standingText(field: Field, peer: readonly Point[]): string {
  const { worst, goesOn } = standingOf(field, peer);
  const more = goesOn ? ' …' : '';
  if (worst === null) return goesOn ? '…' : '–';
  const text = `${worst.isLeast ? '≥ ' : ''}${worst.ratio.toFixed(2)} at ${shareText(worst.at)}`;
  return `${worst.ratio > 1 ? `**${text}**` : text}${more}`;
}

/** Requests missed [%], three significant digits. */
export function shareText(point: Measured): string {
  if (missesNone(point)) return '0';
  const percent = missShareOf(point) * 100;
  return percent >= 1 ? percent.toFixed(1) : String(Number(percent.toPrecision(2)));
}
