/** Series of a replay, thinned out for plots. */
import type { ReplaySeries } from '../report/types.ts';
import { scoredFromTick } from './ground.ts';
import type { Prepared } from './prepare.ts';

/** One value per tick. */
export type PolicySeries = { readonly ready: Float64Array; readonly misses: Float64Array };

/** More points than any screen has columns. */
const POINTS_MAX = 2_000;

export function seriesOf(prepared: Prepared, policies: Readonly<Record<string, PolicySeries>>): ReplaySeries {
  const { ticks } = prepared;
  const from = scoredFromTick(prepared);
  const step = Math.max(1, Math.ceil((ticks.count - from) / POINTS_MAX));
  const tickSec = ticks.tickMs / 1000;
  const thin = (column: Float64Array, how: 'mean' | 'sum'): number[] => {
    const values: number[] = [];
    for (let start = from; start < ticks.count; start += step) {
      const part = column.subarray(start, Math.min(ticks.count, start + step));
      const sum = part.reduce((total, value) => total + value, 0);
      values.push(rounded(how === 'sum' ? sum : sum / part.length));
    }
    return values;
  };
  return {
    fromSec: from * tickSec,
    stepSec: step * tickSec,
    load: thin(
      ticks.workReplicaSec.map((work) => work / tickSec),
      'mean',
    ),
    policies: Object.fromEntries(
      Object.entries(policies).map(([name, { ready, misses }]) => [
        name,
        { ready: thin(ready, 'mean'), misses: thin(misses, 'sum') },
      ]),
    ),
  };
}

/** Three decimals: what a plot can show. */
function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
