/** From one exposition to the measures of a mapping, as cumulative values and levels: what two scrapes are compared by. */
import type { Exposition, Sample } from './exposition.ts';
import { COUNTERS, GAUGES, RATIOS } from './mapping.ts';
import type { CounterName, GaugeName, Mapping, RatioName, Selector } from './mapping.ts';

/** What one scrape said. A measure that the server does not have is absent. */
export type Reading = {
  readonly atMs: number;
  /** No line was malformed: a series that is absent did not exist. */
  readonly isComplete: boolean;
  /** Start of the server process [epoch s], where it tells. */
  readonly startSec: number | undefined;
  /** Sums over series. */
  readonly gauges: Readonly<Partial<Record<GaugeName, number>>>;
  /** Means over series, 0..1. */
  readonly ratios: Readonly<Partial<Record<RatioName, number>>>;
  /** By series, whole numbers. */
  readonly counters: Readonly<Partial<Record<CounterName, ReadonlyMap<string, number>>>>;
  /** By series without `le`: upper bound [ms] → observations at or below it. */
  readonly ttft: ReadonlyMap<string, ReadonlyMap<number, number>> | undefined;
};

const START = 'process_start_time_seconds';

/** Names to look for in a text: every name of the mapping, as the formats spell it. */
export function wantedNames(mapping: Mapping): ReadonlySet<string> {
  const names = new Set([START]);
  for (const name of [...GAUGES, ...RATIOS]) for (const metric of metricsOf(mapping[name])) names.add(metric);
  for (const name of COUNTERS) for (const metric of metricsOf(mapping[name])) names.add(metric).add(`${metric}_total`);
  for (const metric of metricsOf(mapping.ttft)) names.add(`${metric}_bucket`);
  return names;
}

/** Negative and non-finite values count as not there. Counters are floored per series, so that fractions are never lost between two scrapes. */
export function readingOf(
  { samples, malformed }: Exposition,
  { mapping, atMs }: { readonly mapping: Mapping; readonly atMs: number },
): Reading {
  const byName = new Map<string, Sample[]>();
  for (const sample of samples) {
    const others = byName.get(sample.name);
    if (others === undefined) byName.set(sample.name, [sample]);
    else others.push(sample);
  }
  return {
    atMs,
    isComplete: malformed === 0,
    startSec: byName.get(START)?.[0]?.value,
    gauges: levels(byName, { mapping, names: GAUGES, combine: sum }),
    ratios: levels(byName, { mapping, names: RATIOS, combine: meanRatio }),
    counters: countersOf(byName, mapping),
    ttft: histogramOf(byName, mapping),
  };
}

/** No metric of the mapping was there. */
export function isEmpty({ gauges, ratios, counters, ttft }: Reading): boolean {
  return [gauges, ratios, counters].every((group) => Object.keys(group).length === 0) && ttft === undefined;
}

type ByName = ReadonlyMap<string, readonly Sample[]>;

type Levels<Name extends string> = {
  readonly mapping: Readonly<Partial<Record<Name, Selector | undefined>>>;
  readonly names: readonly Name[];
  readonly combine: (values: readonly number[]) => number;
};

function levels<Name extends string>(byName: ByName, of: Levels<Name>): Partial<Record<Name, number>> {
  const found: Partial<Record<Name, number>> = {};
  for (const name of of.names) {
    const selector = of.mapping[name];
    if (selector === undefined) continue;
    const values = [...distinct(select(byName, { selector, suffixes: [''] })).values()].map(
      ({ value }) => value * selector.scale,
    );
    if (values.length > 0) found[name] = of.combine(values);
  }
  return found;
}

function countersOf(byName: ByName, mapping: Mapping): Reading['counters'] {
  const found: Partial<Record<CounterName, ReadonlyMap<string, number>>> = {};
  for (const name of COUNTERS) {
    const selector = mapping[name];
    if (selector === undefined) continue;
    const { samples, isPresent } = select(byName, { selector, suffixes: ['', '_total'] });
    if (!isPresent) continue;
    found[name] = new Map(
      [...distinct({ samples })].map(([key, { value }]) => [key, Math.floor(value * selector.scale)]),
    );
  }
  return found;
}

function histogramOf(byName: ByName, { ttft }: Mapping): Reading['ttft'] {
  if (ttft === undefined) return undefined;
  const { samples } = select(byName, { selector: ttft, suffixes: ['_bucket'] });
  const series = new Map<string, Map<number, number>>();
  for (const { labels, value } of samples) {
    const bound = boundOf(labels.get('le'));
    if (bound === undefined) continue;
    const key = seriesKey(labels);
    const buckets = series.get(key) ?? new Map<number, number>();
    series.set(key, buckets.set(bound * ttft.scale, Math.floor(value)));
  }
  return series.size === 0 ? undefined : series;
}

function boundOf(le: string | undefined): number | undefined {
  if (le === '+Inf' || le === 'Inf') return Infinity;
  const bound = le === undefined || le === '' ? NaN : Number(le);
  return Number.isFinite(bound) && bound >= 0 ? bound : undefined;
}

type Selected = { readonly samples: readonly Sample[]; readonly isPresent: boolean };

/** Usable series of the first metric name that the server has. `isPresent`: it has one, though perhaps none that matches. */
function select(byName: ByName, of: { readonly selector: Selector; readonly suffixes: readonly string[] }): Selected {
  for (const metric of metricsOf(of.selector)) {
    for (const suffix of of.suffixes) {
      const all = byName.get(metric + suffix);
      if (all === undefined) continue;
      const samples = all.filter(({ labels, value }) => value >= 0 && value < Infinity && matches(of.selector, labels));
      return { samples, isPresent: true };
    }
  }
  return { samples: [], isPresent: false };
}

function matches({ labels = {}, except = {} }: Selector, of: Sample['labels']): boolean {
  const isOneOf = ([name, values]: [string, string | readonly string[]]): boolean =>
    (typeof values === 'string' ? [values] : values).includes(of.get(name) ?? '');
  return Object.entries(labels).every(isOneOf) && !Object.entries(except).some(isOneOf);
}

/** One sample per series: the last, should a server write one twice. */
function distinct({ samples }: { readonly samples: readonly Sample[] }): ReadonlyMap<string, Sample> {
  return new Map(samples.map((sample) => [seriesKey(sample.labels), sample]));
}

function seriesKey(labels: Sample['labels']): string {
  return JSON.stringify([...labels].filter(([name]) => name !== 'le').toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function metricsOf(selector: Pick<Selector, 'metric'> | undefined): readonly string[] {
  if (selector === undefined) return [];
  return typeof selector.metric === 'string' ? [selector.metric] : selector.metric;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** A share above 1 is a rounding of the server's. */
function meanRatio(values: readonly number[]): number {
  return Math.min(1, sum(values) / values.length);
}
