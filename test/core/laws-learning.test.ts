/** Law of one decision while it learns: the readings that teach how much work a request is, and what a replica does of it, are also the load. */
import { describe, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { WorkloadControl, WorkloadInput } from '../../lib/core/decide-types.ts';
import { decideWorkload } from '../../lib/core/decide-workload.ts';
import type { Readings } from '../../lib/core/types.ts';
import { observed, T0, value } from './builders.ts';
import { COURSE_RUNS } from './law-runs.ts';
import { atLeast, loadReadings, policyArb } from './law-situations.ts';

const RAISED = ['queued', 'inFlight', 'requestRate', 'inputTokenRate', 'outputTokenRate'] as const;

/** What replicas that serve `does` times what was given say of a load of `level` replicas, and of a queue of `queueSec` seconds. */
function servedReadings(of: {
  readonly level: number;
  readonly ready: number;
  readonly does: number;
  readonly queueSec: number;
}): Readings {
  const gateway = { from: 'gateway' as const };
  const donePerSec = Math.min(of.level * 5.5, of.ready * 5 * of.does);
  return {
    ...loadReadings(of.level, of.ready),
    inFlight: value(Math.min(of.ready * 8 * of.does, of.level * 8), gateway),
    queued: value(donePerSec * of.queueSec, gateway),
    completionRate: value(donePerSec, gateway),
  };
}

type Step = { readonly level: number; readonly queueSec: number; readonly raised: number; readonly percent: number };

const stepArb: fc.Arbitrary<Step> = fc.record({
  level: fc.integer({ min: 8, max: 24 }),
  queueSec: fc.constantFrom(0, 1.5, 1.9, 3, 10),
  raised: fc.nat(RAISED.length - 1),
  percent: fc.constantFrom(1, 50, 400),
});

function raisedIn(input: WorkloadInput, { raised, percent }: Step): WorkloadInput {
  const name = RAISED[raised] ?? 'queued';
  const reading = input.readings[name];
  if (reading.kind === 'missing') return input;
  const more = (reading.value * (100 + percent)) / 100 + percent / 10;
  return { ...input, readings: { ...input.readings, [name]: { ...reading, value: more } } };
}

describe('law: monotone in load, also while it teaches', () => {
  test('the same replicas, kept busy or not, serving less or more than was given: a longer queue or a higher rate never gives less', () => {
    fc.assert(
      fc.property(
        policyArb,
        fc.integer({ min: 5, max: 30 }),
        fc.constantFrom(0.6, 0.9, 1.2, 1.8),
        fc.array(stepArb, { minLength: 15, maxLength: 40 }),
        (policy, ready, does, steps) => {
          let control: WorkloadControl | undefined;
          for (const [index, step] of steps.entries()) {
            const input: WorkloadInput = {
              policy,
              kind: 'full',
              nowMs: T0 + index * 10_000,
              readings: servedReadings({ level: step.level, ready, does, queueSec: step.queueSec }),
              holdUntilMs: 0,
              warmRatio: 1,
              target: observed(ready, { pods: [] }),
              snapshotAgeMs: 0,
              control,
            };
            const outcome = decideWorkload(input);
            atLeast(decideWorkload(raisedIn(input, step)).wanted, outcome.wanted);
            ({ control } = outcome);
          }
        },
      ),
      { numRuns: COURSE_RUNS },
    );
  });
});
