import { describe, expect, test } from '@jest/globals';
import pico from 'picocolors';
import { makeReport } from '../../../../lib/cli/demo/report/report.ts';
import type { DemoReport, ReportInput } from '../../../../lib/cli/demo/report/report.ts';
import { renderSummary } from '../../../../lib/cli/demo/report/summary.ts';
import { readStatus } from '../../../../lib/loop/status.ts';
import { createRequestsLog } from '../../../../lib/simulator/cluster-server/requests-log.ts';
import type { RequestsLog } from '../../../../lib/simulator/cluster-server/requests-log.ts';
import { memoryStatusDeps } from '../../../support/builders-loop.ts';

const METRICS: readonly (readonly [string, number])[] = [
  ['penstock_ingest_events_applied_total', 997],
  ['penstock_decisions_total', 40],
  ['penstock_event_to_patch_ms{quantile="0.5"}', 83],
  ['penstock_event_to_patch_ms{quantile="0.99"}', 190],
  ['penstock_event_to_patch_ms_count', 30],
];

function requests(): RequestsLog {
  const log = createRequestsLog();
  const add = (operation: string, status: number): void =>
    void log.add({ service: 'eks', operation, method: 'POST', path: '/', atMs: 0, monotonicMs: 0, status, body: '' });
  for (const status of [200, 400]) add('UpdateNodegroupConfig', status);
  for (const status of [200, 200, 0]) add('TerminateInstanceInAutoScalingGroup', status);
  add('DescribeNodegroup', 200);
  return log;
}

/** A demo in which every promise was kept. */
async function input(over: Partial<ReportInput> & { metrics?: ReadonlyMap<string, number>; rejected?: number } = {}) {
  const { metrics = new Map(METRICS), rejected = 0, ...rest } = over;
  const status = await readStatus(memoryStatusDeps());
  const kept: ReportInput = {
    kafka: { kind: 'kafka-java', version: '4.4.0' },
    redis: { kind: 'redis', version: '8.2.1' },
    durationSec: 120,
    produced: 1_000,
    deadLettered: 3,
    poisoned: 3,
    controller: { status, metrics },
    cluster: 'simulated Kubernetes',
    requests: requests(),
    receiver: { url: '', received: () => [{} as never, {} as never], rejected: () => rejected, close: async () => {} },
    unservedShare: 0.0123,
    cost: { gpuHours: 0.5, usd: 1.25 },
    constant: { gpuHours: 0.8, usd: 2 },
    readBack: {
      deployments: new Map([
        ['llama-8b-chat', 7],
        ['qwen-32b-agent', 2],
      ]),
      nodeGroups: new Map([
        ['g6-od', 4],
        ['p5-od', 0],
      ]),
    },
  };
  return { ...kept, ...rest };
}

const problems = async (over: Parameters<typeof input>[0]): Promise<readonly string[]> =>
  makeReport(await input(over)).problems;

const metricsWith = (name: string, value: number): ReadonlyMap<string, number> => new Map([...METRICS, [name, value]]);

