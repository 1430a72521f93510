/** Draws a day of a replay: ready replicas of Penstock and of an HPA over what was needed. One file that follows the reader's light or dark theme. */
import { DARK, LIGHT } from '../../lib/simulator/report/page/style.ts';
import type { ReplaySeries } from '../../lib/simulator/report/types.ts';

const WIDTH = 880;
const HEIGHT = 330;
const PLOT = { left: 44, right: 868, top: 64, bottom: 292 } as const;
const HOURS = 24;

type Scale = { readonly x: (hour: number) => number; readonly y: (replicas: number) => number };
type Notes = { readonly needed: number; readonly penstock: number; readonly hpa: number };

/** An SVG document. `notes`: GPU-hours of each. */
export function drawDay({ series, notes }: { readonly series: ReplaySeries; readonly notes: Notes }): string {
  const { penstock, hpa } = series.policies;
  const lines = [penstock?.ready ?? [], hpa?.ready ?? []];
  const top = Math.ceil(Math.max(...lines.flat()) / 5) * 5;
  const scale: Scale = {
    x: (hour) => PLOT.left + (hour / HOURS) * (PLOT.right - PLOT.left),
    y: (replicas) => PLOT.bottom - (replicas / top) * (PLOT.bottom - PLOT.top),
  };
  const label = `Ready GPU replicas over a day: Penstock ${whole(notes.penstock)} GPU-hours, HPA ${whole(notes.hpa)}, needed ${whole(notes.needed)}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${label}">`,
    `<style>:root{${LIGHT}}@media (prefers-color-scheme:dark){:root{${DARK}}}${STYLE}</style>`,
    `<rect class="ground" width="${WIDTH}" height="${HEIGHT}" rx="8"/>`,
    ...legend(notes),
    ...axes(scale, top),
    `<path class="need" d="${areaOf(series.load, { series, scale })}"/>`,
    `<path class="hpa" d="${stepsOf(hpa?.ready ?? [], { series, scale })}"/>`,
    `<path class="own" d="${stepsOf(penstock?.ready ?? [], { series, scale })}"/>`,
    '</svg>',
    '',
  ].join('\n');
}

const STYLE =
  'text{font:13px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;fill:var(--muted)}.strong{fill:var(--ink);font-weight:600}.ground{fill:var(--bg)}.grid{stroke:var(--rule)}.need{fill:var(--muted);opacity:.35}.own,.hpa{fill:none;stroke-linejoin:round}.own{stroke:var(--s1);stroke-width:2.5}.hpa{stroke:var(--s2);stroke-width:1.75}';

function legend(notes: Notes): string[] {
  return [
    `<text class="strong" x="12" y="24">GPU replicas over a day</text>`,
    `<path class="own" d="M12 43h26"/><text class="strong" x="44" y="48">Penstock ${hoursOf(notes.penstock)}</text>`,
    `<path class="hpa" d="M240 43h26"/><text x="272" y="48">HPA ${hoursOf(notes.hpa)}</text>`,
    `<rect class="need" x="428" y="36" width="26" height="14"/><text x="460" y="48">work offered; with hindsight ${hoursOf(notes.needed)} would do</text>`,
  ];
}

function axes({ x, y }: Scale, top: number): string[] {
  const rows = Array.from({ length: top / 5 + 1 }, (_, index) => index * 5);
  const hours = [0, 3, 6, 9, 12, 15, 18, 21, 24];
  return [
    ...rows.map(
      (count) =>
        `<path class="grid" d="M${PLOT.left} ${one(y(count))}H${PLOT.right}"/><text x="${PLOT.left - 8}" y="${one(y(count) + 4)}" text-anchor="end">${count}</text>`,
    ),
    ...hours.map(
      (hour) =>
        `<text x="${one(x(hour))}" y="${PLOT.bottom + 22}" text-anchor="${hour === 24 ? 'end' : 'middle'}">${String(hour).padStart(2, '0')}:00</text>`,
    ),
  ];
}

type Drawn = { readonly series: ReplaySeries; readonly scale: Scale };

/** A point whenever the count changes. */
function stepsOf(values: readonly number[], { series, scale }: Drawn): string {
  const parts: string[] = [];
  for (const [index, value] of values.entries()) {
    if (index > 0 && value === values[index - 1]) continue;
    const x = one(scale.x(hourOf(index, series)));
    parts.push(index === 0 ? `M${x} ${one(scale.y(value))}` : `H${x}V${one(scale.y(value))}`);
  }
  return `${parts.join('')}H${PLOT.right}`;
}

/** Means of ten minutes: what is left of the noise of a minute would be thinner than a pixel. */
function areaOf(values: readonly number[], { series, scale }: Drawn): string {
  const each = Math.max(1, Math.round(600 / series.stepSec));
  const points: string[] = [];
  for (let start = 0; start < values.length; start += each) {
    const part = values.slice(start, start + each);
    const mean = part.reduce((sum, value) => sum + value, 0) / part.length;
    points.push(`${one(scale.x(hourOf(start + part.length / 2, series)))} ${one(scale.y(mean))}`);
  }
  return `M${PLOT.left} ${PLOT.bottom}L${points.join('L')}L${PLOT.right} ${PLOT.bottom}Z`;
}

function hourOf(index: number, { stepSec }: ReplaySeries): number {
  return (index * stepSec) / 3_600;
}

function one(value: number): string {
  return value.toFixed(1);
}

function hoursOf(gpuHours: number): string {
  return `${whole(gpuHours)} GPU-hours`;
}

function whole(value: number): string {
  return value.toFixed(0);
}
