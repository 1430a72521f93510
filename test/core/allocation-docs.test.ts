/** The worked examples of docs/allocation.md, executed. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { AllocationClaim, AllocationStrategy, CapacityPool } from '../../lib/core/allocation/contract.ts';
import { allocationStrategies } from '../../lib/core/allocation/index.ts';
import type { GpuCounts } from '../../lib/core/types.ts';
import { claim, GPU, shares } from './allocation-claims.ts';

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

const EXAMPLES = [...PAGE.matchAll(/<!-- example: (.*?) -->\n((?:\|.*\n)+)/g)].map(exampleOf);

describe('docs/allocation.md', () => {
  test('has an example of every strategy', () => {
    const used = new Set(EXAMPLES.map(({ strategy }) => strategy));
    expect(Object.entries(allocationStrategies).filter(([, strategy]) => !used.has(strategy))).toEqual([]);
  });

  test.each(EXAMPLES.map((example) => [example.title, example] as const))('example %s', (_title, example) => {
    expect(shares(example.strategy, example.claims, example.pools)).toEqual(example.gets);
  });
});
