/** Laws of folding records into a window (the comparison with a naive fold is in window/fold.test.ts). */
import { describe, test } from '@jest/globals';
import * as fc from 'fast-check';
import { encodeWindow } from '../../lib/core/window/codec.ts';
import { foldRecords } from '../../lib/core/window/fold.ts';
import { emptyWindow, type LoadWindow } from '../../lib/core/window/load-window.ts';
import { readingsOf } from '../../lib/core/window/readings.ts';
import { START_MS } from '../events/builders.ts';
import { SITUATION_RUNS } from './law-runs.ts';
import { same } from './law-situations.ts';
import { deliver, type Delivery, logOf } from './window/logs.ts';

const dice = fc.array(fc.nat(1_000), { minLength: 5, maxLength: 12 });

function foldNext(window: LoadWindow, part: Delivery): LoadWindow {
  return foldRecords(window, { ...part, nowMs: START_MS }).window;
}

const foldAll = (deliveries: readonly Delivery[]): LoadWindow => deliveries.reduce(foldNext, emptyWindow());

/** What is stored (lists in maps sorted: their order is that of arrival), and what is read. */
function bytesOf(window: LoadWindow): string {
  const sorted = {
    ...window,
    sources: new Map([...window.sources].toSorted(([a], [b]) => (a < b ? -1 : 1))),
    applied: new Map([...window.applied].toSorted(([a], [b]) => (a < b ? -1 : 1))),
  };
  const ends = [...window.sources.values()].map((mark) => mark.lastEndMs);
  const nowMs = Math.max(START_MS, ...ends) + 1_000;
  return JSON.stringify([encodeWindow(sorted), readingsOf(window, { nowMs, readyReplicas: 3 })]);
}

describe('law: permutation and batch-split invariance of the window', () => {
  test('records in any order that keeps each source and each partition, in any batches, with any redelivery: the same bytes are stored and read', () => {
    fc.assert(
      fc.property(logOf(10), dice, dice, (records, one, other) => {
        same(bytesOf(foldAll(deliver(records, one))), bytesOf(foldAll(deliver(records, other))));
      }),
      { numRuns: SITUATION_RUNS },
    );
  });
});
