import { describe, expect, test } from '@jest/globals';
import pico from 'picocolors';
import { VIEW_WIDTH, clock, renderView, replicaBar, sparkline } from '../../../../lib/cli/demo/view/view.ts';
import type { DemoView } from '../../../../lib/cli/demo/view/types.ts';

const plain = pico.createColors(false);
const colourful = pico.createColors(true);

/** What a terminal would show of coloured text. */
// oxlint-disable-next-line no-control-regex -- colours are control sequences
const visible = (text: string): string => text.replaceAll(/\u001b\[[\d;]*m/g, '');

function demoView(over: Partial<DemoView> = {}): DemoView {
  return {
    hour: 14.5,
    doneRatio: 0.525,
    servers: 'Kafka 4.4.0 · redis 8.2.1',
    chapter: 'The office wakes up, and its GPU nodes are asked for together with the replicas.',
    livePage: '',
    hints: [],
    eventsProduced: 12_345,
    eventsPerSec: 61.7,
    eventsDeadLettered: 3,
    patches: 45,
    eventToPatchP50Ms: 83.4,
    usdPerHour: 123.456,
    lateShare: 0.0012,
    models: [
      {
        name: 'llama-8b-chat',
        history: [0, 1, 2, 3, 4, 5, 6, 7, 8],
        requestsPerSec: 41.3,
        inFlight: 82.6,
        queued: 0.4,
        ready: 9,
        starting: 2,
        wanted: 14,
        max: 14,
      },
      {
        name: 'image-batch',
        history: [],
        requestsPerSec: 0,
        inFlight: 0,
        queued: 1_234,
        ready: 0,
        starting: 0,
        wanted: 0,
        max: 6,
      },
    ],
    nodeGroups: [
      {
        name: 'g6-od',
        shape: 'g6.xlarge, 1 GPU',
        ready: 9,
        launching: 2,
        draining: 1,
        wanted: 11,
        max: 20,
        shortage: null,
      },
      {
        name: 'g7e-od',
        shape: 'g7e.12xlarge, 2 GPUs',
        ready: 4,
        launching: 0,
        draining: 0,
        wanted: 10,
        max: 10,
        shortage: 'InsufficientInstanceCapacity',
      },
    ],
    decisions: [
      { hour: 13.25, workload: 'llama-8b-chat', from: 9, to: 14, because: '82 requests in flight over 8 a replica' },
      { hour: 14.4, workload: 'image-batch', from: null, to: 0, because: 'nothing waits' },
    ],
    alerts: [
      { severity: 'critical', state: 'firing', title: 'g7e-od cannot get 2 nodes: InsufficientInstanceCapacity' },
      { severity: 'warning', state: 'firing', title: 'qwen-32b-agent is pinned at replicas.max 12' },
      { severity: 'critical', state: 'resolved', title: 'llama-8b-chat: inFlight not heard' },
    ],
    ...over,
  };
}

const render = (view: DemoView, { width = VIEW_WIDTH, rows = 40 } = {}): string =>
  renderView(view, { colors: plain, width, rows }).join('\n');

const GOLDEN_WIDE = [
  ' Penstock  14:30  ━━━━━━━━━━━━━───────────  Kafka 4.4.0 · redis 8.2.1',
  ' ▸ The office wakes up, and its GPU nodes are asked for together with the replicas.',
  '',
  '',
  ' MODEL          REQUESTS/S                        IN FLIGHT  WAITING   READY   REPLICAS',
  ' llama-8b-chat   ▁▂▃▄▅▆▇█·················  41.3         83        0    9/14   ■■■■■■■■■◧◧□□□    ',
  ' image-batch    ··························   0.0          0     1234     0/0                     ',
  '',
  ' GPU NODES',
  ' g6-od          g6.xlarge, 1 GPU                  11 of 20 wanted    9 ready, 2 booting, 1 draining',
  ' g7e-od         g7e.12xlarge, 2 GPUs              10 of 10 wanted    4 ready, no capacity',
  '',
  ' LAST DECISIONS',
  ' 13:15 llama-8b-chat   9 → 14    82 requests in flight over 8 a replica',
  ' 14:23 image-batch     ? → 0     nothing waits',
  '',
  '',
  '',
  '',
  '',
  ' PEOPLE CALLED',
  ' ● critical g7e-od cannot get 2 nodes: InsufficientInstanceCapacity',
  ' ● warning  qwen-32b-agent is pinned at replicas.max 12',
  ' ✓ resolved llama-8b-chat: inFlight not heard',
  '',
  '',
  ' 12,345 events · 45 resizes · event to resize 83 ms · late 0.1 % · 123 USD/h',
  ' Ctrl-C stops everything.    ■ serving  ◧ starting  □ wanted',
].join('\n');

const GOLDEN_NARROW = [
  ' Penstock  14:30  ━━━━━━━━━━━━━───────────  Kafka 4.4.0 · re',
  ' ▸ The office wakes up, and its GPU nodes are asked for',
  '   together with the replicas.',
  '',
  ' MODEL          REQUESTS/S                WAITING   READY   ',
  ' llama-8b-chat   ▁▂▃▄▅▆▇█·········  41.3        0    9/14   ',
  ' image-batch    ··················   0.0     1234     0/0   ',
  '',
  ' GPU NODES',
  ' g6-od          g6.xlarge, 1 GPU       11 wanted  9 ready, 2',
  ' g7e-od         g7e.12xlarge, 2 GPUs   10 wanted  4 ready, n',
  '',
  ' LAST DECISIONS',
  ' 13:15 llama-8b-chat   9 → 14    82 requests in flight ove…',
  ' 14:23 image-batch     ? → 0     nothing waits',
  '',
  '',
  '',
  '',
  '',
  ' PEOPLE CALLED',
  ' ● critical g7e-od cannot get 2 nodes: InsufficientInstanc…',
  ' ● warning  qwen-32b-agent is pinned at replicas.max 12',
  ' ✓ resolved llama-8b-chat: inFlight not heard',
  '',
  '',
  ' 12,345 events · 45 resizes · event to resize 83 ms · late 0',
  ' Ctrl-C stops everything.    ■ serving  ◧ starting  □ wanted',
].join('\n');

const GOLDEN_SMALL = [
  ' Penstock  14:30  ━━━━━━━━━━━━━───────────  Kafka 4.4.0 · redis 8.2.1',
  ' ▸ The office wakes up, and its GPU nodes are asked for together with the',
  '   replicas.',
  '',
  ' MODEL          REQUESTS/S                WAITING   READY   REPLICAS',
  ' llama-8b-chat   ▁▂▃▄▅▆▇█·········  41.3        0    9/14   ■■■■■■■■■◧◧□□□    ',
  ' image-batch    ··················   0.0     1234     0/0                     ',
  '',
  ' GPU NODES',
  ' g6-od          g6.xlarge, 1 GPU       11 wanted  9 ready, 2 booting, 1 draining',
  ' g7e-od         g7e.12xlarge, 2 GPUs   10 wanted  4 ready, no capacity',
  '',
  ' LAST DECISIONS',
  ' 13:15 llama-8b-chat   9 → 14    82 requests in flight over 8 a replica',
  ' 14:23 image-batch     ? → 0     nothing waits',
  '',
  '',
  '',
  ' PEOPLE CALLED',
  ' ● warning  qwen-32b-agent is pinned at replicas.max 12',
  ' ✓ resolved llama-8b-chat: inFlight not heard',
  '',
  ' 12,345 events · 45 resizes · event to resize 83 ms · late 0.1 % · 123 USD/h',
  ' Ctrl-C stops everything.    ■ serving  ◧ starting  □ wanted',
].join('\n');

describe('renderView', () => {
  test('at its full width', () => {
    expect(render(demoView())).toBe(GOLDEN_WIDE);
  });

  test('ends with how to look into the cluster where there is a way', () => {
    const hint = 'kubectl --kubeconfig /tmp/demo/kubeconfig get pods --watch';
    expect(render(demoView({ hints: [hint] }))).toBe(`${GOLDEN_WIDE}\n ${hint}`);
  });

  test.each([
    [VIEW_WIDTH, ' Ctrl-C stops everything.  Live page: http://127.0.0.1:54321/    ■ serving  ◧ starting  □ wanted'],
    [80, ' Ctrl-C stops. See http://127.0.0.1:54321/    ■ serving  ◧ starting  □ wanted'],
  ])('in %d columns says where the live page is, in place of nothing', (width, foot) => {
    const lines = render(demoView({ livePage: 'http://127.0.0.1:54321/' }), { width, rows: 24 }).split('\n');
    expect(lines.at(-1)).toBe(foot);
    expect(lines).toHaveLength(render(demoView(), { width, rows: 24 }).split('\n').length);
  });

  test('in 60 columns cuts what does not fit', () => {
    expect(render(demoView(), { width: 60 })).toBe(GOLDEN_NARROW);
  });

  test('in 80 columns and 24 rows keeps every table whole, and shows fewer decisions and alerts', () => {
    expect(render(demoView(), { width: 80, rows: 24 })).toBe(GOLDEN_SMALL);
  });

  test.each([1, 5, 14, 20, 24, 30, 60])('has at most %d lines where there is room for no more', (rows) => {
    const many = demoView({ hints: ['a', 'b', 'c'] });
    expect(renderView(many, { colors: plain, width: 80, rows }).length).toBeLessThanOrEqual(rows);
  });

  test.each([1, 20, 60, 80, VIEW_WIDTH, 200])(
    'has no line of more than %d visible characters, coloured or not',
    (width) => {
      const view = demoView({
        servers: 'x'.repeat(300),
        decisions: [{ hour: 1, workload: 'w'.repeat(80), from: 1_000, to: 10_000, because: 'b'.repeat(500) }],
        alerts: [{ severity: 'critical', state: 'firing', title: 't'.repeat(500) }],
      });
      for (const colors of [plain, colourful]) {
        const widths = renderView(view, { colors, width, rows: 40 }).map((line) => Array.from(visible(line)).length);
        expect(Math.max(...widths)).toBeLessThanOrEqual(width);
      }
    },
  );

  test('shows the same with and without colours, and closes every colour it opens', () => {
    for (const width of [30, VIEW_WIDTH]) {
      const coloured = renderView(demoView(), { colors: colourful, width, rows: 40 });
      expect(coloured.map(visible)).toEqual(renderView(demoView(), { colors: plain, width, rows: 40 }));
      for (const line of coloured) {
        // 22 ends bold and dim, 39 a colour.
        // oxlint-disable-next-line no-control-regex -- colours are control sequences
        const codes = [...line.matchAll(/\u001b\[(\d+)m/g)].map((match) => Number(match[1]));
        const opened = codes.filter((code) => code !== 22 && code !== 39).length;
        expect(codes.filter((code) => code === 22 || code === 39).length).toBeGreaterThanOrEqual(opened);
      }
    }
  });

  test('has as many lines with many decisions and alerts as with none, so that the picture does not jump', () => {
    const decision = { hour: 1, workload: 'w', from: 1, to: 2, because: 'b' };
    const alert = { severity: 'warning', state: 'firing', title: 't' };
    const full = demoView({
      decisions: Array.from({ length: 50 }, () => decision),
      alerts: Array.from({ length: 50 }, () => alert),
    });
    const empty = demoView({ decisions: [], alerts: [] });
    expect(renderView(full, { colors: plain, width: 80, rows: 40 })).toHaveLength(
      renderView(empty, { colors: plain, width: 80, rows: 40 }).length,
    );
  });

  test('lets no title or reason move the cursor', () => {
    const evil = 'a\u001b[2Jb\nc\rd\u0007e\u009bf\u202eg\u2028h\u200bi';
    const view = demoView({
      alerts: [{ severity: 'critical', state: 'firing', title: evil }],
      decisions: [{ hour: 1, workload: 'w', from: 1, to: 2, because: evil }],
    });
    const text = renderView(view, { colors: plain, width: VIEW_WIDTH, rows: 40 }).join('');
    expect(text).toContain('a [2Jb c d e f g h i');
    expect(text).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u);
  });

  test('shows no latency before there is one', () => {
    expect(render(demoView({ eventToPatchP50Ms: undefined }))).not.toContain('event to resize');
  });
});

describe('the progress bar', () => {
  test.each([
    [0, 0],
    [0.5, 12],
    [1, 24],
    [1.2, 24],
    [-0.1, 0],
  ])('of a share of %d has %d of 24 cells filled', (doneRatio, cells) => {
    const [line = ''] = renderView(demoView({ doneRatio }), { colors: plain, width: VIEW_WIDTH, rows: 40 });
    expect(line.split('━').length - 1).toBe(cells);
    expect(line.split('─').length - 1).toBe(24 - cells);
  });
});

describe('clock', () => {
  test.each([
    [0, '00:00'],
    [14.5, '14:30'],
    [9.999, '09:59'],
    [23.9999, '23:59'],
    [24, '00:00'],
    [25.25, '01:15'],
    [-1, '23:00'],
  ])('%d is %s', (hour, text) => {
    expect(clock(hour)).toBe(text);
  });
});

const day = (history: readonly number[], doneRatio: number): string => sparkline(history, { width: 8, doneRatio });

describe('sparkline', () => {
  test('of nothing is dots, and always as wide as asked', () => {
    for (const history of [[], [0, 0], [1], Array(100).fill(3)]) expect(day(history, 0.5)).toHaveLength(8);
    expect(day([], 0)).toBe('········');
    expect(day([0, 0], 0.25)).toBe('  ······');
  });

  test('shows the day so far, the largest value at full height, and the smallest above zero as a line', () => {
    expect(day([0, 1e-9, 4, 8], 0.5)).toBe(' ▁▄█····');
    expect(day([800, ...Array(7).fill(100)], 1)).toBe('█▁▁▁▁▁▁▁');
  });

  test('shows the largest of the values that share a cell', () => {
    expect(day([1, 8, 1, 1, 1, 1, 1, 1], 0.5)).toBe('█▁▁▁····');
  });
});

const bar = (ready: number, starting: number, wanted: number, max: number): string =>
  replicaBar({ ready, starting, wanted, max }, plain);

describe('replicaBar', () => {
  test('is one cell a replica while the maximum fits: ready, starting, still missing', () => {
    expect(bar(3, 2, 7, 10)).toBe('■■■◧◧□□'.padEnd(18));
    expect(bar(3, 0, 2, 10)).toBe('■■■'.padEnd(18));
    expect(bar(0, 0, 0, 6)).toBe(' '.repeat(18));
  });

  test('is scaled down when the maximum is longer than the bar, and shows a single replica all the same', () => {
    expect(bar(100, 0, 100, 100)).toBe('■'.repeat(18));
    expect(bar(50, 0, 100, 100)).toBe('■'.repeat(9) + '□'.repeat(9));
    expect(bar(1, 0, 1, 100)).toBe('■'.padEnd(18));
  });

  test.each([
    [0, 0, 0, 0],
    [20, 0, 20, 14],
    [10, 20, 40, 14],
    [0, 0, 500, 100],
    [18, 1, 19, 18],
    [1, 1, 1_000, 1],
  ])('is 18 wide for ready %d, starting %d, wanted %d of at most %d', (...counts) => {
    expect(bar(...counts)).toHaveLength(18);
  });
});
