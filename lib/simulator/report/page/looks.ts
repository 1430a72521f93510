/** How each policy is drawn: colour, dash and marker together, so that none has to be told by its colour. */
import { OPTIMUM, PENSTOCK, WINDOW_RULE, baseOf, byText, isYardstick } from '../policies.ts';

export type Look = {
  /** Index of the palette in `style.ts`: 0 ink, 1 Penstock's blue, 2..6 peers. */
  readonly color: number;
  /** Of an SVG line; empty: solid. */
  readonly dash: string;
  readonly marker: Marker;
  /** A variant of another policy (`hpa:tuned`): its colour and marker, but hollow. */
  readonly hollow: boolean;
};

export type Marker = 'circle' | 'star' | 'square' | 'triangle' | 'diamond' | 'wedge' | 'plus' | 'cross' | 'hexagon';

const PEER_MARKERS = ['square', 'triangle', 'diamond', 'wedge', 'plus', 'cross', 'hexagon'] as const satisfies Marker[];
const PEER_DASHES = ['8 3', '10 3 2 3', '4 3', '12 3 4 3', '6 2 2 2 2 2'];
const VARIANT_DASHES = ['3 2', '1.5 2', '5 2 1 2'];
const PEER_COLORS = 5;

/** Well-known peers keep their looks from report to report. */
const KNOWN = ['hpa', 'keda', 'knative', 'aibrix', 'wva', 'dynamo', 'ray', 'static', 'keda-prometheus'];

/** A look for each name; up to 35 peers differ in colour or marker. */
export function looksOf(names: readonly string[]): ReadonlyMap<string, Look> {
  const bases = [...new Set(names.map(baseOf))].filter((base) => base !== PENSTOCK && !isYardstick(base));
  const others = bases.filter((base) => !KNOWN.includes(base)).toSorted(byText);
  const peers = [...KNOWN, ...others];
  const own = names.filter((name) => baseOf(name) === PENSTOCK && name !== PENSTOCK).toSorted(byText);
  return new Map(
    names.map((name) => [name, lookOf(name, { peer: peers.indexOf(baseOf(name)), variant: own.indexOf(name) })]),
  );
}

function lookOf(name: string, { peer, variant }: { readonly peer: number; readonly variant: number }): Look {
  const hollow = name !== baseOf(name);
  const base = baseOf(name);
  if (base === OPTIMUM) return { color: 0, dash: '2 3', marker: 'star', hollow };
  if (base === WINDOW_RULE) return { color: 0, dash: '1 3', marker: 'star', hollow: true };
  if (base === PENSTOCK) return { color: 1, dash: hollow ? variantDash(variant) : '', marker: 'circle', hollow };
  const round = Math.floor(peer / PEER_COLORS);
  return {
    color: 2 + (peer % PEER_COLORS),
    dash: hollow ? variantDash(round) : (PEER_DASHES[(peer + round) % PEER_DASHES.length] ?? ''),
    marker: PEER_MARKERS[peer % PEER_MARKERS.length] ?? 'square',
    hollow,
  };
}

function variantDash(round: number): string {
  return VARIANT_DASHES[round % VARIANT_DASHES.length] ?? '';
}
