/**
 * Bundle size and cold start of every function, in fresh processes: `init` is the time to load the bundle (what Lambda's init phase does first; Lambda adds
 * its own runtime), `answer` the time from there to the end of the first invocation, with Redis on this machine and everything built: what somebody who
 * waits notices. Run: npm run bench -- lambda [--json].
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { arch, cpus, loadavg, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { build } from '../../infra/local/build.mjs';
import { defaultCacheDir, startRedis } from '../../lib/local/index.ts';

export type LambdaFigure = {
  readonly name: string;
  readonly bytes: number;
  readonly gzipBytes: number;
  /** Time of `require` in a fresh process, median, lowest and highest [ms]. */
  readonly initMs: readonly [p50: number, min: number, max: number];
  /** Processor time of that, median [ms]: what a busy machine does not change much. */
  readonly initCpuMs: number;
  /** Time from the start of `require` to the first answer [ms]. */
  readonly answerMs: readonly [p50: number, min: number, max: number];
};

/** Fresh processes per function: the median of eleven does not follow one busy moment of the machine. */
const RUNS = 11;

/** Goals of the project: [ms], [bytes]. */
export const INIT_MS_GOAL = 300;
export const INGEST_BYTES_GOAL = 1_500_000;

const MARK = 'FIGURES ';

const CHILD = `
const startedMs = performance.now();
const cpu = process.cpuUsage();
const { handler } = require(process.argv[1]);
const initMs = performance.now() - startedMs;
const used = process.cpuUsage(cpu);
const initCpuMs = (used.user + used.system) / 1000;
const endMs = startedMs + 30_000;
const context = { functionName: 'bench', getRemainingTimeInMillis: () => endMs - performance.now() };
const tell = () => {
  const answerMs = performance.now() - startedMs;
  process.stdout.write('\\n${MARK}' + JSON.stringify({ initMs, initCpuMs, answerMs }) + '\\n', () => process.exit(0));
};
handler(JSON.parse(process.argv[2]), context).then(tell, (error) => { console.error(error.message); process.exit(1); });
`;

/** The smallest piece of work for each function. */
const EVENTS: Readonly<Record<string, unknown>> = {
  ingest: {
    eventSource: 'aws:kafka',
    records: {
      'inference-load-0': [
        {
          topic: 'inference-load',
          partition: 0,
          offset: 1,
          timestamp: 1,
          key: null,
          // A tombstone: is applied, leaves nothing.
          value: null,
          headers: [],
        },
      ],
    },
  },
  evaluate: { penstock: 'wake' },
  actuate: { penstock: 'wake' },
  notify: { penstock: 'wake' },
  api: { rawPath: '/healthz', requestContext: { http: { method: 'GET' } }, headers: {} },
};

const POLICY = `apiVersion: penstock.dev/v1
kind: ScalingPolicy
metadata: { name: bench }
spec: { target: { name: bench }, replicas: { max: 8 }, signals: [{ kind: inFlight, perReplica: 8 }] }
`;

const run = promisify(execFile);

type ColdStart = { readonly initMs: number; readonly initCpuMs: number; readonly answerMs: number };

type Environment = Readonly<Record<string, string>>;

/** The Kubernetes API refuses the connection at once: evaluate then holds, and has loaded everything. */
function environmentOf(redisUrl: string, policies: string): Environment {
  return {
    PATH: '/usr/bin:/bin',
    PENSTOCK_LOG_LEVEL: 'silent',
    PENSTOCK_REDIS_URL: redisUrl,
    PENSTOCK_POLICIES: policies,
    PENSTOCK_KUBERNETES: 'eks',
    PENSTOCK_EKS_CLUSTER: 'bench',
    PENSTOCK_EKS_ENDPOINT: 'https://127.0.0.1:9',
    PENSTOCK_EKS_CA_DATA: Buffer.from('none').toString('base64'),
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'bench',
    AWS_SECRET_ACCESS_KEY: 'bench',
  };
}

