import { createHash } from 'node:crypto';
import { Script } from 'node:vm';
import { describe, expect, test } from '@jest/globals';
import { renderHtml } from '../../../lib/simulator/report/html.ts';
import { POINTS_MAX, pageData } from '../../../lib/simulator/report/page/data.ts';
import { escapeHtml, escapeJson } from '../../../lib/simulator/report/page/escape.ts';
import { looksOf } from '../../../lib/simulator/report/page/looks.ts';
import type { ReplaySeries } from '../../../lib/simulator/report/types.ts';
import { sampleReplay } from './sample.ts';

const BYTES_MAX = 1_000_000;

function between(html: string, [from, to]: readonly [string, string]): string {
  const start = html.indexOf(from) + from.length;
  return html.slice(start, html.indexOf(to, start));
}

/** As `Content-Security-Policy` names a text. */
function hash(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

/** None of them whole: the longest to write. */
function noisy(values: readonly number[]): number[] {
  return values.map((value, at) => value + 0.1 + Math.sin(at) / 20);
}

describe('renderHtml', () => {
  test('gives the same bytes for the same report', () => {
    const { report, series } = sampleReplay({ points: 300 });
    expect(renderHtml(report, series)).toBe(renderHtml(structuredClone(report), structuredClone(series)));
  });

  test('a week of 12 policies stays below 1 MB, also when every value is a fraction and every step has misses', () => {
    const { report, series } = sampleReplay();
    const policies = Object.entries(series.policies).map(([name, run]) => [
      name,
      { ready: noisy(run.ready), misses: run.ready.map((value, at) => Math.round(1000 * value) + at) },
    ]);
    const full: ReplaySeries = { ...series, load: noisy(series.load), policies: Object.fromEntries(policies) };
    expect(Object.keys(full.policies)).toHaveLength(12);
    expect(full.load).toHaveLength(2000);
    expect(Buffer.byteLength(renderHtml(report, full))).toBeLessThan(BYTES_MAX);
  });

  test('lets run only the script and the style sheet written here, and names no other place', () => {
    const { report, series } = sampleReplay({ points: 50 });
    const html = renderHtml(report, series);
    const policy = between(html, ['Content-Security-Policy" content="', '">']);
    expect(policy.split('; ')).toEqual([
      "default-src 'none'",
      `script-src ${hash(between(html, ['<script>', '</script>']))}`,
      `style-src ${hash(between(html, ['<style>', '</style>']))}`,
      "base-uri 'none'",
      "form-action 'none'",
    ]);
    expect(html.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(
      /https?:|url\((?!#)|@import|<link|<iframe|<img/,
    );
  });

  test('its script parses', () => {
    const { report, series } = sampleReplay({ points: 50 });
    const text = between(renderHtml(report, series), ['<script>', '</script>']);
    expect(() => new Script(text)).not.toThrow();
  });
});

describe('pageData', () => {
  test('thins long series: means of load and ready, sums of misses', () => {
    const { report } = sampleReplay({ points: 50 });
    const count = POINTS_MAX * 2;
    const series: ReplaySeries = {
      fromSec: 0,
      stepSec: 5,
      load: Array.from({ length: count }, (_, at) => at % 2),
      policies: {
        hpa: {
          ready: Array.from({ length: count }, (_, at) => 2 * (at % 2)),
          misses: Array.from({ length: count }, (_, at) => (at < 4 ? at : 0)),
        },
      },
    };
    const data = pageData(report, series);
    const hpa = data.policies.find((policy) => policy.name === 'hpa');
    expect(data.stepSec).toBe(10);
    expect(data.load).toEqual(Array.from({ length: POINTS_MAX }, () => 0.5));
    expect(hpa?.ready).toEqual(Array.from({ length: POINTS_MAX }, () => 1));
    expect(hpa?.misses).toEqual([0, 1, 1, 5]);
  });

  test('shows at first Penstock, the optimum and the usual peer, Penstock first', () => {
    const { report, series } = sampleReplay({ points: 50 });
    const { policies } = pageData(report, series);
    expect(policies[0]?.name).toBe('penstock');
    expect(policies.filter((policy) => policy.shown).map((policy) => policy.name)).toEqual([
      'penstock',
      'optimum',
      'hpa',
    ]);
  });
});

describe('looksOf', () => {
  test('no two policies differ in colour alone', () => {
    const peers = ['hpa', 'keda', 'knative', 'aibrix', 'wva', 'dynamo', 'ray', 'static', 'keda-prometheus', 'other'];
    const own = ['penstock', 'penstock:low', 'penstock:cheap'];
    const names = [...own, 'optimum', 'windowRule', ...peers, ...peers.map((name) => `${name}:tuned`)];
    const withoutColor = [...looksOf(names).values()].map(
      ({ dash, marker, hollow }) => `${dash}/${marker}/${String(hollow)}`,
    );
    expect(new Set(withoutColor).size).toBe(names.length);
  });

  test('a peer looks the same whoever else is in the report', () => {
    expect(looksOf(['penstock', 'knative']).get('knative')).toEqual(
      looksOf(['hpa', 'keda', 'knative', 'own']).get('knative'),
    );
  });
});

describe('escaping', () => {
  test('escapeHtml leaves nothing that could begin or end a tag, an attribute or an entity', () => {
    expect(escapeHtml(`<a href="x" onclick='y'>&\`\u202E`)).toBe(
      '&lt;a href=&quot;x&quot; onclick=&#39;y&#39;&gt;&amp;&#96; ',
    );
  });

  test('escapeJson reads back as it was and cannot end its element', () => {
    const value = { '</script><!--': ['<script>', '\u2028', '&amp;'] };
    expect(escapeJson(value)).not.toMatch(/[<>&\u2028]/);
    expect(JSON.parse(escapeJson(value))).toEqual(value);
  });
});
