import { describe, expect, test } from '@jest/globals';
import {
  parseMetrics,
  quantileOf,
  readController,
  sumOf,
} from '../../../../lib/cli/demo/processes/controller-client.ts';
import { serveApi } from '../../../../lib/hosts/http/server.ts';
import { memoryStatusDeps } from '../../../support/builders-loop.ts';

describe('readController', () => {
  test('reads status and metrics of a running controller', async () => {
    const deps = memoryStatusDeps();
    const server = await serveApi(
      { host: '127.0.0.1', port: 0 },
      { deps: async () => deps, statusTokenSha256: null, metricsText: async () => 'penstock_decisions_total 4\n' },
    );
    const view = await readController(`http://127.0.0.1:${server.port}`);
    await server.close();
    expect(view?.status.workloads.map(({ workload }) => workload)).toEqual(['llama-8b-chat']);
    expect(view?.metrics.get('penstock_decisions_total')).toBe(4);
  });

  test('is undefined while nobody answers, or while the store is out of reach', async () => {
    const server = await serveApi(
      { host: '127.0.0.1', port: 0 },
      { deps: () => Promise.reject(new Error('Cannot reach Redis')), statusTokenSha256: null },
    );
    const url = `http://127.0.0.1:${server.port}`;
    expect(await readController(url)).toBeUndefined();
    await server.close();
    expect(await readController(url)).toBeUndefined();
  });
});

describe('parseMetrics', () => {
  test('reads every line but comments', () => {
    const text = '# HELP a b\n# TYPE a counter\na 1\nb{x="y z"} 2.5\n\nc{q="0.5"} Nan\n';
    expect([...parseMetrics(text)]).toEqual([
      ['a', 1],
      ['b{x="y z"}', 2.5],
      ['c{q="0.5"}', Number.NaN],
    ]);
  });

  test('sums over labels, not over names that begin alike', () => {
    const read = parseMetrics('a{x="1"} 1\na{x="2"} 2\nab 10\na_sum 20\n');
    expect(sumOf(read, 'a')).toBe(3);
    expect(sumOf(read, 'nothing')).toBe(0);
  });

  test('a quantile of nothing is undefined', () => {
    expect(quantileOf(parseMetrics('m{quantile="0.5"} 0\nm_count 0\n'), 'm', 0.5)).toBeUndefined();
    expect(quantileOf(parseMetrics('m{quantile="0.5"} Nan\nm_count 1\n'), 'm', 0.5)).toBeUndefined();
    expect(quantileOf(parseMetrics('m{quantile="0.5"} 7\nm_count 1\n'), 'm', 0.5)).toBe(7);
  });
});
