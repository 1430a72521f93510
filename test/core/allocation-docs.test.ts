/** The worked examples of docs/allocation.md, executed. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { AllocationClaim, AllocationStrategy, CapacityPool } from '../../lib/core/allocation/contract.ts';
import { allocationStrategies } from '../../lib/core/allocation/index.ts';
import type { GpuCounts } from '../../lib/core/types.ts';
import { claim, GPU, shares } from './allocation-claims.ts';
import { fleet, groupPolicy, workloadPolicy } from './builders.ts';
import { toyFleet } from './toy-fleet.ts';
import type { ToyFleet } from './toy-fleet.ts';

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/allocation.md'), 'utf8');

const RESOURCES: Readonly<Record<string, string>> = { gpu: GPU, slice: 'nvidia.com/mig-1g.5gb' };

/** `gpu=1 slice=2`. */
function gpusOf(text: string): GpuCounts {
  return Object.fromEntries(
    text.split(' ').map((part): [string, number] => {
      const [name = '', gpus = ''] = part.split('=');
      return [RESOURCES[name] ?? `unknown ${name}`, Number(gpus)];
    }),
  );
}

/** `a: gpu=3 + gpu=3`: a group and its nodes. */
function poolOf(text: string): CapacityPool {
  const [name = '', nodes = ''] = text.split(': ');
  return { name, free: nodes.split(' + ').map(gpusOf) };
}

const FIELDS: Readonly<Record<string, (text: string) => Partial<AllocationClaim>>> = {
  wanted: (text) => ({ wanted: Number(text) }),
  load: (text) => ({ load: Number(text) }),
  tier: (text) => ({ tier: Number(text) }),
  floor: (text) => ({ floor: Number(text) }),
  weight: (text) => ({ weight: Number(text) }),
  step: (text) => ({ step: Number(text) }),
  kind: (text) => ({ kind: text as AllocationClaim['kind'] }),
  needs: (text) => ({ gpus: gpusOf(text) }),
  groups: (text) => ({ groups: text.split(' ') }),
};

type Example = {
  readonly title: string;
  readonly strategy: AllocationStrategy;
  readonly pools: readonly CapacityPool[];
  readonly claims: readonly AllocationClaim[];
  readonly gets: readonly number[];
};

const cellsOf = (line: string): string[] =>
  line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());

function exampleOf([, head = '', table = '']: readonly string[], index: number): Example {
  const [name = '', ...pools] = head.split(' | ');
  const [header = '', , ...rows] = table.trim().split('\n');
  const columns = cellsOf(header);
  const strategies: Readonly<Record<string, AllocationStrategy>> = allocationStrategies;
  const strategy = strategies[name];
  if (strategy === undefined) throw new Error(`no strategy "${name}"`);
  const read = rows.map((row) => {
    const cells = cellsOf(row);
    const fields = columns.slice(1, -1).map((column, at) => {
      const field = FIELDS[column];
      if (field === undefined) throw new Error(`no column "${column}"`);
      return field(cells[at + 1] ?? '');
    });
    return { claim: claim(cells[0] ?? '', Object.assign({}, ...fields)), gets: Number(cells.at(-1)) };
  });
  return {
    title: `${index + 1}: ${head}`,
    strategy,
    pools: pools.map(poolOf),
    claims: read.map((row) => row.claim),
    gets: read.map((row) => row.gets),
  };
}

type Course = {
  readonly title: string;
  readonly rows: readonly Readonly<Record<string, string>>[];
  readonly toy: ToyFleet;
};

/** `for=wants | nodes=3 x gpu=4`, with a row for each workload. */
function courseOf([, head = '', table = '']: readonly string[]): Course {
  const [, what = '', nodes = '', gpus = ''] = /for=(\w+) \| nodes=(\d+) x gpu=(\d+)/.exec(head) ?? [];
  const [header = '', , ...lines] = table.trim().split('\n');
  const columns = cellsOf(header);
  const rows = lines.map((line) => Object.fromEntries(cellsOf(line).map((cell, at) => [columns[at] ?? '', cell])));
  const toy = toyFleet({
    fleet: fleet({ allocation: 'fair', preemption: { for: what } }),
    group: groupPolicy({ nodes: { max: 3 }, shape: { instanceType: 'g', gpus: { [GPU]: Number(gpus) } } }, 'a'),
    nodes: Number(nodes),
    workloads: rows.map(({ workload, tier, needs = '', runs, wants: wanted, floor }) => ({
      policy: workloadPolicy(
        {
          nodeGroups: ['a'],
          gpusPerReplica: gpusOf(needs),
          replicas: { min: Number(floor), max: 40 },
          priority: { tier: Number(tier) },
          signals: [{ kind: 'requestRate', perReplicaPerSec: 1 }],
        },
        workload,
      ),
      running: Number(runs),
      wanted: Number(wanted),
    })),
  });
  return { title: head, rows, toy };
}

const COURSES = [...PAGE.matchAll(/<!-- preemption: (.*?) -->\n((?:\|.*\n)+)/g)].map(courseOf);

/** Half an hour: everything has settled. */
const COURSE_TICKS = 180;

const EXAMPLES = [...PAGE.matchAll(/<!-- example: (.*?) -->\n((?:\|.*\n)+)/g)].map(exampleOf);

describe('docs/allocation.md', () => {
  test('has an example of every strategy', () => {
    const used = new Set(EXAMPLES.map(({ strategy }) => strategy));
    expect(Object.entries(allocationStrategies).filter(([, strategy]) => !used.has(strategy))).toEqual([]);
  });

  test.each(EXAMPLES.map((example) => [example.title, example] as const))('example %s', (_title, example) => {
    expect(shares(example.strategy, example.claims, example.pools)).toEqual(example.gets);
  });

  test('has courses of preemption', () => {
    expect(COURSES.length).toBeGreaterThanOrEqual(3);
  });

  test.each(COURSES.map((course, index) => [`${index + 1}: ${course.title}`, course] as const))(
    'preemption %s',
    (_title, { rows, toy }) => {
      for (let tick = 0; tick < COURSE_TICKS; tick++) toy.tick();
      expect(rows.map(({ workload = '' }) => toy.bound(workload))).toEqual(rows.map((row) => Number(row['ends with'])));
      expect(toy.pending()).toBe(0);
    },
  );
});
