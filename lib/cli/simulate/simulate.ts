/** `penstock simulate`: what Penstock would have cost and missed on a trace, beside its peers and the best that was possible. */
import { createHash } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import pico from 'picocolors';
import { ConfigError } from '../../base/errors.ts';
import type { ScalingPolicy } from '../../core/policy.ts';
import { environment } from '../../hosts/config.ts';
import { policySources } from '../../policy-source/index.ts';
import { baselines } from '../../simulator/baselines/index.ts';
import { CUT_SEC } from '../../simulator/plant/fleet/capacity-wait.ts';
import type { CapacityWait } from '../../simulator/plant/fleet/capacity-wait.ts';
import { renderHtml } from '../../simulator/report/html.ts';
import { renderJson } from '../../simulator/report/json.ts';
import { renderTable } from '../../simulator/report/table.ts';
import type { ReplayReport } from '../../simulator/report/types.ts';
import type { PeerNodes } from '../../simulator/replay/node-models.ts';
import type { ReplayOptions } from '../../simulator/replay/prepare.ts';
import { runReplay } from '../../simulator/replay/run.ts';
import type { RateUnit, TimeUnit, TraceOptions } from '../../simulator/traces/contract.ts';
import { openTrace } from '../../simulator/traces/open-trace.ts';
import { failures, parseCondition } from './fail-if.ts';
import { workerFile } from './worker-file.ts';
import { checkWritable } from '../writable.ts';

export type SimulateOptions = {
  readonly trace: string;
  readonly format: string;
  readonly policy?: string;
  readonly against: string;
  readonly tunePeers?: boolean;
  readonly replicaClass?: string;
  readonly leadTime: string;
  readonly leadTimeSigma: number;
  readonly capacityWait: string;
  readonly failedStarts: number;
  readonly peerNodes: PeerNodes;
  readonly warmStart?: number;
  readonly sweepRisk?: boolean;
  readonly sloWait: number;
  readonly scale: number;
  readonly overlay: number;
  readonly tick?: number;
  readonly seed: number;
  readonly engine?: 'fluid' | 'requests';
  readonly from?: string;
  readonly to?: string;
  readonly warmup: number;
  readonly lengths?: string;
  readonly maxReplicas?: number;
  readonly timeColumn?: string;
  readonly rateColumn?: string;
  readonly timeUnit?: TimeUnit;
  readonly rateUnit?: RateUnit;
  readonly skipBadLines?: boolean;
  readonly json?: string;
  readonly html?: string;
  readonly failIf?: readonly string[];
  readonly version: string;
};

/** From asked for to ready [s], by name: medians of `lib/simulator/plant` presets. */
const LEAD_TIME_PRESETS: Readonly<Record<string, number>> = {
  standby: 5,
  warm: 82,
  tuned: 145,
  large: 410,
  cold: 690,
};

const DAY_SEC = 86_400;

/** Waits for a machine by name: `recorded` is cut at half an hour, `recorded-uncut` has the hours of its last hundredth. */
const CAPACITY_WAITS: Readonly<Record<string, CapacityWait | null>> = {
  none: null,
  recorded: { kind: 'recorded', cutSec: CUT_SEC },
  'recorded-uncut': { kind: 'recorded', cutSec: null },
};

/** Exit code: 0; 1 when a `--fail-if` condition holds. Throws ConfigError on a trace or an option that cannot be used. */
export async function simulateCommand(options: SimulateOptions): Promise<number> {
  const conditions = (options.failIf ?? []).map(parseCondition);
  if (options.json !== undefined) await checkWritable('report', options.json);
  if (options.html !== undefined) await checkWritable('page', options.html);
  const colors = pico.createColors(process.stdout.isTTY && environment('NO_COLOR') === undefined);
  const live = process.stderr.isTTY;
  const progress = (line: string): void => void process.stderr.write(live ? `\r\u001b[K${line}` : `${line}\n`);
  const policy = options.policy === undefined ? null : await policyOf(options.policy);
  const trace: TraceOptions = {
    format: options.format,
    ...(options.from === undefined ? {} : { from: timeOf(options.from) }),
    ...(options.to === undefined ? {} : { to: timeOf(options.to) }),
    ...(options.timeColumn === undefined ? {} : { timeColumn: options.timeColumn }),
    ...(options.rateColumn === undefined ? {} : { rateColumn: options.rateColumn }),
    ...(options.timeUnit === undefined ? {} : { timeUnit: options.timeUnit }),
    ...(options.rateUnit === undefined ? {} : { rateUnit: options.rateUnit }),
    skipBadLines: options.skipBadLines === true,
  };
  const engine = options.engine ?? (await engineFor(options.trace, trace));
  const { report, series } = await runReplay({
    file: options.trace,
    trace,
    engine,
    replicaClass: options.replicaClass ?? 'auto',
    leadTimeSec: leadTimeOf(options.leadTime),
    leadTimeSigma: options.leadTimeSigma,
    capacityWait: capacityWaitOf(options.capacityWait),
    failedStartRatio: options.failedStarts,
    peerNodes: options.peerNodes,
    ...(options.warmStart === undefined ? {} : { warmStartSec: options.warmStart }),
    sloWaitSec: options.sloWait,
    scale: options.scale,
    overlay: options.overlay,
    warmupSec: options.warmup,
    seed: options.seed,
    tickSec: options.tick ?? tickSecOf(engine, options.sloWait),
    replicas: limitsOf(options.maxReplicas, policy?.spec ?? null),
    maxReplicas: options.maxReplicas ?? null,
    lengthsFile: options.lengths ?? null,
    against: peersOf(options.against),
    tunePeers: options.tunePeers === true,
    sweepRisk: options.sweepRisk === true,
    policySpec: policy?.spec ?? null,
    policyFile: policy === null ? null : { file: policy.file, digest: policy.digest },
    version: options.version,
    progress,
    workerFile: workerFile(),
  });
  if (live) process.stderr.write('\r\u001b[K');
  process.stdout.write(`${renderTable(report, { colors }).join('\n')}\n`);
  if (options.json !== undefined) await writeFile(options.json, renderJson(report));
  if (options.html !== undefined) await writeFile(options.html, renderHtml(report, series));
  return told(report, conditions);
}

