import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { mixOf, serviceLevelOf } from '../../../../lib/simulator/plant/capacity.ts';
import type { Plant, ReplicaClass, TraceRequest } from '../../../../lib/simulator/plant/contract.ts';
import { fixedStart } from '../../../../lib/simulator/plant/plant-options.ts';
import { replicaClassOf } from '../../../../lib/simulator/plant/replica-classes.ts';
import { createRequestsPlant } from '../../../../lib/simulator/plant/requests/requests.ts';
import type { FinishedRequest, RequestsOptions } from '../../../../lib/simulator/plant/requests/requests.ts';

/** Round numbers: a step takes 10 ms, 1 ms per running sequence, 0.1 ms per prompt token, nothing for memory. */
const EVEN: ReplicaClass = {
  ...replicaClassOf('B'),
  a: 10,
  b: 1,
  k: 0,
  c: 0.1,
  maxSeqs: 2,
  budgetTokens: 100,
  kvTokens: 1000,
};

type Run = { readonly plant: Plant; readonly finished: readonly FinishedRequest[] };

function runOf(requests: readonly TraceRequest[], options: Partial<RequestsOptions> & { of?: ReplicaClass } = {}): Run {
  const finished: FinishedRequest[] = [];
  const replicaClass = options.of ?? EVEN;
  const plant = createRequestsPlant({
    level: serviceLevelOf(replicaClass, mixOf(requests.length > 0 ? requests : [request(0, 50, 10)])),
    start: fixedStart(60),
    waitLimitSec: 10,
    replicas: 1,
    seed: 1,
    requests,
    onFinished: (each) => finished.push(each),
    ...options,
  });
  return { plant, finished };
}

const request = (arrivalMs: number, inputTokens: number, outputTokens: number): TraceRequest => ({
  arrivalMs,
  inputTokens,
  outputTokens,
});

describe('one server', () => {
  test('gives the first token after the prompt and one token per step after that', () => {
    const { plant, finished } = runOf([request(5, 50, 4)]);
    plant.advanceTo(1000);

    // Prompt step: 10 + 5 ms, then three steps of 10 + 1 ms; 15 ms of overhead.
    expect(finished).toEqual([{ arrivalMs: 5, outputTokens: 4, ttftMs: 30, totalMs: 63 }]);
  });

  test('processes a long prompt in chunks of the budget', () => {
    const { plant, finished } = runOf([request(0, 250, 1)]);
    plant.advanceTo(1000);

    // 20 + 20 + 15 ms.
    expect(finished[0]).toMatchObject({ ttftMs: 70, totalMs: 70 });
  });

  test('lets what does not fit its sequences wait until one ends', () => {
    const { plant, finished } = runOf([request(0, 10, 3), request(0, 10, 3), request(0, 10, 3)]);
    plant.advanceTo(1000);

    // First 11 ms; the second one joins in the next step (10 + 1 + 1 ms), and so on: the third one begins when the first one has three tokens.
    expect(finished.map(({ ttftMs }) => ttftMs)).toEqual([11 + 15, 11 + 12 + 15, 11 + 12 + 12 + 12 + 15]);
    expect(plant.totals().waitSec.max).toBeCloseTo(0.035, 9);
  });

  test('lets what does not fit its memory wait, and serves alone what is larger than all of it', () => {
    const { plant, finished } = runOf([request(0, 90, 600), request(1, 90, 600), request(2, 1000, 10)]);
    plant.advanceTo(60_000);
    const [one, two, three] = finished;

    expect(finished).toHaveLength(3);
    expect((two?.ttftMs ?? 0) - 15).toBeGreaterThan((one?.totalMs ?? 0) - 15);
    expect((three?.ttftMs ?? 0) - 15).toBeGreaterThan((two?.totalMs ?? 0) - 15);
  });

  test('takes a request only when its prompt can begin: others in front of it are waiting', () => {
    const { plant } = runOf([request(0, 300, 2), request(0, 300, 2)]);
    plant.advanceTo(1000);

    // Three steps of 20 ms for the first prompt.
    expect(plant.totals().waitSec.max).toBeCloseTo(0.06, 9);
  });

  test('sustains what its service level says, and no more than that by much', () => {
    const of = replicaClassOf('B');
    const each = { inputTokens: 1155, outputTokens: 211 };
    const level = serviceLevelOf(of, mixOf([each]));
    const overloaded = Array.from({ length: 6000 }, (_, index) => ({ arrivalMs: index * 50, ...each }));
    const { plant } = runOf(overloaded, { of });
    plant.advanceTo(60_000);
    const sample = plant.advanceTo(300_000);

    expect(sample.completedPerSec / level.requestsPerSec).toBeGreaterThan(0.97);
    expect(sample.completedPerSec / level.requestsPerSec).toBeLessThan(1.03);
    expect(sample.running).toBeCloseTo(128, 0);
    expect(sample.kvRatio).toBeCloseTo((128 * 1260.5) / 530_000, 1);
  });

  test('of a serial class works for the recorded time on one after the other', () => {
    const requests = [0, 0, 0].map((arrivalMs) => ({ arrivalMs, inputTokens: 1, outputTokens: 1, execSec: 20 }));
    const { plant, finished } = runOf(requests, { of: replicaClassOf('G') });
    plant.advanceTo(100_000);

    expect(finished.map(({ totalMs }) => totalMs)).toEqual([20_015, 40_015, 60_015]);
    expect(plant.totals()).toMatchObject({ requestCount: 3, sloMissCount: 2, waitSec: { max: 40 } });
  });
});

