/** A picture of one trace: misses against GPU-hours, a panel for each lead time, a line for each policy's frontier. One file that follows the reader's light or dark theme. */
import { DARK, LIGHT } from '../../lib/simulator/report/page/style.ts';
import { looksOf } from '../../lib/simulator/report/page/looks.ts';
import type { Look } from '../../lib/simulator/report/page/looks.ts';
import { fieldsOf } from './frontier-compare.ts';
import type { Field } from './frontier-compare.ts';
import { frontierOf, missShareOf, missesNone } from './frontier-curve.ts';
import type { Point } from './frontier-results.ts';
import { PEERS } from './frontier-settings.ts';
import { at, mark, text } from './frontier-shapes.ts';

const WIDTH = 960;
const LEFT = 62;
const RIGHT = 12;
const GAP = 16;
const TOP = 48;
const HEIGHT = 260;
/** A lane of its own for what misses nothing: its logarithm does not exist. Each policy has a row in it, in the order of the legend, because many meet there. */
const LANE = 84;
const LANE_GAP = 4;
const LEGEND_TOP = TOP + HEIGHT + LANE_GAP + LANE + 64;
const LEGEND_COLUMNS = 5;
const LEGEND_ROW = 20;
/** Multiples of the optimum that are named on the axis. */
const HOUR_TICKS = [0.25, 0.5, 0.7, 1, 1.5, 2, 3, 4, 6, 8, 12, 20];
/** Nobody reads a difference below one in a million. */
const SHARE_MIN = 1e-6;
/** The scale goes at least down to here. */
const SHARE_LOWEST_TICK = 1e-3;

type Ranges = { readonly from: number; readonly to: number; readonly lowestPower: number };
/** Where a panel is, and how its figures become places. */
type Panel = {
  readonly left: number;
  readonly right: number;
  readonly isFirst: boolean;
  readonly ranges: Ranges;
  readonly xOf: (ratio: number) => number;
  readonly yOf: (share: number) => number;
};

/** An SVG document; the points are those of the trace. */
export function pictureOf(trace: string, points: readonly Point[]): string {
  const fields = fieldsOf(points);
  const names = ['penstock', ...PEERS.filter((name) => fields.some(({ peers }) => peers.has(name)))];
  const looks = looksOf(names);
  const ranges = rangesOf(fields);
  const height = LEGEND_TOP + Math.ceil((names.length + 1) / LEGEND_COLUMNS) * LEGEND_ROW;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Misses against GPU-hours on ${trace}">`,
    `<style>${styleOf()}</style>`,
    `<rect class="ground" width="${WIDTH}" height="${height}" rx="8"/>`,
    ...fields.flatMap((field, index) =>
      panelOf(field, { panel: placeOf(ranges, { index, of: fields.length }), looks }),
    ),
    text('requests missed', { x: 10, y: 20, kind: 'strong' }),
    text('GPU-hours ÷ optimum', { x: WIDTH - RIGHT, y: LEGEND_TOP - 22, kind: 'strong', anchor: 'end' }),
    ...legend(looks),
    '</svg>',
    '',
  ].join('\n');
}

function styleOf(): string {
  const colors = [0, 1, 2, 3, 4, 5, 6].map((color) => `.c${color}{--c:var(--s${color})}`).join('');
  return `:root{${LIGHT}}@media (prefers-color-scheme:dark){:root{${DARK}}}text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;fill:var(--muted)}.strong{fill:var(--ink);font-weight:600}.ground{fill:var(--bg)}.lane{fill:var(--panel)}.grid{stroke:var(--rule)}.bound{stroke:var(--ink);stroke-dasharray:2 3}.line{fill:none;stroke:var(--c);stroke-width:1.5;stroke-linejoin:round}.own{stroke-width:3.5}.mark{fill:var(--c);stroke:var(--bg);stroke-width:.75}.bare,.ring{fill:none;stroke:var(--c);stroke-width:1.5}${colors}`;
}

/** One range for all panels, so that they can be compared: of Penstock and of what is recommended. What peers take beyond it is cut off. */
function rangesOf(fields: readonly Field[]): Ranges {
  const points = fields.flatMap(({ penstock, peers, optimumHours }) =>
    [...penstock, ...[...peers.values()].flat()]
      .filter(({ policy, setting }) => policy === 'penstock' || setting === null)
      .map((point) => ({ point, ratio: point.gpuHours / optimumHours })),
  );
  const ratios = [1, ...points.map(({ ratio }) => ratio)];
  const shares = points.flatMap(({ point }) => (missesNone(point) ? [] : [missShareOf(point)]));
  const least = Math.max(SHARE_MIN, Math.min(SHARE_LOWEST_TICK, ...shares));
  return {
    from: Math.min(...ratios) * 0.92,
    to: Math.max(...ratios) * 1.08,
    lowestPower: Math.floor(Math.log10(least)),
  };
}

function placeOf(ranges: Ranges, { index, of }: { readonly index: number; readonly of: number }): Panel {
  const width = (WIDTH - LEFT - RIGHT - GAP * (of - 1)) / of;
  const left = LEFT + index * (width + GAP);
  const span = Math.log(ranges.to / ranges.from);
  return {
    left,
    right: left + width,
    isFirst: index === 0,
    ranges,
    xOf: (ratio) => left + (Math.log(ratio / ranges.from) / span) * width,
    yOf: (share) => TOP + (Math.log10(Math.max(SHARE_MIN, share)) / ranges.lowestPower) * HEIGHT,
  };
}