function told(report: ReplayReport, conditions: readonly ReturnType<typeof parseCondition>[]): number {
  const { penstock } = report.policies;
  if (penstock === undefined) return 1;
  const failed = failures(penstock, conditions);
  for (const line of failed) process.stderr.write(`${line}\n`);
  return failed.length === 0 ? 0 : 1;
}

function peersOf(text: string): string[] {
  const known = Object.keys(baselines);
  if (text === 'none') return [];
  if (text === 'all') return known;
  // Unknown ones are refused by the replay.
  return [...new Set(text.split(',').map((name) => name.trim()))];
}

/** One limit for every policy: `--max-replicas`, else the policy file's; null: what the trace needs. */
function limitsOf(max: number | undefined, policy: ScalingPolicy['spec'] | null): ReplayOptions['replicas'] {
  if (max === undefined) return policy === null ? null : { min: policy.replicas.min, max: policy.replicas.max };
  return { min: Math.min(policy?.replicas.min ?? 1, max), max };
}

const TICK_SEC_MAX = 5;

/** Samples come every second with single requests. A fluid's ticks are at most half of what a request may wait: a burst of that length is seen. */
function tickSecOf(engine: 'fluid' | 'requests', sloWaitSec: number): number {
  return engine === 'requests' ? 1 : Math.max(1, Math.min(TICK_SEC_MAX, Math.floor(sloWaitSec / 2)));
}

/** Requests that have a GPU for themselves are no fluid. */
async function engineFor(file: string, options: TraceOptions): Promise<'fluid' | 'requests'> {
  const { format } = await openTrace(file, options);
  return format === 'image' ? 'requests' : 'fluid';
}

/** `none`, a preset, or `P50/P95` in seconds. */
function capacityWaitOf(text: string): CapacityWait | null {
  if (Object.hasOwn(CAPACITY_WAITS, text)) return CAPACITY_WAITS[text] ?? null;
  const [p50Sec, p95Sec] = text.split('/').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  const isPair = text.split('/').length === 2 && p50Sec !== undefined && p95Sec !== undefined;
  if (isPair && p50Sec >= 0 && p95Sec >= p50Sec && p95Sec <= DAY_SEC) return { kind: 'quantiles', p50Sec, p95Sec };
  throw new ConfigError(
    `Cannot use the capacity wait "${text}": expected P50/P95 in seconds (P50 at most P95, up to ${DAY_SEC}), or one of ${Object.keys(CAPACITY_WAITS).join(', ')}`,
  );
}

function leadTimeOf(text: string): number {
  const preset = LEAD_TIME_PRESETS[text];
  if (preset !== undefined) return preset;
  const seconds = Number(text);
  if (Number.isFinite(seconds) && seconds >= 0 && seconds <= DAY_SEC && text.trim() !== '') return seconds;
  throw new ConfigError(
    `Cannot use the lead time "${text}": expected seconds from 0 to ${DAY_SEC}, or one of ${Object.keys(LEAD_TIME_PRESETS).join(', ')}`,
  );
}

/** Seconds since the start of the trace, or an ISO time. */
function timeOf(text: string): number | string {
  return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
}

type PolicyFile = { readonly spec: ScalingPolicy['spec']; readonly file: string; readonly digest: string };

/** The only ScalingPolicy of a file, and the SHA-256 of the file. */
async function policyOf(file: string): Promise<PolicyFile> {
  const { workloads } = await policySources.files({ paths: [file] }).current();
  const [policy, ...others] = workloads.values();
  if (policy === undefined || others.length > 0 || !(await stat(file)).isFile()) {
    throw new ConfigError(
      `Cannot replay with "${file}": expected a file with exactly one ScalingPolicy, current value is ${workloads.size}`,
    );
  }
  const digest = createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
  return { spec: policy.spec, file, digest };
}
