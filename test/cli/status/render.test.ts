import { describe, expect, test } from '@jest/globals';
import pico from 'picocolors';
import { ageOf, renderStatus } from '../../../lib/cli/status/render.ts';
import type { NodeGroupStatus, StatusView, WorkloadStatus } from '../../../lib/loop/status.ts';

const NOW_MS = 1_763_920_800_000;

const workload = (over: Partial<WorkloadStatus> = {}): WorkloadStatus => ({
  workload: 'llama-8b-chat',
  pool: 'default',
  mode: 'act',
  current: 6,
  ready: 5,
  wanted: 9,
  min: 1,
  max: 40,
  binding: 'demand',
  because: '41 requests in flight over 6.4 a replica',
  inputs: [{ signal: 'inFlight', value: 41.2345, coverage: 1, ageMs: 900 }],
  decision: 'd_1',
  decidedAtMs: NOW_MS - 4_000,
  lastAction: null,
  leadTime: { p50Sec: 180, p90Sec: 180, starts: 0 },
  ...over,
});

const group = (over: Partial<NodeGroupStatus> = {}): NodeGroupStatus => ({
  nodeGroup: 'g5-od',
  mode: 'act',
  ownership: 'own',
  current: 6,
  wanted: 8,
  max: 20,
  draining: [],
  shortage: null,
  lastAction: null,
  leadTime: { p50Sec: 180, p90Sec: 180, starts: 0 },
  warmLeadTime: null,
  spare: null,
  ...over,
});

const view = (over: Partial<StatusView> = {}): StatusView => ({
  atMs: NOW_MS,
  policyVersion: '0123456789abcdef',
  workloads: [workload()],
  nodeGroups: [group()],
  alerts: [],
  pauses: [],
  outbox: 2,
  jobs: 1,
  ...over,
});

const render = (of: StatusView): string[] => renderStatus(of, { colors: pico.createColors(false), nowMs: NOW_MS });

