/** `penstock demo`: real Kafka and Redis, a cluster (simulated, or a real control plane), the controller and the bridge, and a day of traffic in two minutes. */
import { existsSync, realpathSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pico from 'picocolors';
import { systemClock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import { environment } from '../../hosts/config.ts';
import { defaultCacheDir } from '../../local/index.ts';
import { checkWritable } from '../writable.ts';
import type { ClusterName } from './cluster/clusters.ts';
import { playDay } from './play.ts';
import { startServers } from './servers/servers.ts';
import { besideHpa, renderBeside } from './report/beside-hpa.ts';
import { renderSummary } from './report/summary.ts';
import type { Colors } from './view/view.ts';

export type DemoOptions = {
  readonly duration: number;
  readonly cluster: ClusterName;
  readonly report?: string;
  readonly kafka?: string;
  readonly redis?: string;
  readonly plain?: boolean;
  readonly json?: boolean;
};

const STARTING: Readonly<Record<ClusterName, string>> = {
  simulated: 'Starting a real Kafka, a real Redis and a simulated cluster…',
  real: 'Starting a real Kafka, a real Redis and a real Kubernetes control plane…',
};

/** What helps where nothing can be fetched. */
const NAMED_SERVERS =
  'Servers that run already can be named: npm run demo -- --kafka HOST:PORT --redis redis://HOST:PORT';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Runs the demo and returns the exit code: 0 only when the report has no problems; 130 after Ctrl-C. Where people read, a replay beside an HPA follows. */
export async function demoCommand(options: DemoOptions): Promise<number> {
  if (options.report !== undefined) await checkWritable('report', options.report);
  const colors = pico.createColors(process.stdout.isTTY && environment('NO_COLOR') === undefined);
  const startedMs = systemClock.monotonicMs();
  const progress = (line: string): void => {
    process.stderr.write(
      `${colors.dim(`[${((systemClock.monotonicMs() - startedMs) / 1000).toFixed(1)} s]`)} ${line}\n`,
    );
  };
  const code = await playOnce(options, { colors, progress });
  // Figures for a program are those of the day alone.
  const isRead = options.json !== true && options.report === undefined;
  if (code === 0 && isRead) await tellBesideHpa({ colors, progress });
  return code;
}

type Talk = { readonly colors: Colors; readonly progress: (line: string) => void };

async function tellBesideHpa({ colors, progress }: Talk): Promise<void> {
  progress('Replaying an office day under Penstock and under an HPA (some seconds; Ctrl-C skips it)…');
  const beside = await besideHpa(packageRoot());
  process.stdout.write(`${renderBeside(beside, colors).join('\n')}\n`);
}

async function playOnce(options: DemoOptions, { colors, progress }: Talk): Promise<number> {
  const stopping = new AbortController();
  const stop = (): void => stopping.abort();
  for (const signal of SIGNALS) process.on(signal, stop);
  const undo: (() => Promise<void>)[] = [];
  try {
    progress(STARTING[options.cluster]);
    const root = packageRoot();
    const servers = await startServers({
      cluster: options.cluster,
      root,
      cacheDir: defaultCacheDir(environment('XDG_CACHE_HOME')),
      kafkaBrokers: options.kafka?.split(',') ?? null,
      redisUrl: options.redis ?? null,
      dayDurationSec: options.duration,
      progress,
      signal: stopping.signal,
      undo,
    });
    const report = await playDay({
      servers,
      durationSec: options.duration,
      live: process.stdout.isTTY && options.plain !== true && options.json !== true,
      lines: options.json === true ? process.stderr : process.stdout,
      colors,
      progress,
      signal: stopping.signal,
      undo,
      // The bin in node_modules is a link.
      script: realpathSync(process.argv[1] ?? ''),
      policyFile: join(root, 'infra', 'local', 'demo', 'policies.yaml'),
    });
    if (report === undefined) return 130;
    const json = `${JSON.stringify(report, null, 2)}\n`;
    process.stdout.write(options.json === true ? json : `${renderSummary(report, colors).join('\n')}\n`);
    if (options.report !== undefined) await writeFile(options.report, json);
    return report.problems.length === 0 ? 0 : 1;
  } catch (error) {
    if (stopping.signal.aborted) return 130;
    const reasons = error instanceof AggregateError ? error.errors.map(messageOf) : [messageOf(error)];
    for (const reason of reasons) process.stderr.write(`${colors.red('The demo failed:')} ${reason}\n`);
    if (reasons.some((reason) => reason.startsWith('Cannot get'))) process.stderr.write(`${NAMED_SERVERS}\n`);
    return 1;
  } finally {
    if (undo.length > 0) progress('Stopping everything…');
    for (const step of undo.toReversed()) {
      await step().catch((error: unknown) =>
        process.stderr.write(`Cannot stop one of the demo's parts: ${messageOf(error)}\n`),
      );
    }
    // Nothing is left to be stopped: from here on Ctrl-C ends the process by itself.
    for (const signal of SIGNALS) process.off(signal, stop);
  }
}

/** The folder with package.json: the bundle lies somewhere below it. */
function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json')) && folder !== dirname(folder)) folder = dirname(folder);
  return folder;
}