describe('several servers', () => {
  test('share what arrives: the least loaded one takes it', () => {
    const requests = [0, 1, 2, 3].map((arrivalMs) => request(arrivalMs, 10, 100));
    const { plant } = runOf(requests, { replicas: 2 });
    plant.advanceTo(500);

    expect(plant.totals().waitSec.max).toBeLessThan(0.02);
    expect(plant.advanceTo(600).running).toBeCloseTo(4, 9);
  });

  test('a replica that gets ready takes at once what waits', () => {
    const requests = Array.from({ length: 6 }, () => request(0, 10, 90));
    const { plant, finished } = runOf(requests, { replicas: 0 });
    plant.scale(3);
    plant.advanceTo(60_000);

    expect(plant.readyReplicas).toBe(3);
    plant.advanceTo(120_000);

    expect(finished).toHaveLength(6);
    expect(plant.totals()).toMatchObject({ sloMissCount: 6 });
    expect(plant.totals().waitSec.max).toBeLessThan(60.1);
  });

  test('a replica that is removed ends what it has and is paid until then', () => {
    const { plant, finished } = runOf([request(0, 10, 900)], { replicas: 2, of: { ...EVEN, kvTokens: 2000 } });
    plant.advanceTo(1000);
    // Idle ones go first: the one that works stays.
    plant.scale(1);
    plant.advanceTo(2000);

    expect(plant.pods.map((pod) => pod.id)).toEqual([0]);
    expect(plant.totals().gpuHours * 3600).toBeCloseTo(3, 9);

    plant.scale(0);
    plant.advanceTo(60_000);

    // 900 tokens: 11 ms for the first one, then 11 ms each.
    expect(finished).toHaveLength(1);
    expect(plant.totals().gpuHours * 3600).toBeCloseTo(1 + 9.9, 2);
  });
});

test('every request is finished once, whatever the fleet does', () => {
  const arrivals = fc.array(
    fc.record({ gapMs: fc.nat(400), inputTokens: fc.nat(400), outputTokens: fc.integer({ min: 0, max: 60 }) }),
    { minLength: 1, maxLength: 60 },
  );
  fc.assert(
    fc.property(arrivals, fc.array(fc.nat(4), { minLength: 20, maxLength: 20 }), (list, wanted) => {
      let arrivalMs = 0;
      const requests = list.map(({ gapMs, ...lengths }) => ({ ...lengths, arrivalMs: (arrivalMs += gapMs) }));
      const { plant, finished } = runOf(requests, { start: fixedStart(1) });
      const sums = { arrived: 0, completed: 0, outputTokens: 0 };
      const advance = (spanSec: number): void => {
        const sample = plant.advanceTo(plant.nowMs + spanSec * 1000);
        sums.arrived += sample.arrivalsPerSec * spanSec;
        sums.completed += sample.completedPerSec * spanSec;
        sums.outputTokens += sample.outputTokensPerSec * spanSec;
      };
      for (const replicas of wanted) {
        plant.scale(replicas);
        advance(1);
      }
      // In the end there are enough, and time.
      plant.scale(4);
      advance(200);

      expect(finished).toHaveLength(requests.length);
      expect(sums.arrived).toBeCloseTo(requests.length, 6);
      expect(sums.completed).toBeCloseTo(requests.length, 6);
      expect(sums.outputTokens).toBeCloseTo(
        requests.reduce((sum, each) => sum + Math.max(1, each.outputTokens), 0),
        6,
      );
      for (const each of finished) expect(each.totalMs).toBeGreaterThanOrEqual(each.ttftMs);
    }),
  );
});

test('an hour of 100 requests a second on 20 replicas takes seconds', () => {
  const of = replicaClassOf('B');
  const requests = Array.from({ length: 360_000 }, (_, index) =>
    request(index * 10, 600 + ((index * 7919) % 1100), 20 + ((index * 104_729) % 380)),
  );
  const { plant } = runOf(requests, { of, replicas: 20 });
  const began = process.cpuUsage();
  for (let tick = 1; tick <= 720; tick++) plant.advanceTo(tick * 5000);
  const { user, system } = process.cpuUsage(began);

  expect((user + system) / 1e6).toBeLessThan(15);
  expect(plant.totals()).toMatchObject({ requestCount: 360_000, sloMissCount: 0 });
});
