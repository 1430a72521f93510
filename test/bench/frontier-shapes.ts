/** Pieces of an SVG picture: marks, words and places. */
import type { Marker } from '../../lib/simulator/report/page/looks.ts';

/** A policy's mark; `size` is half of it. */
export function mark(
  marker: Marker,
  { x, y, size }: { readonly x: number; readonly y: number; readonly size: number },
): string {
  const isBare = marker === 'plus' || marker === 'cross';
  return `<path class="${isBare ? 'bare' : 'mark'}" d="${outlineOf(marker, size)}" transform="translate(${at(x)} ${at(y)})"/>`;
}

function outlineOf(marker: Marker, size: number): string {
  const [r, s, half] = [at(size), at(size * 0.85), at(size / 2)];
  const round = `M-${r} 0a${r} ${r} 0 1 0 ${at(2 * size)} 0a${r} ${r} 0 1 0-${at(2 * size)} 0Z`;
  const outlines: Readonly<Record<Marker, string>> = {
    circle: round,
    star: round,
    square: `M-${s}-${s}H${s}V${s}H-${s}Z`,
    triangle: `M0-${r}L${r} ${r}H-${r}Z`,
    wedge: `M0 ${r}L${r}-${r}H-${r}Z`,
    diamond: `M0-${r}L${r} 0L0 ${r}L-${r} 0Z`,
    hexagon: `M-${r} 0L-${half}-${s}H${half}L${r} 0L${half} ${s}H-${half}Z`,
    plus: `M-${r} 0H${r}M0-${r}V${r}`,
    cross: `M-${s}-${s}L${s} ${s}M-${s} ${s}L${s}-${s}`,
  };
  return outlines[marker];
}

/** Words at a place. */
export function text(
  words: string,
  of: {
    readonly x: number;
    readonly y: number;
    readonly kind?: string;
    readonly anchor?: 'middle' | 'end';
  },
): string {
  const anchor = of.anchor === undefined ? '' : ` text-anchor="${of.anchor}"`;
  const kind = of.kind === undefined ? '' : ` class="${of.kind}"`;
  return `<text${kind}${anchor} x="${at(of.x)}" y="${at(of.y)}">${words}</text>`;
}

/** A place, to a tenth of a pixel. */
export function at(value: number): string {
  return String(Math.round(value * 10) / 10);
}
