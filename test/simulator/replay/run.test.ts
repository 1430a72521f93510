/** Whole replays of small generated traces. */
import { describe, expect, test } from '@jest/globals';
import { ConfigError } from '../../../lib/base/errors.ts';
import { baselines } from '../../../lib/simulator/baselines/index.ts';
import { runReplay } from '../../../lib/simulator/replay/run.ts';
import type { Replay } from '../../../lib/simulator/replay/run.ts';
import type { RunOptions } from '../../../lib/simulator/replay/run-options.ts';
import { renderJson } from '../../../lib/simulator/report/json.ts';
import type { PolicyFigures } from '../../../lib/simulator/report/types.ts';
import { runOptions, waveCsv, withFiles } from './support.ts';

const ALL = Object.keys(baselines);
const YARDSTICKS = ['optimum', 'windowRule'];

/** The path of a trace is part of a report: it is the same for all. */
const replays = (text: string, runs: readonly Partial<RunOptions>[]): Promise<Replay[]> =>
  withFiles({ 'trace.csv': text }, async (path) => {
    const done: Replay[] = [];
    for (const of of runs) done.push(await runReplay(runOptions(path('trace.csv'), of)));
    return done;
  });

async function replay(text: string, of: Partial<RunOptions> = {}): Promise<Replay> {
  const [first] = await replays(text, [of]);
  if (first === undefined) throw new Error('there is one replay');
  return first;
}

const figures = ({ report }: Replay, name: string): PolicyFigures => {
  const found = report.policies[name];
  if (found === undefined) throw new Error(`there is no policy ${name}`);
  return found;
};

describe('a report', () => {
  test('has Penstock, each peer and the optimum, with every figure', async () => {
    const done = await replay(waveCsv(60), { against: ALL });

    expect(Object.keys(done.report.policies).toSorted()).toEqual([...ALL, ...YARDSTICKS, 'penstock'].toSorted());
    for (const policy of Object.values(done.report.policies)) {
      expect(policy).toEqual({
        gpuHours: expect.any(Number),
        costUsd: expect.any(Number),
        requestCount: expect.any(Number),
        sloMissCount: expect.any(Number),
        sloAttainmentRatio: expect.any(Number),
        ratioToOptimum: expect.any(Number),
        ratioToWindowRule: expect.any(Number),
        waitSec: { p50: expect.any(Number), p99: expect.any(Number), max: expect.any(Number) },
        replicaStarts: expect.any(Number),
        directionChanges: expect.any(Number),
        replicasMax: expect.any(Number),
        settings: expect.any(Object),
      });
      expect(Object.keys(policy.settings).length).toBeGreaterThan(0);
      // Everybody was asked the same requests.
      expect(policy.requestCount).toBeCloseTo(figures(done, 'penstock').requestCount, 3);
      expect(policy.sloAttainmentRatio).toBeCloseTo(1 - policy.sloMissCount / policy.requestCount, 9);
      expect(policy.ratioToOptimum).toBeCloseTo(policy.gpuHours / figures(done, 'optimum').gpuHours, 9);
      expect(policy.ratioToWindowRule).toBeCloseTo(policy.gpuHours / figures(done, 'windowRule').gpuHours, 9);
    }
    expect(Object.keys(done.series.policies).toSorted()).toEqual([...ALL, ...YARDSTICKS, 'penstock'].toSorted());
    expect(Object.keys(done.report.versions).toSorted()).toEqual([...ALL, 'penstock'].toSorted());
  });

  test('has the latencies too with the requests engine', async () => {
    const requests = Array.from(
      { length: 1_200 },
      (_, index) => `${index / 2},${400 + (index % 7) * 100},${50 + (index % 11) * 9}`,
    );
    const done = await replay(`t,in_tok,out_tok\n${requests.join('\n')}\n`, {
      engine: 'requests',
      tickSec: 1,
      against: ['hpa'],
    });
    for (const name of ['penstock', 'hpa']) {
      expect(figures(done, name)).toMatchObject({
        requestCount: 1_200,
        ttftMs: { p50: expect.any(Number), p99: expect.any(Number) },
        interTokenMs: { p50: expect.any(Number), p99: expect.any(Number) },
      });
    }
  });

  test('against nobody has Penstock and the optimum', async () => {
    const { report } = await replay(waveCsv(10));
    expect(Object.keys(report.policies)).toEqual(['penstock', ...YARDSTICKS]);
  });

  test('has a tuned peer as a key of its own, at least as good as its recommended setting', async () => {
    const done = await replay(waveCsv(30), { against: ['static'], tunePeers: true });
    const tuned = figures(done, 'static:tuned');
    expect(Object.keys(done.report.policies).toSorted()).toEqual(
      [...YARDSTICKS, 'penstock', 'static', 'static:tuned'].toSorted(),
    );
    expect(tuned.settings['headroomRatio']).toMatch(/best of its grid on this trace/);
    expect(tuned.sloMissCount / tuned.requestCount).toBeLessThanOrEqual(0.003);
    expect(tuned.gpuHours).toBeLessThanOrEqual(figures(done, 'static').gpuHours);
  });

  test('has Penstock at its other settings of risk when asked: more misses for fewer GPU-hours', async () => {
    const done = await replay(waveCsv(40), { sweepRisk: true, policySpec: { risk: 'low' }, leadTimeSec: 120 });
    expect(Object.keys(done.report.policies).toSorted()).toEqual(
      [...YARDSTICKS, 'penstock', 'penstock:balanced', 'penstock:cheap'].toSorted(),
    );
    const [low, cheap] = [figures(done, 'penstock'), figures(done, 'penstock:cheap')];
    expect(cheap.settings['risk']).toBe('"cheap"');
    expect(cheap.gpuHours).toBeLessThan(low.gpuHours);
    expect(cheap.sloMissCount).toBeGreaterThanOrEqual(low.sloMissCount);
  });

  test('has the schedule of the optimum as a series, and its replicas make its bill', async () => {
    const done = await replay(waveCsv(30), { warmupSec: 300 });
    const ready = done.series.policies['optimum']?.ready ?? [];
    expect(ready).toHaveLength(done.series.load.length);
    const { gpuHours, replicaStarts } = figures(done, 'optimum');
    const readyHours = ready.reduce((sum, replicas) => sum + replicas, 0) * (done.series.stepSec / 3600);
    expect(gpuHours - readyHours).toBeGreaterThan(0);
    expect(gpuHours - readyHours).toBeLessThanOrEqual((replicaStarts * 60) / 3600);
  });

  test('says which part of the trace was replayed', async () => {
    const done = await replay(waveCsv(30), { trace: { from: 600, to: 1_200 }, warmupSec: 62 });
    expect(done.report.settings).toMatchObject({ fromSec: 600, toSec: 1_200, warmupSec: 65 });
    expect(done.series.fromSec).toBe(65);
  });

  test('refuses an unknown peer before anything is read', async () => {
    const run = runReplay(runOptions('/nowhere.csv', { against: ['hpa', 'nobody'] }));
    await expect(run).rejects.toThrow(ConfigError);
    await expect(run).rejects.toThrow('Cannot compare with "nobody": expected all, none, or names among hpa, keda');
  });

  test('refuses a policy that is not valid', async () => {
    const run = replay(waveCsv(10), { policySpec: { signals: [{ kind: 'telepathy' }] } });
    await expect(run).rejects.toThrow(/signals/);
  });
});

