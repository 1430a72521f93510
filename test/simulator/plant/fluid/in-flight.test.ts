/** Requests in slots, as a fluid. */
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { concurrencyAt, mixOf, serviceLevelOf } from '../../../../lib/simulator/plant/capacity.ts';
import { createInFlight } from '../../../../lib/simulator/plant/fluid/in-flight.ts';
import { replicaClassOf } from '../../../../lib/simulator/plant/replica-classes.ts';

const level = serviceLevelOf(replicaClassOf('B'), mixOf([{ inputTokens: 1155, outputTokens: 211 }]));
const serial = serviceLevelOf(replicaClassOf('G'), mixOf([{ inputTokens: 0, outputTokens: 0, execSec: 4 }]));

/** Work of `used` of each of `ready` replicas for `spanMs`. */
const load = (used: number, ready: number, spanMs = 5_000) => ({ spanMs, ready, workMs: used * ready * spanMs });

describe('requests in flight', () => {
  test('settle where a steady load holds them, whatever was there before', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 0.9, noNaN: true }), fc.integer({ min: 1, max: 50 }), (used, ready) => {
        const inFlight = createInFlight(level);
        for (let tick = 0; tick < 24; tick++) inFlight.advance(load(0.95, ready));
        for (let tick = 0; tick < 120; tick++) inFlight.advance(load(used, ready));
        expect(inFlight.requests / ready).toBeCloseTo(concurrencyAt(level, used), 2);
      }),
    );
  });

  test('get there no faster than requests come: in the first second there are no more than arrived', () => {
    const inFlight = createInFlight(level);
    const mean = inFlight.advance(load(0.9, 4, 1_000));
    const arrived = 0.9 * 4 * level.requestsPerSec;
    expect(inFlight.requests).toBeLessThan(arrived);
    expect(inFlight.requests).toBeGreaterThan(arrived * 0.7);
    expect(mean).toBeLessThan(inFlight.requests);
    expect(inFlight.requests).toBeLessThan(4 * concurrencyAt(level, 0.9) * 0.5);
  });

  test('go on in the replicas that stay when one leaves, and are none without replicas', () => {
    const inFlight = createInFlight(level);
    for (let tick = 0; tick < 60; tick++) inFlight.advance(load(0.5, 4));
    const before = inFlight.requests;
    inFlight.leave(4);
    expect(inFlight.requests).toBeCloseTo((before * 3) / 4, 9);
    expect(inFlight.advance({ spanMs: 5_000, ready: 0, workMs: 0 })).toBe(0);
    expect(inFlight.requests).toBe(0);
  });

  test('of a server that takes one at a time are the share of time it works', () => {
    const inFlight = createInFlight(serial);
    for (let tick = 0; tick < 60; tick++) inFlight.advance(load(0.6, 10));
    expect(inFlight.requests).toBeCloseTo(6, 4);
  });
});
