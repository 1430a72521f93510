/** The Grafana dashboard, the Prometheus rules and the page about metrics name what /metrics really has, and nothing else. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { prometheusMetrics } from '../../lib/hosts/process/prometheus-metrics.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

type Kind = 'counter' | 'gauge' | 'summary';
type Metric = { readonly kind: Kind; readonly labels: readonly string[] };

const KINDS: Readonly<Record<string, Kind>> = { count: 'counter', gauge: 'gauge', observe: 'summary' };

/** Every metric that the process host counts, as its sources say: those of the bridge and of the functions are not at its /metrics. */
function metricsOfSources(): Map<string, Metric> {
  const files = readdirSync(join(ROOT, 'lib'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .filter((file) => !/^(hosts\/lambda|loop\/bridge|simulator|local)\//.test(file));
  const found = new Map<string, Metric>();
  for (const text of files.map((file) => read(join('lib', file)))) {
    for (const [, call = '', , written = '', rest = ''] of text.matchAll(
      /\bmetrics\.(count|gauge|observe)\(\s*(['`])([^'`]+)\2([^;]*);/g,
    )) {
      const names = written.includes('${request.kind}')
        ? ['full', 'leading'].map((kind) => written.replace('${request.kind}', kind))
        : [written];
      const given = /\{([^{}]*)\}\s*,?\s*\)$/.exec(rest)?.[1] ?? '';
      const labels = given.split(',').flatMap((part) => /^\s*(\w+)/.exec(part)?.[1] ?? []);
      for (const name of names) found.set(`penstock_${name}`, { kind: KINDS[call] ?? 'counter', labels });
    }
  }
  return found;
}

/** As docs/metrics.md has them. */
function metricsOfPage(): Map<string, Metric> {
  const rows = read('docs/metrics.md').matchAll(/^\| `(penstock_\w+)` \| (\w+) \| ([^|]*)\| [^|]+ \|$/gm);
  return new Map(
    [...rows].map(([, name = '', kind = '', labels = '']) => [
      name,
      { kind: kind as Kind, labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label = '']) => label) },
    ]),
  );
}

/** Names of series that /metrics has, each with its labels. */
async function seriesOf(metrics: ReadonlyMap<string, Metric>): Promise<Map<string, ReadonlySet<string>>> {
  const prometheus = prometheusMetrics();
  for (const [name, { kind, labels }] of metrics) {
    const short = name.slice('penstock_'.length);
    const values = Object.fromEntries(labels.map((label) => [label, 'x']));
    if (kind === 'counter') prometheus.count(short, 1, values);
    if (kind === 'gauge') prometheus.gauge(short, 1, values);
    if (kind === 'summary') prometheus.observe(short, 1, values);
  }
  const series = new Map<string, Set<string>>();
  for (const [, name = '', labels = ''] of (await prometheus.text()).matchAll(/^(\w+)(?:\{(.*)\})? /gm)) {
    const known = series.get(name) ?? new Set(['job', 'instance']);
    for (const [, label = ''] of labels.matchAll(/(\w+)="/g)) known.add(label);
    series.set(name, known);
  }
  return series;
}

/** Metrics and labels of a PromQL expression, as far as these files use the language. */
function namedIn(expression: string): { readonly metric: string; readonly labels: readonly string[] }[] {
  const by = [...expression.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(/,\s*/));
  const plain = expression.replaceAll(/\b(by|offset) (\([^)]*\)|\w+)/g, ' ');
  return [...plain.matchAll(/\b([a-z]\w*_\w+)\b(?!\()(?:\{([^}]*)\})?/g)]
    .filter(([, metric = '']) => !/^label_values$/.test(metric))
    .map(([, metric = '', matchers = '']) => ({
      metric,
      labels: [...by, ...[...matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = '']) => label)],
    }));
}

type Panel = { readonly title: string; readonly targets: readonly { readonly expr: string }[] };
type Dashboard = {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly definition?: string }[] };
};
type Rule = {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: Readonly<Record<string, string>>;
};

const dashboard = JSON.parse(read('infra/grafana/penstock.json')) as Dashboard;
const { groups } = parse(read('infra/prometheus/penstock-alerts.yaml')) as {
  readonly groups: readonly { readonly rules: readonly Rule[] }[];
};
const rules = groups.flatMap((group) => group.rules);
const expressions = [
  ...dashboard.panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ of: title, expr }))),
  ...dashboard.templating.list
    .flatMap(({ definition }) => definition?.replace(/^label_values\((.*), \w+\)$/, '$1') ?? [])
    .map((expr) => ({ of: 'a variable', expr })),
  ...rules.map(({ alert, expr }) => ({ of: alert, expr })),
];

describe('metrics', () => {
  const counted = metricsOfSources();

  test('docs/metrics.md has every metric of the process host with its type and labels, and no other', () => {
    expect(counted.size).toBeGreaterThan(40);
    expect(Object.fromEntries(metricsOfPage())).toEqual(Object.fromEntries(counted));
  });

  test('every expression of the dashboard and of the rules names series and labels that /metrics has', async () => {
    const series = await seriesOf(counted);
    const wrong = expressions.flatMap(({ of, expr }) => {
      const named = namedIn(expr);
      if (named.length === 0) return [`${of}: names nothing`];
      return named.flatMap(({ metric, labels }) => {
        const known = series.get(metric);
        if (known === undefined) return [`${of}: ${metric} is not there`];
        return labels.filter((label) => !known.has(label)).map((label) => `${of}: ${metric} has no label ${label}`);
      });
    });
    expect(wrong).toEqual([]);
    expect(expressions.length).toBeGreaterThan(40);
  });

  test('the check itself finds what it looks for', () => {
    expect(
      namedIn('sum by (pool) (rate(penstock_x_total{job=~"$job",kind="a"}[5m])) / penstock_y_ms offset 15m'),
    ).toEqual([
      { metric: 'penstock_x_total', labels: ['pool', 'job', 'kind'] },
      { metric: 'penstock_y_ms', labels: ['pool'] },
    ]);
    expect(counted.get('penstock_actuate_results_total')).toEqual({ kind: 'counter', labels: ['kind', 'outcome'] });
    expect(counted.get('penstock_evaluate_full_duration_ms')).toEqual({ kind: 'summary', labels: [] });
  });

  test('every rule has a severity, says what it means, and leads to a runbook that exists', () => {
    const anchors = read('docs/failures.md');
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    for (const { alert, labels, annotations } of rules) {
      expect([alert, labels.severity]).toEqual([alert, expect.stringMatching(/^(warning|critical)$/)]);
      expect([alert, annotations['summary'], annotations['description']]).toEqual([
        alert,
        expect.stringMatching(/\w/),
        expect.stringMatching(/\.$/),
      ]);
      const [page, anchor] = (annotations['runbook'] ?? '').split('#');
      expect([alert, page]).toEqual([alert, 'docs/failures.md']);
      if (anchor !== undefined) expect(anchors).toContain(`<a id="${anchor}">`);
    }
  });

  test('panels lie beside and below each other, never over each other, and each has its number', () => {
    const { panels } = JSON.parse(read('infra/grafana/penstock.json')) as {
      readonly panels: readonly { readonly id: number; readonly gridPos: Record<'x' | 'y' | 'w' | 'h', number> }[];
    };
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, at) => `${x + (at % w)} ${y + Math.floor(at / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(panels.every(({ gridPos: { x, w } }) => x + w <= 24)).toBe(true);
  });
});