describe('the same seed', () => {
  test('gives the same bytes, another one does not', async () => {
    const of = {
      against: ['hpa', 'knative'],
      leadTimeSigma: 0.3,
      failedStartRatio: 0.1,
      capacityWait: { kind: 'recorded', cutSec: 60 } as const,
    };
    const [one, same, other] = await replays(waveCsv(45), [of, of, { ...of, seed: 2 }]).then((done) =>
      done.map(({ report }) => report),
    );
    if (one === undefined || same === undefined || other === undefined) throw new Error('there are three');
    expect(renderJson(same)).toBe(renderJson(one));
    expect(renderJson({ ...other, seed: one.seed })).not.toBe(renderJson(one));
  });
});

describe('the optimum', () => {
  test('serves everything in time, and costs no more than any policy that misses nothing', async () => {
    const misses: number[] = [];
    for (const leadTimeSec of [15, 180]) {
      for (const shift of [0, 20]) {
        const done = await replay(waveCsv(50, { shift, meanPerSec: 25 + shift }), {
          against: ALL,
          leadTimeSec,
          warmupSec: 300,
        });
        const optimum = figures(done, 'optimum');
        expect(optimum.sloMissCount).toBe(0);
        expect(optimum.waitSec.max).toBeLessThanOrEqual(10 + 1e-6);
        for (const policy of Object.values(done.report.policies)) {
          misses.push(policy.sloMissCount);
          if (policy.sloMissCount === 0) expect(policy.gpuHours).toBeGreaterThanOrEqual(optimum.gpuHours);
        }
      }
    }
    // Otherwise nothing was compared.
    expect(misses.filter((count) => count === 0).length).toBeGreaterThan(4);
  });
});

