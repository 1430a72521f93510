/** How to run a replay again. */
import { OPTIMUM, PENSTOCK, baseOf, byText } from './policies.ts';
import type { ReplayReport } from './types.ts';

const TUNED = 'tuned';

/** The command line that repeats the report, for a POSIX shell. The policy file is not part of a report and must be added as `--policy`. */
export function repeatCommand(report: ReplayReport): string {
  const { trace, settings, seed } = report;
  const names = Object.keys(report.policies);
  const peers = [...new Set(names.map(baseOf))].filter((name) => name !== PENSTOCK && name !== OPTIMUM);
  const flags: readonly (readonly [string, string | number])[] = [
    ['--trace', trace.file],
    ['--format', trace.format],
    ['--against', peers.length === 0 ? 'none' : peers.toSorted(byText).join(',')],
    ['--replica-class', settings.replicaClass],
    ['--lead-time', settings.leadTimeSec],
    ['--slo-wait', settings.sloWaitSec],
    ['--scale', settings.scale],
    ['--seed', seed],
    ['--engine', settings.engine],
    ['--from', settings.fromSec],
    ['--to', settings.toSec],
    ['--warmup', settings.warmupSec],
    ['--max-replicas', settings.replicas.max],
  ];
  const words = flags.flatMap(([flag, value]) => [flag, shellWord(String(value))]);
  if (names.some((name) => name.endsWith(`:${TUNED}`))) words.push('--tune-peers');
  if (trace.skippedLines > 0) words.push('--skip-bad-lines');
  return ['penstock', 'simulate', ...words].join(' ');
}

/** One word for a POSIX shell, whatever is in it. A leading dash is taken for a flag: such a file needs `./` before it. */
function shellWord(text: string): string {
  return /^[\w./:@%+,=][\w./:@%+,=-]*$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
