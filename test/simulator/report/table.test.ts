import { describe, expect, test } from '@jest/globals';
import { repeatCommand } from '../../../lib/simulator/report/repeat.ts';
import { renderTable } from '../../../lib/simulator/report/table.ts';
import type { ReplayReport } from '../../../lib/simulator/report/types.ts';
import { sampleFigures, sampleReport } from './sample.ts';

const REPORT = sampleReport({
  hpa: sampleFigures({
    gpuHours: 1240.4,
    costUsd: 4171.5,
    sloMissCount: 1800,
    waitSec: { p50: 0, p99: 12.5, max: 181 },
  }),
  penstock: sampleFigures({ gpuHours: 905.2, costUsd: 3044.2, sloMissCount: 420, replicaStarts: 1311 }),
  optimum: sampleFigures({ gpuHours: 800, costUsd: 2690.4, waitSec: { p50: 0, p99: 0, max: 9.8 } }),
  windowRule: sampleFigures({ gpuHours: 900, costUsd: 3026, sloMissCount: 5 }),
  'hpa:tuned': sampleFigures({ gpuHours: 999.9, costUsd: 3362.7, sloMissCount: 420 }),
});

describe('renderTable', () => {
  test('lists policies from the cheapest, marks Penstock and the optimum, and ends in a sentence', () => {
    expect(renderTable(REPORT)).toEqual([
      'traces/chat-week.csv.gz (rate): 7 d, 1,000,000 requests (load × 3); engine fluid; replica class B; lead time 180 s; SLO wait 10 s; seed 1',
      '',
      '  policy      GPU-hours  ×optimum  ×window  cost USD  in SLO %  misses  wait p50 s  p99 s  max s  starts  turns  max replicas',
      '◇ optimum           800     1.000    0.889     2,690   100.000       0        0.00   0.00    9.8     120     30            32',
      '◇ windowRule        900     1.125    1.000     3,026    99.999       5        0.00   1.25   42.0     120     30            32',
      '▸ penstock          905     1.131    1.006     3,044    99.958     420        0.00   1.25   42.0   1,311     30            32',
      '  hpa:tuned       1,000     1.250    1.111     3,363    99.958     420        0.00   1.25   42.0     120     30            32',
      '  hpa             1,240     1.551    1.378     4,172    99.820   1,800        0.00  12.50  181.0     120     30            32',
      '',
      'Penstock used 27 % fewer GPU-hours than hpa and missed 77 % fewer requests (420 against 1,800); ' +
        'used 9.5 % fewer GPU-hours than hpa:tuned, the cheapest peer that missed no more, and missed as many requests (420 each); ' +
        "its GPU-hours are 1.13 × those of the optimum (1.01 × the window rule's).",
    ]);
  });

  test('shows token times where the engine measured them, and a dash where it did not', () => {
    const report = sampleReport({
      penstock: sampleFigures({ ttftMs: { p50: 84.2, p99: 1900 }, interTokenMs: { p50: 21.44, p99: 50 } }),
      optimum: sampleFigures(),
    });
    const lines = renderTable(report).slice(2, 5);
    expect(lines[0]).toContain('TTFT p50 ms  p99 ms  ITL p50 ms  p99 ms');
    expect(lines.find((line) => line.includes('penstock'))).toMatch(/ 84 +1,900 +21\.4 +50\.0 /);
    expect(lines.find((line) => line.startsWith('◇'))).toMatch(/ – +– +– +– /);
  });

  test('says so when one replica serves it all: then nobody could do better or worse', () => {
    const small = sampleReport({ penstock: sampleFigures(), optimum: sampleFigures({ replicasMax: 1 }) });
    expect(renderTable(small).slice(-2)).toEqual([
      '',
      'One replica of class B serves all of this traffic, so there is nothing to compare: try --scale 20, or --replica-class.',
    ]);
    const limited = sampleFigures({ replicasMax: 1, sloMissCount: 9 });
    for (const optimum of [limited, sampleFigures({ replicasMax: 2 })]) {
      const report = sampleReport({ penstock: sampleFigures(), optimum });
      expect(renderTable(report).join('\n')).not.toContain('nothing to compare');
    }
  });

  test('paints whole rows, so that the columns stay aligned', () => {
    const colors = {
      bold: (text: string) => `<b>${text}</b>`,
      dim: (text: string) => `<d>${text}</d>`,
      cyan: (text: string) => `<c>${text}</c>`,
    };
    const plain = renderTable(REPORT);
    const painted = renderTable(REPORT, { colors });
    expect(painted.map((line) => line.replaceAll(/<\/?.>/g, ''))).toEqual(plain);
    expect(painted[5]).toBe(`<b>${plain[5]}</b>`);
    expect(painted[3]).toBe(`<c>${plain[3]}</c>`);
  });

  test('says what else a start takes, and who brings the nodes of the peers', () => {
    const settings = {
      ...REPORT.settings,
      leadTimeSigma: 0.3,
      capacityWait: { kind: 'quantiles', p50Sec: 0, p95Sec: 370 } as const,
      failedStartRatio: 0.02,
      peerNodes: 'karpenter' as const,
    };
    expect(renderTable({ ...REPORT, settings })[0]).toContain(
      "lead time 180 s (sigma 0.3, capacity wait 0/370, 2.0 % failed starts, peers' nodes by karpenter); SLO wait",
    );
  });

  test('lets nothing from a file name move the cursor or turn the line', () => {
    const report = { ...REPORT, trace: { ...REPORT.trace, file: 'a\u001B[2Jb\u202Ec\n.csv' } };
    expect(renderTable(report)[0]).toMatch(/^a \[2Jb c \.csv \(rate\)/);
  });

  test('a policy named like a property of every object is a policy like others', () => {
    const report = sampleReport({ constructor: sampleFigures(), ['__proto__']: sampleFigures() });
    expect(
      renderTable(report)
        .slice(3, 5)
        .map((line) => line.slice(0, 13)),
    ).toEqual(['  __proto__  ', '  constructor']);
  });
});

describe('repeatCommand', () => {
  test('names the files, the peers and the plant, and nothing that was not given', () => {
    expect(repeatCommand(REPORT)).toBe(
      'penstock simulate --trace traces/chat-week.csv.gz --format rate --against hpa --replica-class B --lead-time 180 --slo-wait 10 ' +
        '--scale 3 --seed 1 --engine fluid --tick 5 --warmup 3600',
    );
  });

  test('names all that was given', () => {
    const settings: ReplayReport['settings'] = {
      ...REPORT.settings,
      leadTimeSigma: 0.3,
      capacityWait: { kind: 'recorded', cutSec: null },
      failedStartRatio: 0.02,
      peerNodes: 'cluster-autoscaler',
      warmStartSec: 82,
      overlay: 12,
      cut: { from: '2024-05-10T00:00:00Z', to: 600 },
      columns: { timeColumn: 'when', timeUnit: 'ms', rateColumn: 'req/min', rateUnit: 'min' },
      skipBadLines: true,
      lengths: { file: 'lengths.csv', digest: 'abc' },
      policy: { file: 'my policy.yaml', digest: 'def' },
      maxReplicas: 60,
      tunePeers: true,
      sweepRisk: true,
    };
    expect(repeatCommand({ ...REPORT, settings })).toBe(
      "penstock simulate --trace traces/chat-week.csv.gz --format rate --lengths lengths.csv --policy 'my policy.yaml' --against hpa " +
        '--replica-class B --lead-time 180 --lead-time-sigma 0.3 --capacity-wait recorded-uncut --failed-starts 0.02 --peer-nodes cluster-autoscaler ' +
        '--warm-start 82 --slo-wait 10 --scale 3 --overlay 12 --seed 1 --engine fluid --tick 5 --max-replicas 60 --from 2024-05-10T00:00:00Z --to 600 ' +
        '--warmup 3600 --time-column when --time-unit ms --rate-column req/min --rate-unit min --tune-peers --sweep-risk --skip-bad-lines',
    );
  });

  test('quotes a file name for the shell', () => {
    const file = "my trace's $(rm).csv";
    const command = repeatCommand({ ...REPORT, trace: { ...REPORT.trace, file } });
    expect(command).toContain(String.raw`--trace 'my trace'\''s $(rm).csv' --format`);
  });
});
