/** `penstock simulate`: what Penstock would have cost and missed on a trace, beside its peers and the best that was possible. */
import { createHash } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import pico from 'picocolors';
import { ConfigError } from '../../base/errors.ts';
import type { ScalingPolicy } from '../../core/policy.ts';
import { environment } from '../../hosts/config.ts';
import { policySources } from '../../policy-source/index.ts';
import { renderHtml } from '../../simulator/report/html.ts';
import { renderJson } from '../../simulator/report/json.ts';
import { renderTable } from '../../simulator/report/table.ts';
import type { ReplayReport } from '../../simulator/report/types.ts';
import { runReplay } from '../../simulator/replay/run.ts';
import type { TraceOptions } from '../../simulator/traces/contract.ts';
import { openTrace } from '../../simulator/traces/open-trace.ts';
import { failures, parseCondition } from './fail-if.ts';
import { capacityWaitOf, leadTimeOf, limitsOf, peersOf, tickSecOf, timeOf } from './options.ts';
import type { SimulateOptions } from './options.ts';
import { workerFile } from './worker-file.ts';
import { checkWritable } from '../writable.ts';

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

/** Requests that have a GPU for themselves are no fluid. */
async function engineFor(file: string, options: TraceOptions): Promise<'fluid' | 'requests'> {
  const { format } = await openTrace(file, options);
  return format === 'image' ? 'requests' : 'fluid';
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
