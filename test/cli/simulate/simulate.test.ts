/** `penstock simulate` as people run it: the built CLI, with its worker threads. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { buildCli } from '../../../infra/local/build.mjs';
import { ConfigError } from '../../../lib/base/errors.ts';
import { runReplay } from '../../../lib/simulator/replay/run.ts';
import { runTasks } from '../../../lib/simulator/replay/workers.ts';
import { renderJson } from '../../../lib/simulator/report/json.ts';
import type { ReplayReport } from '../../../lib/simulator/report/types.ts';
import { groundOfLoad, runOptions, waveCsv } from '../../simulator/replay/support.ts';

type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

let folder: string;
let script: string;
let trace: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'penstock-simulate-'));
  script = await buildCli({ outDir: join(folder, 'dist') });
  trace = join(folder, 'small.csv');
  await writeFile(trace, waveCsv(40));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function simulate(...args: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, [script, 'simulate', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 240_000,
  });
  const texts = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (texts.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (texts.stderr += text));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve);
  });
  return { code, ...texts };
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const reportIn = async (file: string): Promise<ReplayReport> =>
  JSON.parse(await readFile(file, 'utf8')) as ReplayReport;

describe('penstock simulate', () => {
  test('shows the table on standard output, its progress on standard error, and writes JSON and a page', async () => {
    const [json, html] = [join(folder, 'report.json'), join(folder, 'report.html')];
    const ended = await simulate('--trace', trace, '--against', 'hpa', '--json', json, '--html', html);

    expect(ended).toMatchObject({ code: 0 });
    expect(ended.stdout).toMatch(/policy .*GPU-hours/);
    for (const name of ['penstock', 'hpa', 'optimum']) expect(ended.stdout).toContain(name);
    expect(ended.stdout).not.toContain('…');
    expect(ended.stderr.trim().split('\n')).toEqual([
      `Reading ${trace}…`,
      'Running penstock…',
      'Computing the optimum…',
      'Computing the window rule…',
      'Running hpa…',
    ]);
    expect(Object.keys((await reportIn(json)).policies)).toEqual(['penstock', 'hpa', 'optimum', 'windowRule']);
    expect(await readFile(html, 'utf8')).toMatch(/^<!doctype html>[^]*penstock/i);
  });

  test('gives the same bytes as one thread does, run after run', async () => {
    const json = join(folder, 'threads.json');
    const against = ['hpa', 'keda', 'static'];
    await simulate('--trace', trace, '--against', against.join(','), '--lead-time', '60', '--json', json);
    const { report } = await runReplay(runOptions(trace, { trace: { format: 'auto' }, against, version: '0.1.0' }));
    expect(await readFile(json, 'utf8')).toBe(renderJson(report));
  });

  test('against none, and a trace that is compressed', async () => {
    const zipped = join(folder, 'small.csv.gz');
    await writeFile(zipped, gzipSync(await readFile(trace)));
    const json = join(folder, 'none.json');
    expect(await simulate('--trace', zipped, '--against', 'none', '--json', json)).toMatchObject({ code: 0 });
    expect(Object.keys((await reportIn(json)).policies)).toEqual(['penstock', 'optimum', 'windowRule']);
  });

  test('takes the limits of a policy file for everybody', async () => {
    const policy = join(folder, 'policy.yaml');
    const json = join(folder, 'policy.json');
    await writeFile(
      policy,
      [
        'apiVersion: penstock.dev/v1',
        'kind: ScalingPolicy',
        'metadata: { name: chat }',
        'spec:',
        '  target: { namespace: inference, name: chat }',
        '  replicas: { min: 2, max: 7 }',
        '  signals: [{ kind: requestRate, perReplicaPerSec: 5 }]',
      ].join('\n'),
    );
    const ended = await simulate('--trace', trace, '--policy', policy, '--against', 'hpa', '--json', json);
    expect(ended).toMatchObject({ code: 0 });
    const report = await reportIn(json);
    expect(report.settings.replicas).toEqual({ min: 2, max: 7 });
    expect(report.policies['penstock']?.settings['signals']).toContain('"perReplicaPerSec":5');
    for (const name of ['penstock', 'hpa']) expect(report.policies[name]?.replicasMax).toBeLessThanOrEqual(7);
  });
});

describe('the command that repeats a run', () => {
  test('gives the same bytes, with the policy, the lengths, the columns and the cut', async () => {
    const [policy, lengths] = [join(folder, 'a policy.yaml'), join(folder, 'lengths.csv')];
    await writeFile(
      policy,
      [
        'apiVersion: penstock.dev/v1',
        'kind: ScalingPolicy',
        'metadata: { name: chat }',
        'spec: { target: { namespace: a, name: b }, replicas: { max: 9 }, risk: low, signals: [{ kind: requestRate, perReplicaPerSec: 8 }] }',
      ].join('\n'),
    );
    await writeFile(lengths, 't,in_tok,out_tok\n0,800,90\n1,2000,150\n2,300,400\n');
    const odd = join(folder, 'odd.csv');
    await writeFile(odd, (await readFile(trace, 'utf8')).replace('t,rps', 'when,how many'));
    const [first, again] = [join(folder, 'first.json'), join(folder, 'again.json')];
    const given = ['--policy', policy, '--lengths', lengths, '--time-column', 'when', '--time-unit', 's'];
    const cut = ['--rate-column', 'how many', '--rate-unit', 's', '--from', '120', '--to', '1500', '--warmup', '62'];
    const plant = [
      '--lead-time',
      'warm',
      '--lead-time-sigma',
      '0.2',
      '--capacity-wait',
      '5/30',
      '--failed-starts',
      '0.1',
    ];
    const more = ['--peer-nodes', 'karpenter', '--slo-wait', '4', '--seed', '7', '--against', 'static,hpa'];
    const ended = await simulate('--trace', odd, ...given, ...cut, ...plant, ...more, '--json', first);
    expect(ended).toMatchObject({ code: 0 });

    const { repeat, settings } = JSON.parse(await readFile(first, 'utf8')) as ReplayReport & { repeat: string };
    expect(settings.policy).toEqual({ file: policy, digest: sha256(await readFile(policy, 'utf8')) });
    expect(settings.lengths).toEqual({ file: lengths, digest: expect.stringMatching(/^[\da-f]{64}$/) });
    // As a shell splits it.
    const words = Array.from(repeat.matchAll(/'([^']*)'|(\S+)/g), ([, quoted, plain]) => quoted ?? plain ?? '');
    expect(words.slice(0, 2)).toEqual(['penstock', 'simulate']);
    expect(words).not.toContain('--max-replicas');
    expect(await simulate(...words.slice(2), '--json', again)).toMatchObject({ code: 0 });
    expect(await readFile(again, 'utf8')).toBe(await readFile(first, 'utf8'));
  });
});

describe('exit code', () => {
  test('1 when a --fail-if condition holds, with the condition; 0 when none does', async () => {
    const failed = await simulate('--trace', trace, '--against', 'none', '--fail-if', 'gpuHours>0', 'costUsd<0');
    expect(failed.code).toBe(1);
    expect(failed.stderr).toMatch(/Failed: gpuHours is [\d.]+, which is > 0\n$/);
    expect(failed.stdout).toContain('penstock');
    const passed = await simulate('--trace', trace, '--against', 'none', '--fail-if', 'gpuHours<0');
    expect(passed.code).toBe(0);
  });

  test.each([
    [
      'an unknown peer',
      ['--against', 'hpa,nobody'],
      'Cannot compare with "nobody": expected all, none, or names among hpa',
    ],
    ['a condition that is none', ['--fail-if', 'cost<1'], 'Cannot use --fail-if "cost<1"'],
    [
      'a capacity wait that is none',
      ['--capacity-wait', '60/30'],
      'Cannot use the capacity wait "60/30": expected P50/P95',
    ],
    ['copies of a rate series', ['--overlay', '3'], 'expected recorded requests, current value is a rate series'],
    ['a lead time that is none', ['--lead-time', 'soon'], 'Cannot use the lead time "soon"'],
    [
      'a page that could not be written',
      ['--html', '/nowhere/page.html'],
      'Cannot write the page "/nowhere/page.html"',
    ],
    ['a warm-up that leaves nothing', ['--warmup', '2400'], "expected a warm-up shorter than the trace's 2400 s"],
  ])('2 for %s, before anything runs', async (_what, args, message) => {
    const ended = await simulate('--trace', trace, ...args);
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toContain(message);
    expect(ended.stderr).not.toContain('Running');
  });

  test('2 for a bad line, with file, line number and what was expected', async () => {
    const bad = join(folder, 'bad.csv');
    await writeFile(bad, 't,rps\n0,1\n60,many\n120,2\n');
    const ended = await simulate('--trace', bad, '--against', 'none');
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toMatch(/bad\.csv.*line 3.*expected.*many/s);
    const json = join(folder, 'skipped.json');
    const skipped = await simulate('--trace', bad, '--against', 'none', '--skip-bad-lines', '--json', json);
    expect(skipped.code).toBe(0);
    expect((await reportIn(json)).trace.skippedLines).toBe(1);
  });
});

describe('worker threads', () => {
  test('pass on what a task threw, and all of them end', async () => {
    const workerFile = pathToFileURL(join(folder, 'dist', 'replay-worker.mjs'));
    const run = runTasks({
      ground: groundOfLoad([1, 2, 3]),
      tasks: [
        { kind: 'optimum' },
        { kind: 'baseline', name: 'nobody', tuning: {} },
        { kind: 'baseline', name: 'static', tuning: {} },
      ],
      workerFile,
      threads: 2,
      onStart: () => {},
    });
    await expect(run).rejects.toThrow(ConfigError);
    await expect(run).rejects.toThrow('Cannot compare with "nobody"');
  });

  test('that cannot start fail the run instead of leaving it waiting', async () => {
    const run = runTasks({
      ground: groundOfLoad([1]),
      tasks: [{ kind: 'optimum' }, { kind: 'optimum' }],
      workerFile: pathToFileURL(join(folder, 'nowhere.mjs')),
      threads: 2,
      onStart: () => {},
    });
    await expect(run).rejects.toThrow(/nowhere\.mjs/);
  });
});