describe('renderStatus', () => {
  test('says first what is paused, by whom and why', () => {
    const by = { by: 'jo@laptop', atMs: NOW_MS - 120_000, reason: 'incident 4711' };
    const lines = render(
      view({
        pauses: [
          { ...by, kind: 'all', name: '' },
          { ...by, kind: 'workload', name: 'llama', reason: '' },
        ],
      }),
    );
    expect(lines.slice(0, 2)).toEqual([
      '■ paused  everything by jo@laptop: incident 4711  since 2m',
      '■ paused  llama by jo@laptop  since 2m',
    ]);
  });

  test('shows workloads, node groups, alerts and what waits', () => {
    const alert = {
      schema: 'penstock.ops-alert/1' as const,
      key: 'k',
      state: 'firing' as const,
      severity: 'critical' as const,
      sinceMs: NOW_MS - 200_000,
      atMs: NOW_MS,
      title: 'g5-od cannot get 2 nodes',
      workloads: [],
      detail: '',
      doc: '',
    };
    expect(render(view({ alerts: [alert, { ...alert, severity: 'warning', title: 'llama is pinned' }] }))).toEqual([
      'WORKLOAD       MODE  REPLICAS  WANTED  LIMITS  LOAD           LEAD TIME       DECIDED  BECAUSE',
      'llama-8b-chat  act        5/6       9    1–40  inFlight 41.2  180 s (policy)       4s  41 requests in flight over 6.4 a replica',
      '',
      'NODE GROUP  OWNERSHIP  NODES  WANTED  MAX  LEAD TIME       STATE',
      'g5-od       own, act       6       8   20  180 s (policy)  idle',
      '',
      '● critical  g5-od cannot get 2 nodes  since 3m',
      '● warning  llama is pinned  since 3m',
      '1 jobs in the action queue, 2 messages waiting for Kafka, policies 0123456789ab',
    ]);
  });

  test('shows what nobody knows as unknown, not as zero', () => {
    const nothing = workload({
      current: null,
      ready: null,
      wanted: null,
      because: null,
      inputs: [],
      decidedAtMs: null,
    });
    const missing = workload({
      inputs: [{ signal: 'queueDepth', value: null, coverage: 0, ageMs: null, reason: 'r' }],
    });
    const lines = render(view({ workloads: [nothing, missing], nodeGroups: [group({ current: null, wanted: null })] }));
    expect(lines[1]).toMatch(
      /^llama-8b-chat {2}act +\?\/\? +\? +1–40 {2}– +180 s \(policy\) +never {2}not decided yet$/,
    );
    expect(lines[2]).toContain('queueDepth ?');
    expect(lines[5]).toMatch(/^g5-od +own, act +\? +\? +20 {2}180 s \(policy\) {2}idle$/);
  });

  test('shows lead times with the starts they were learned from, and those from a warm pool beside them', () => {
    const leadTime = { p50Sec: 71.6, p90Sec: 95.2, starts: 9 };
    const warmLeadTime = { p50Sec: 35, p90Sec: 35, starts: 4 };
    const lines = render(
      view({ workloads: [workload({ leadTime })], nodeGroups: [group({ leadTime, warmLeadTime })] }),
    );
    expect(lines[1]).toContain('  72 s, p90 95 s (9)  ');
    expect(lines[4]).toContain('  72 s, p90 95 s (9), warm 35 s (4)  ');
  });

  test('leaves the node groups out when there are none, and says that there are no alerts', () => {
    expect(render(view({ nodeGroups: [] })).slice(2)).toEqual(['', 'No alerts.', expect.stringContaining('1 jobs')]);
  });

  test('says of a node group first what hinders it, then what it does', () => {
    const lastAction = { outcome: 'applied', detail: '6 → 8 nodes', atMs: 1 };
    const states = [
      group({ shortage: 'InsufficientInstanceCapacity', draining: ['node-1'], lastAction }),
      group({ draining: ['node-1', 'node-2'], lastAction }),
      group({ lastAction }),
      group({ lastAction, spare: { nodes: 2, because: '2 nodes standing by: bursts' } }),
    ].map((one) => render(view({ nodeGroups: [one] }))[4]);
    expect(states[0]).toMatch(/noCapacity: InsufficientInstanceCapacity$/);
    expect(states[1]).toMatch(/draining node-1, node-2$/);
    expect(states[2]).toMatch(/6 → 8 nodes$/);
    expect(states[3]).toMatch(/6 → 8 nodes; 2 nodes standing by: bursts$/);
  });

  test('shows three signals at most', () => {
    const inputs = ['a', 'b', 'c', 'd'].map((signal) => ({ signal, value: 1, coverage: 1, ageMs: 1 }));
    expect(render(view({ workloads: [workload({ inputs })] }))[1]).toContain('a 1, b 1, c 1  ');
  });

  test('lets no text from outside move the cursor', () => {
    const evil = 'x\u001b[2J\ny';
    const [, line] = render(view({ workloads: [workload({ because: evil })] }));
    expect(line).toMatch(/x \[2J y$/);
  });

  test('paints nothing but colours: the text is the same', () => {
    const coloured = renderStatus(view(), { colors: pico.createColors(true), nowMs: NOW_MS });
    // oxlint-disable-next-line no-control-regex -- colours are control sequences
    expect(coloured.map((line) => line.replaceAll(/\u001b\[\d+m/g, ''))).toEqual(render(view()));
    expect(coloured.join('')).not.toBe(render(view()).join(''));
  });
});

describe('ageOf', () => {
  test.each([
    [0, '0s'],
    [-5_000, '0s'],
    [59_400, '59s'],
    [59_600, '1m'],
    [3_599_000, '59m'],
    [3_600_000, '1h'],
    [86_399_000, '23h'],
    [172_800_000, '2d'],
  ])('%d ms ago is %s', (ageMs, text) => {
    expect(ageOf(NOW_MS - ageMs, NOW_MS)).toBe(text);
  });

  test('is never for what did not happen', () => {
    expect(ageOf(null, NOW_MS)).toBe('never');
  });
});