function panelOf(
  field: Field,
  { panel, looks }: { readonly panel: Panel; readonly looks: ReadonlyMap<string, Look> },
): string[] {
  // Penstock last: on top.
  const drawn = [...field.peers, ['penstock', field.penstock] as const];
  const clip = `panel-${panel.left.toFixed(0)}`;
  return [
    ...axes(panel),
    `<clipPath id="${clip}"><rect x="${at(panel.left)}" y="${TOP - 10}" width="${at(panel.right - panel.left)}" height="${HEIGHT + LANE_GAP + LANE + 16}"/></clipPath>`,
    text(`lead time ${field.leadTimeSec} s`, {
      x: (panel.left + panel.right) / 2,
      y: TOP - 14,
      kind: 'strong',
      anchor: 'middle',
    }),
    `<g clip-path="url(#${clip})">`,
    ...drawn.flatMap(([name, points]) => {
      const look = looks.get(name);
      if (look === undefined) return [];
      const row = ([...looks.keys()].indexOf(name) + 0.5) / looks.size;
      return policyIn(panel, { name, points, look, optimumHours: field.optimumHours, row });
    }),
    '</g>',
  ];
}

function axes({ left, right, isFirst, ranges, xOf, yOf }: Panel): string[] {
  const floor = TOP + HEIGHT;
  const powers = Array.from({ length: 1 - ranges.lowestPower }, (_, index) => -index);
  const ticks = HOUR_TICKS.filter((ratio) => ratio >= ranges.from && ratio <= ranges.to);
  return [
    `<rect class="lane" x="${at(left)}" y="${floor + LANE_GAP}" width="${at(right - left)}" height="${LANE}"/>`,
    ...powers.flatMap((power) => [
      `<path class="grid" d="M${at(left)} ${at(yOf(10 ** power))}H${at(right)}"/>`,
      ...(isFirst ? [text(percentOf(power), { x: left - 7, y: yOf(10 ** power) + 4, anchor: 'end' })] : []),
    ]),
    ...(isFirst ? [text('none', { x: left - 7, y: floor + LANE_GAP + LANE / 2 + 4, anchor: 'end' })] : []),
    ...ticks.flatMap((ratio) => [
      `<path class="${ratio === 1 ? 'bound' : 'grid'}" d="M${at(xOf(ratio))} ${TOP}V${floor + LANE_GAP + LANE}"/>`,
      text(String(ratio), { x: xOf(ratio), y: floor + LANE_GAP + LANE + 16, anchor: 'middle' }),
    ]),
  ];
}

/** All points, a line through those that no other one beats, and a ring around the recommended one. */
function policyIn(
  { xOf, yOf }: Panel,
  of: {
    readonly name: string;
    readonly points: readonly Point[];
    readonly look: Look;
    readonly optimumHours: number;
    /** Where in the lane, 0..1. */
    readonly row: number;
  },
): string[] {
  const { look, name } = of;
  const isOwn = name === 'penstock';
  const placeOfPoint = (point: Point): readonly [number, number] => [
    xOf(point.gpuHours / of.optimumHours),
    missesNone(point) ? TOP + HEIGHT + LANE_GAP + of.row * LANE : yOf(missShareOf(point)),
  ];
  const path = frontierOf(of.points).map((point, index) => {
    const [x, y] = placeOfPoint(point);
    return `${index === 0 ? 'M' : 'L'}${at(x)} ${at(y)}`;
  });
  const dash = look.dash === '' ? '' : ` stroke-dasharray="${look.dash}"`;
  return [
    `<g class="c${look.color}"><title>${name}</title>`,
    `<path class="line${isOwn ? ' own' : ''}"${dash} d="${path.join('')}"/>`,
    ...of.points.flatMap((point) => {
      const [x, y] = placeOfPoint(point);
      const ring = `<circle class="ring" cx="${at(x)}" cy="${at(y)}" r="${isOwn ? 9 : 7}"/>`;
      return [
        mark(look.marker, { x, y, size: isOwn ? 4.5 : point.grid === true ? 2 : 3 }),
        ...(point.setting === null ? [ring] : []),
      ];
    }),
    '</g>',
  ];
}

function legend(looks: ReadonlyMap<string, Look>): string[] {
  const step = (WIDTH - LEFT - RIGHT) / LEGEND_COLUMNS;
  const placeOfEntry = (index: number): readonly [number, number] => [
    LEFT + (index % LEGEND_COLUMNS) * step,
    LEGEND_TOP + Math.floor(index / LEGEND_COLUMNS) * LEGEND_ROW,
  ];
  const entries = [...looks].flatMap(([name, look], index) => {
    const [x, y] = placeOfEntry(index);
    const isOwn = name === 'penstock';
    const dash = look.dash === '' ? '' : ` stroke-dasharray="${look.dash}"`;
    return [
      `<g class="c${look.color}"><path class="line${isOwn ? ' own' : ''}"${dash} d="M${at(x)} ${at(y)}h34"/>${mark(look.marker, { x: x + 17, y, size: isOwn ? 4.5 : 3.5 })}</g>`,
      text(name, { x: x + 42, y: y + 4, ...(isOwn ? { kind: 'strong' } : {}) }),
    ];
  });
  const [x, y] = placeOfEntry(looks.size);
  return [
    ...entries,
    `<circle class="ring c0" cx="${at(x + 17)}" cy="${at(y)}" r="7"/>`,
    text('as recommended', { x: x + 42, y: y + 4 }),
  ];
}

function percentOf(power: number): string {
  return `${Number((100 * 10 ** power).toPrecision(1))} %`;
}
