/** How to run a replay again. */
import { PENSTOCK, baseOf, byText, isYardstick } from './policies.ts';
import type { ReplayReport } from './types.ts';

type Flag = readonly [flag: string, value: string | number | null];

/** The command line that repeats the report, for a POSIX shell, in the folder where it was run: the same files give the same figures. Cuts and columns only where they were given. */
export function repeatCommand(report: ReplayReport): string {
  const flags = [...readFlags(report), ...plantFlags(report), ...cutFlags(report.settings)];
  const words = flags.flatMap(([flag, value]) => (value === null ? [] : [flag, shellWord(String(value))]));
  const { settings } = report;
  if (settings.tunePeers) words.push('--tune-peers');
  if (settings.sweepRisk) words.push('--sweep-risk');
  if (settings.skipBadLines) words.push('--skip-bad-lines');
  return ['penstock', 'simulate', ...words].join(' ');
}

function readFlags({ trace, settings, policies }: ReplayReport): Flag[] {
  const names = [...new Set(Object.keys(policies).map(baseOf))];
  const peers = names.filter((name) => name !== PENSTOCK && !isYardstick(name));
  return [
    ['--trace', trace.file],
    ['--format', trace.format],
    ['--lengths', settings.lengths?.file ?? null],
    ['--policy', settings.policy?.file ?? null],
    ['--against', peers.length === 0 ? 'none' : peers.toSorted(byText).join(',')],
  ];
}

function plantFlags({ settings, seed }: ReplayReport): Flag[] {
  const hasNodes = settings.peerNodes !== 'none';
  return [
    ['--replica-class', settings.replicaClass],
    ['--lead-time', settings.leadTimeSec],
    ['--lead-time-sigma', positive(settings.leadTimeSigma)],
    ['--capacity-wait', settings.capacityWait === null ? null : capacityWaitText(settings.capacityWait)],
    ['--failed-starts', positive(settings.failedStartRatio)],
    ['--peer-nodes', hasNodes ? settings.peerNodes : null],
    ['--warm-start', hasNodes ? settings.warmStartSec : null],
    ['--slo-wait', settings.sloWaitSec],
    ['--scale', settings.scale],
    ['--overlay', settings.overlay === 1 ? null : settings.overlay],
    ['--seed', seed],
    ['--engine', settings.engine],
    ['--tick', settings.tickSec],
    ['--max-replicas', settings.maxReplicas],
  ];
}

function cutFlags({ cut, columns, warmupSec }: ReplayReport['settings']): Flag[] {
  return [
    ['--from', cut.from],
    ['--to', cut.to],
    ['--warmup', positive(warmupSec)],
    ['--time-column', columns.timeColumn],
    ['--time-unit', columns.timeUnit],
    ['--rate-column', columns.rateColumn],
    ['--rate-unit', columns.rateUnit],
  ];
}

function positive(value: number): number | null {
  return value > 0 ? value : null;
}

/** As `--capacity-wait` takes it. */
export function capacityWaitText(wait: NonNullable<ReplayReport['settings']['capacityWait']>): string {
  if (wait.kind === 'quantiles') return `${wait.p50Sec}/${wait.p95Sec}`;
  return wait.cutSec === null ? 'recorded-uncut' : 'recorded';
}

/** One word for a POSIX shell, whatever is in it. A leading dash is taken for a flag: such a file needs `./` before it. */
function shellWord(text: string): string {
  return /^[\w./:@%+,=][\w./:@%+,=-]*$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
