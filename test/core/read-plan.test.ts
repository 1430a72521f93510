/** What a plan in the store remembers is believed as far as it has today's shape. */
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { planPool } from '../../lib/core/plan-pool.ts';
import { readPlan } from '../../lib/core/read-plan.ts';
import type { Plan } from '../../lib/core/types.ts';
import { fleet, groupPolicy, workloadPolicy } from './builders.ts';
import { GPU, toyFleet } from './toy-fleet.ts';
import type { ToyFleet } from './toy-fleet.ts';
import { lawRuns } from './law-runs.ts';

const policy = (name: string, tier: number) =>
  workloadPolicy({ nodeGroups: ['a'], gpusPerReplica: { [GPU]: 1 }, priority: { tier } }, name);

/** A pool in which everything there is to remember is remembered. */
function lived(): { readonly toy: ToyFleet; readonly plan: Plan } {
  const shape = { instanceType: 'g', gpus: { [GPU]: 4 } };
  const toy = toyFleet({
    fleet: fleet({ allocation: 'fair', preemption: { for: 'wants', afterSec: 10 } }),
    group: groupPolicy({ nodes: { max: 4, spare: 'auto' }, shape }, 'a'),
    nodes: 3,
    workloads: [
      { policy: policy('chat', 1), running: 2, wanted: 5 },
      { policy: policy('batch', 2), running: 10, wanted: 10 },
    ],
  });
  for (let tick = 0; tick < 6; tick++) toy.tick();
  const { plan } = toy.outcomes.at(-1) ?? { plan: undefined };
  const watch = plan?.groupWatch?.['a'];
  if (plan?.preemption === undefined || watch?.spare === undefined) throw new Error('nothing is remembered');
  const sec = { p50: 60, p90: 80 };
  const more = {
    lead: {
      seenMs: plan.atMs,
      awaited: [[plan.atMs, 1, 'cold']],
      starts: [[70, 1, 'cold']],
      policySec: 180,
      cold: sec,
    },
    missing: [{ sinceMs: plan.atMs, nodes: 1 }],
    trouble: { kind: 'neverJoins', bad: 1, cause: 'x', attempts: 1, sinceMs: plan.atMs, untilMs: plan.atMs },
    undeliveredSinceMs: plan.atMs,
    warm: 2,
  };
  const full = { ...plan, idleNodes: { n0: plan.atMs }, groupWatch: { a: { ...watch, ...more } } };
  return { toy, plan: JSON.parse(JSON.stringify(full)) as Plan };
}

const { toy, plan } = lived();

/** Paths of everything in a document. */
function pathsOf(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, each]) => pathsOf(each, [...path, key]))];
}

function broken(value: unknown, by: { readonly path: readonly string[]; readonly with: unknown }): unknown {
  const [key, ...rest] = by.path;
  if (key === undefined) return by.with;
  const copy: unknown = Array.isArray(value) ? [...(value as unknown[])] : { ...(value as object) };
  const object = copy as Record<string, unknown>;
  object[key] = broken(object[key], { path: rest, with: by.with });
  return copy;
}

const planAfter = (previous: Plan | undefined) => planPool(toy.input({ previous })).plan;

describe('readPlan', () => {
  test('believes what the core wrote, whole', () => {
    expect(readPlan(plan)).toEqual({ plan, dropped: [] });
    expect(readPlan(undefined)).toEqual({ plan: undefined, dropped: [] });
  });

  test('believes a plan of before, which remembered less', () => {
    const { groupWatch: _watch, preemption: _preemption, idleNodes: _idle, ...bare } = plan;
    expect(readPlan(bare)).toEqual({ plan: bare, dropped: [] });
  });

  test('drops a broken part alone, and the plan only where its counts do not read', () => {
    const at = (path: readonly string[], value: unknown) => readPlan(broken(plan, { path, with: value }));
    const spare = at(['groupWatch', 'a', 'spare', 'bins'], [1, 2]);
    expect(spare.dropped).toEqual(['groupWatch.spare']);
    expect(spare.plan?.groupWatch?.['a']).toEqual({ ...plan.groupWatch?.['a'], spare: undefined });
    expect(at(['preemption', 'given'], null).dropped).toEqual(['preemption']);
    expect(at(['groupWatch'], 7).dropped).toEqual(['groupWatch']);
    expect(at(['idleNodes', 'n0'], 'x').dropped).toEqual(['idleNodes']);
    expect(at(['targets', 'chat', 'replicas'], null)).toEqual({ plan: undefined, dropped: ['plan'] });
  });

  test('whatever is broken in what is stored, the next plan is made', () => {
    const values = fc.constantFrom<unknown>(null, undefined, -1, 1e300, 'x', [], {}, [null], { a: null }, true);
    fc.assert(
      fc.property(fc.constantFrom(...pathsOf(plan)), values, (path, value) => {
        const text: string | undefined = JSON.stringify(broken(plan, { path, with: value }));
        const { plan: previous } = readPlan(text === undefined ? undefined : JSON.parse(text));
        expect(planAfter(previous).seq).toBeGreaterThan(0);
      }),
      { numRuns: lawRuns(300) },
    );
  });
});
