/**
 * Spare nodes under a load with bursts: late requests and GPU-hours with a fixed number and with `nodes.spare: auto`, on two courses of a week. The production planner on a
 * made-up group (a node takes 240 s, a pod 45 s on it, bursts of 1 to 3 replicas for 2 to 7 minutes, no forecast). Prints the tables of docs/node-groups.md.
 * Run: npm run bench -- spare [--days N].
 */
import { parseArgs } from 'node:util';
import { burstWorld } from '../support/burst-world.ts';
import type { BurstSettings } from '../support/burst-world.ts';

const { values } = parseArgs({ options: { days: { type: 'string', default: '7' } } });
const days = Number(values.days);

const COURSES: readonly (readonly [string, Pick<BurstSettings, 'burstsPerDay'>])[] = [
  ['8 bursts a day', { burstsPerDay: [8] }],
  ['8 a day for two days, then none', { burstsPerDay: [8, 8, 0] }],
];

const WAYS: readonly (readonly [string, Pick<BurstSettings, 'spare' | 'risk'>])[] = [
  ...[0, 1, 2, 3, 4].map((spare) => [`${spare}`, { spare }] as const),
  ['auto, risk low', { spare: 'auto', risk: 'low' }],
  ['auto, risk balanced', { spare: 'auto', risk: 'balanced' }],
  ['auto, risk cheap', { spare: 'auto', risk: 'cheap' }],
];

for (const [title, course] of COURSES) {
  const lines = [
    `| ${title}: \`nodes.spare\` | late requests | GPU-hours | nodes standing by, from day to day |`,
    '|---|---|---|---|',
  ];
  for (const [name, way] of WAYS) {
    const { lateShare, gpuHours, spareByHour } = burstWorld({ ...course, ...way, days, stepSec: 30 });
    const byDay = Array.from(
      { length: days },
      (_, day) => spareByHour[Math.min(24 * day + 23, spareByHour.length - 1)],
    );
    const standing = typeof way.spare === 'number' ? `${way.spare}` : byDay.join(', ');
    lines.push(`| ${name} | ${(100 * lateShare).toFixed(2)} % | ${gpuHours.toFixed(0)} | ${standing} |`);
  }
  process.stdout.write(`${lines.join('\n')}\n\n`);
}