describe('requests that have a GPU for themselves', () => {
  test('have an optimum that nobody beats without misses, and no waits of those who only know the future', async () => {
    // A request alone every five minutes, then a dozen at once.
    const lines = Array.from({ length: 12 }, (_, index) => `${index * 300},${20 + (index % 3) * 15}`);
    const burst = Array.from({ length: 12 }, (_, index) => `${3_700 + index},30`);
    const done = await replay(`t,exec_s\n${[...lines, ...burst].join('\n')}\n`, {
      against: ['knative', 'static', 'hpa'],
      engine: 'requests',
      replicaClass: 'auto',
      tickSec: 1,
      leadTimeSec: 5,
      replicas: { min: 1, max: 20 },
    });
    const optimum = figures(done, 'optimum');
    expect(optimum.sloMissCount).toBe(0);
    expect([optimum.waitSec.max, figures(done, 'windowRule').sloMissCount]).toEqual([Number.NaN, Number.NaN]);
    const perfect = Object.entries(done.report.policies).filter(
      ([name, { sloMissCount }]) => !YARDSTICKS.includes(name) && sloMissCount === 0,
    );
    expect(perfect.length).toBeGreaterThan(0);
    for (const [, { gpuHours }] of perfect) expect(gpuHours).toBeGreaterThanOrEqual(optimum.gpuHours);
  });
});

describe('the scored part', () => {
  test('is the same for all: what a busy warm-up asked for and cost counts for nobody', async () => {
    const busy = Array.from({ length: 30 }, (_, minute) => `${minute * 60},${minute < 10 ? 300 : 0.5}`);
    const done = await replay(`t,rps\n${busy.join('\n')}\n`, { against: ['static', 'hpa'], warmupSec: 600 });
    const counts = Object.values(done.report.policies).map((policy) => policy.requestCount);
    for (const count of counts) {
      expect(count).toBeGreaterThan(400);
      expect(count).toBeLessThan(800);
    }
    expect(figures(done, 'optimum').gpuHours).toBeLessThanOrEqual(20 / 60 + 0.05);
    // A static fleet is for the history's peak: it shows that its hours are those of the scored 20 minutes.
    const fleet = figures(done, 'static');
    expect(fleet.gpuHours).toBeCloseTo((fleet.replicasMax * 20) / 60, 1);
  });
});

describe('the two engines', () => {
  test('agree on peers that read requests in flight, which need seconds to follow a load', async () => {
    const steady = `t,rps\n${Array.from({ length: 70 }, (_, minute) => `${minute * 60},36`).join('\n')}\n`;
    const of = { against: ['hpa', 'knative', 'keda'], warmupSec: 1_800 };
    const [fluid, exact] = await replays(steady, [of, { ...of, engine: 'requests', tickSec: 1 }]);
    if (fluid === undefined || exact === undefined) throw new Error('there are two');
    for (const name of of.against) {
      expect(figures(fluid, name).gpuHours / figures(exact, name).gpuHours).toBeGreaterThan(0.85);
      expect(figures(fluid, name).gpuHours / figures(exact, name).gpuHours).toBeLessThan(1.15);
      expect(figures(fluid, name).sloAttainmentRatio).toBeCloseTo(figures(exact, name).sloAttainmentRatio, 2);
    }
  });
});

describe('the nodes of the peers', () => {
  test('come later with a node autoscaler of their own, and its empty nodes are paid for; Penstock orders them itself', async () => {
    const of = { against: ['hpa', 'static'], leadTimeSec: 120 };
    const [none, ca, karpenter] = await replays(waveCsv(45), [
      of,
      { ...of, peerNodes: 'cluster-autoscaler' },
      { ...of, peerNodes: 'karpenter' },
    ]);
    if (none === undefined || ca === undefined || karpenter === undefined) throw new Error('there are three');
    // A fleet that never changes meets nothing of it, nor does who knows the future.
    for (const name of ['static', 'optimum', 'windowRule']) {
      expect(figures(ca, name).gpuHours).toBe(figures(none, name).gpuHours);
    }
    // The same nodes for Penstock whoever brings those of the peers.
    expect(figures(karpenter, 'penstock').gpuHours).toBe(figures(ca, 'penstock').gpuHours);
    expect(figures(ca, 'penstock').settings['nodes']).toContain('nothing before the lead time');
    expect(figures(ca, 'hpa').settings['nodes']).toContain('the delay of cluster-autoscaler before the lead time');
    expect(figures(ca, 'hpa').settings['nodes.gpuPodAge']).toContain('30 s');
    expect(figures(none, 'hpa').settings['nodes']).toBeUndefined();
    expect(figures(ca, 'hpa').gpuHours).not.toBe(figures(karpenter, 'hpa').gpuHours);
  });
});

describe('everybody', () => {
  test('has the same limits, those of a policy file too', async () => {
    const replicas = { min: 2, max: 3 };
    const done = await replay(waveCsv(30, { meanPerSec: 200 }), { against: ALL, replicas });
    for (const name of ['penstock', ...ALL]) {
      expect(figures(done, name).replicasMax).toBeLessThanOrEqual(3);
      expect(Math.min(...(done.series.policies[name]?.ready ?? [0]))).toBeGreaterThanOrEqual(2);
    }
  });

  test('begins with the same replicas', async () => {
    const done = await replay(waveCsv(30), { against: ALL });
    const first = new Set(['penstock', ...ALL].map((name) => done.series.policies[name]?.ready[0]));
    expect(first.size).toBe(1);
  });
});