async function coldStart(
  output: { readonly name: string; readonly file: string },
  env: Environment,
): Promise<ColdStart> {
  const args = ['-e', CHILD, output.file, JSON.stringify(EVENTS[output.name])];
  // What one function leaves in Redis is no work for another.
  const own = { ...env, PENSTOCK_KEY_PREFIX: `bench-${output.name}` };
  const { stdout } = await run(process.execPath, args, { env: own, timeout: 60_000 });
  const line = stdout.split('\n').findLast((text) => text.startsWith(MARK));
  if (line === undefined)
    throw new Error(`Cannot measure "${output.name}": expected figures, current value is ${stdout}`);
  return JSON.parse(line.slice(MARK.length)) as ColdStart;
}

async function measure(
  output: { readonly name: string; readonly file: string; readonly bytes: number },
  env: Environment,
): Promise<LambdaFigure> {
  const starts: ColdStart[] = [];
  for (let round = 0; round < RUNS; round++) starts.push(await coldStart(output, env));
  return {
    name: output.name,
    bytes: output.bytes,
    gzipBytes: gzipSync(await readFile(output.file)).length,
    initMs: spreadOf(starts.map((start) => start.initMs)),
    initCpuMs: spreadOf(starts.map((start) => start.initCpuMs))[0],
    answerMs: spreadOf(starts.map((start) => start.answerMs)),
  };
}

function spreadOf(times: readonly number[]): readonly [number, number, number] {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (index: number): number => Math.round((sorted[index] ?? Number.NaN) * 10) / 10;
  return [at((sorted.length - 1) / 2), at(0), at(sorted.length - 1)];
}

/** Builds the functions and measures each, one after the other, on a Redis of its own. */
export async function measureFunctions(): Promise<readonly LambdaFigure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'penstock-bench-'));
  const redis = await startRedis({
    cacheDir: defaultCacheDir(undefined),
    progress: () => {},
    dataDir: join(folder, 'redis'),
  });
  try {
    await writeFile(join(folder, 'bench.yaml'), POLICY);
    const env = environmentOf(redis.url, join(folder, 'bench.yaml'));
    const figures: LambdaFigure[] = [];
    for (const output of await build({ only: ['functions'] })) figures.push(await measure(output, env));
    return figures;
  } finally {
    await redis.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

const row = (cells: readonly (string | number)[]): string =>
  cells.map((cell, index) => (index === 0 ? String(cell).padEnd(10) : String(cell).padStart(14))).join('');

const kb = (bytes: number): string => (bytes / 1_000).toFixed(0);

/** The figures as a table for people. */
export function tableOf(figures: readonly LambdaFigure[]): string {
  return [
    row(['function', 'bundle kB', 'gzip kB', 'init p50 ms', 'init min', 'init max', 'init CPU ms', 'answer p50 ms']),
    ...figures.map((f) => row([f.name, kb(f.bytes), kb(f.gzipBytes), ...f.initMs, f.initCpuMs, f.answerMs[0]])),
  ].join('\n');
}

/** Entry of the bench: prints the table, or JSON with `--json`. Exit code 1 when a goal is missed. */
export async function main(args: readonly string[] = process.argv.slice(2)): Promise<void> {
  const load = loadavg()[0]?.toFixed(1) ?? '?';
  const machine = `Node ${process.versions.node}, ${arch()}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, load ${load}`;
  const figures = await measureFunctions();
  if (args.includes('--json')) console.log(JSON.stringify({ bench: 'lambda', machine, runs: RUNS, figures }, null, 2));
  else console.log(`${machine}, median of ${RUNS} fresh processes\n${tableOf(figures)}`);
  for (const { name, bytes, initMs } of figures) {
    if (initMs[0] < INIT_MS_GOAL && (name !== 'ingest' || bytes < INGEST_BYTES_GOAL)) continue;
    console.error(`Goal missed: ${name} (init < ${INIT_MS_GOAL} ms; ingest < ${kb(INGEST_BYTES_GOAL)} kB)`);
    process.exitCode = 1;
  }
}

// Also when this is part of a larger bench, only its own bundle runs it.
if (basename(process.argv[1] ?? '') === 'lambda.mjs') await main();
