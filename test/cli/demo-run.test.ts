/** `penstock demo` as people run it, on the Kafka and Redis of this test run. */
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { DemoReport } from '../../lib/cli/demo/report/report.ts';
import { run } from '../../lib/local/process/command.ts';
import { buildDemo, playLongEnough, startDemo, type Demo, type DemoBuild } from '../support/demo-process.ts';
import { testKafkaBrokers, testRedisUrl } from '../support/kafka-redis.ts';
import { eventually } from '../support/process-host.ts';

/** In a day of 25 s the burst lasts 4 s: that is soon over before anybody has to be told. */
const SHORTEST_SEC = 40;

let build: DemoBuild;
let folder: string;

beforeAll(async () => {
  build = await buildDemo();
});
afterAll(() => build?.remove());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'penstock-demo-test-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function start(args: readonly string[]): Demo {
  const servers = ['--kafka', testKafkaBrokers().join(','), '--redis', testRedisUrl()];
  return startDemo({ script: build.script, folder, args: [...servers, ...args] });
}

/** Process ids of everything below `pid`. */
async function descendantsOf(pid: number): Promise<number[]> {
  const parents = new Map<number, number>();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const text = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
    // The name in parentheses may hold anything; behind it come the state and the parent.
    const parent = text.slice(text.lastIndexOf(')') + 2).split(' ')[1];
    if (parent !== undefined) parents.set(Number(name), Number(parent));
  }
  const below = (one: number): boolean => {
    const parent = parents.get(one) ?? 0;
    return parent === pid || (parent > 1 && below(parent));
  };
  return [...parents.keys()].filter((one) => one !== pid && below(one));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Asks why the count is what it is while the day lasts. The demo tells by its code whether it has problems. */
async function playDay(file: string, durationSec: number): Promise<void> {
  const demo = start(['--duration', String(durationSec), '--report', file]);
  const told = /In another terminal: \. (\S+); npx penstock explain llama-8b-chat/;
  await eventually('it says how to look into it', () => told.test(demo.output()), {
    about: async () => demo.output(),
  });
  const [, settings = ''] = told.exec(demo.output()) ?? [];
  const shell = `. ${settings}; exec node ${build.script} explain llama-8b-chat`;
  const looked = await run(['sh', '-c', shell], { timeoutMs: 120_000 });
  expect(looked).toEqual({ code: 0, output: expect.stringContaining('not more') });
  const code = await demo.ended;
  if (code !== 0) process.stderr.write(`a day of ${durationSec} s ended with ${code}:\n${demo.output()}\n`);
  const { problems } = JSON.parse(await readFile(file, 'utf8')) as DemoReport;
  expect(code).toBe(problems.length === 0 ? 0 : 1);
}

describe('penstock demo', () => {
  test('plays a short day, reports it, and leaves nothing behind', async () => {
    const file = join(folder, 'report.json');
    const report = await playLongEnough(file, { shortestSec: SHORTEST_SEC, play: (sec) => playDay(file, sec) });
    const counts = expect.any(Number) as unknown as number;
    expect(report).toMatchObject({
      kafka: { kind: expect.any(String), version: expect.any(String) },
      redis: { kind: expect.any(String), version: expect.any(String) },
      eventsProduced: counts,
      eventsApplied: counts,
      eventsDeadLettered: counts,
      decisions: counts,
      deploymentResizes: counts,
      nodeGroupResizes: counts,
      alertsDelivered: counts,
      eventToPatchMs: { p50: counts, p99: counts },
      unservedShare: counts,
      problems: [],
    });
    expect(report.eventsApplied + report.eventsDeadLettered).toBe(report.eventsProduced);
    for (const least of [
      'eventsApplied',
      'decisions',
      'deploymentResizes',
      'nodeGroupResizes',
      'alertsDelivered',
    ] as const) {
      expect({ [least]: report[least] > 0 }).toEqual({ [least]: true });
    }
    expect(report.eventToPatchMs.p99 ?? 0).toBeGreaterThanOrEqual(report.eventToPatchMs.p50 ?? Infinity);
    expect(report.unservedShare).toBeGreaterThanOrEqual(0);
    expect(report.unservedShare).toBeLessThanOrEqual(1);
    expect(await readdir(folder)).toEqual(['report.json']);
  });

  test.each([
    ['while its servers start', /Starting a real/, 0],
    ['while the controller starts', /Started the controller/, 2],
    ['in the middle', /Live\./, 2],
  ])('ends at Ctrl-C %s with 130 and no process left', async (_when, line, childCount) => {
    const demo = start(['--duration', '120']);
    const pid = demo.child.pid ?? -1;
    await eventually('the demo is so far', () => line.test(demo.output()), { about: async () => demo.output() });
    const children = await descendantsOf(pid);
    expect(children.length).toBeGreaterThanOrEqual(childCount);
    process.kill(pid, 'SIGINT');
    expect(await demo.ended).toBe(130);
    await eventually('all its processes are gone', () => !children.some(isAlive));
    expect(await readdir(folder)).toEqual([]);
  });
});