describe('makeReport', () => {
  test('counts what was accepted, and has no problems when every promise was kept', async () => {
    expect(makeReport(await input())).toEqual({
      kafka: { kind: 'kafka-java', version: '4.4.0' },
      redis: { kind: 'redis', version: '8.2.1' },
      durationSec: 120,
      eventsProduced: 1_000,
      eventsApplied: 997,
      eventsDeadLettered: 3,
      decisions: 40,
      cluster: 'simulated Kubernetes',
      deploymentResizes: 7,
      nodeGroupResizes: 3,
      alertsDelivered: 2,
      eventToPatchMs: { p50: 83, p99: 190 },
      unservedShare: 0.0123,
      gpuHours: 0.5,
      constantFleet: { gpuHours: 0.8, usd: 2 },
      costUsd: 1.25,
      problems: [],
    });
  });

  test.each([
    [
      'an event got lost',
      { metrics: metricsWith('penstock_ingest_events_applied_total', 996) },
      /^1000 events were produced, 999 are accounted for/,
    ],
    [
      'an event was counted twice',
      { metrics: metricsWith('penstock_ingest_events_applied_total', 998) },
      /1001 are accounted for/,
    ],
    ['poison was not found', { deadLettered: 2, produced: 999 }, /^3 poisoned events were sent, 2 are in/],
    ['a good event was dead-lettered', { deadLettered: 4, produced: 1_001 }, /^3 poisoned events were sent, 4 are in/],
    [
      'a Deployment was never resized',
      { readBack: { deployments: new Map([['a', 1]]), nodeGroups: new Map([['g', 1]]) } },
      /^Deployment a was never resized \(generation 1\)$/,
    ],
    [
      'no node group was ever resized',
      { readBack: { deployments: new Map([['a', 2]]), nodeGroups: new Map([['g', 0]]) } },
      /^no node group was ever resized$/,
    ],
    [
      'there was nothing to read back of node groups',
      { readBack: { deployments: new Map([['a', 2]]), nodeGroups: new Map() } },
      /^no node group was ever resized$/,
    ],
    ['an alert had a wrong signature', { rejected: 1 }, /^1 alerts had a wrong signature$/],
    [
      'no alert arrived',
      { receiver: { url: '', received: () => [], rejected: () => 0, close: async () => {} } },
      /^no alert reached the receiver$/,
    ],
  ])('has one problem when %s', async (_name, over, text) => {
    expect(await problems(over)).toEqual([expect.stringMatching(text)]);
  });

  test('names every problem at once', async () => {
    const broken = await problems({
      controller: undefined,
      deadLettered: 0,
      readBack: { deployments: new Map([['a', 1]]), nodeGroups: new Map() },
    });
    expect(broken).toHaveLength(5);
    expect(broken[0]).toBe('the controller did not answer at the end');
  });

  test('a Deployment that was expected and could not be read back is a problem', async () => {
    const readBack = { deployments: new Map<string, number>(), nodeGroups: new Map([['g', 1]]) };
    expect(await problems({ readBack })).toEqual(['no Deployment was read back']);
  });

  test('has no latency where nothing was observed', async () => {
    const { eventToPatchMs } = makeReport(await input({ metrics: metricsWith('penstock_event_to_patch_ms_count', 0) }));
    expect(eventToPatchMs).toEqual({ p50: null, p99: null });
  });
});

const text = (report: DemoReport): string => renderSummary(report, pico.createColors(false)).join('\n');

describe('renderSummary', () => {
  test('says in a few lines what happened', async () => {
    const summary = text(makeReport(await input()));
    expect(summary).toContain('✓ A day of inference traffic');
    expect(summary).toContain('1,000 in Kafka: 997 applied once, 3 broken ones put aside');
    expect(summary).toContain('83 ms from an event to its resize (p99 190 ms)');
    expect(summary).toContain('1.23 % waited longer');
    expect(summary).toContain('hours pass 600 times as');
    expect(summary).toContain('0.50 GPU-hours, 1.25 USD of simulated time\n');
    expect(summary).toContain('(0.80 GPU-hours, 2.00 USD had the fleet been as large');
    expect(summary).toContain('simulated Kubernetes, simulated EKS');
  });

  test('fits into 80 columns', async () => {
    const lines = renderSummary(makeReport(await input()), pico.createColors(false));
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
  });

  test('explains late requests only where there are some', async () => {
    expect(text(makeReport(await input({ unservedShare: 0.0004 })))).not.toContain('steeper than in life');
  });

  test('compares with no other fleet where there was but one', async () => {
    const cost = { gpuHours: 0.5, usd: 1.25 };
    expect(text(makeReport(await input({ cost, constant: cost })))).not.toContain('had the fleet been');
  });

  test('lists the problems, and does not call it a success', async () => {
    const summary = text(makeReport(await input({ controller: undefined })));
    expect(summary).not.toContain('✓');
    expect(summary).toContain('✗ the controller did not answer at the end');
    expect(summary).toContain('– from an event to its resize (p99 –)');
  });
});
