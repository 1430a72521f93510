/** What the scaling-quality bench measured, kept so that a part of it can be measured again: runs by trace, lead time, policy and setting. */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { bestOf, missRatioOf } from '../../lib/simulator/replay/tuning.ts';

export type Run = {
  readonly policy: string;
  /** Null: at the recommended setting. */
  readonly tuning: Readonly<Record<string, number>> | null;
  readonly gpuHours: number;
  readonly sloMissCount: number;
  readonly requestCount: number;
  /** 99th percentile of the time to first token, and of the mean time between two tokens of an answer [ms]; of the `requests` engine. */
  readonly ttftP99Ms?: number;
  readonly interTokenP99Ms?: number;
  /** Times the wanted count turned, and the longest wait [s]; of the bench of unseen traffic. */
  readonly directionChanges?: number;
  readonly waitSecMax?: number;
};

export type Row = {
  readonly trace: string;
  readonly leadTimeSec: number;
  /** Such as `2026-11-25`. */
  readonly measured: string;
  readonly runs: readonly Run[];
};

/** Rows of an earlier bench; none when the file is not there. */
export async function readRows(file: string): Promise<Row[]> {
  if (!existsSync(file)) return [];
  const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
  return lines.reduce<Row[]>((rows, line) => {
    const { trace, leadTimeSec, measured, ...run } = JSON.parse(line) as Line;
    return withRow(rows, { trace, leadTimeSec, measured, runs: [run] }, 'beside');
  }, []);
}

type Line = Omit<Row, 'runs'> & Run;

/** JSON Lines, one a run. */
export async function writeRows(file: string, rows: readonly Row[]): Promise<void> {
  const lines = rows.flatMap(({ runs, ...head }) => runs.map((run) => `${JSON.stringify({ ...head, ...run })}\n`));
  await writeFile(file, lines.join(''));
}

/** The new row with an old one of its trace and lead time; `instead`: runs that were made again take the place of the old ones. */
export function withRow(rows: readonly Row[], row: Row, how: 'instead' | 'beside' = 'instead'): Row[] {
  const isSame = (other: Row): boolean => other.trace === row.trace && other.leadTimeSec === row.leadTimeSec;
  const old = rows.find(isSame);
  const again = new Set(how === 'instead' ? row.runs.map(groupOf) : []);
  const kept = (old?.runs ?? []).filter((run) => !again.has(groupOf(run)));
  const merged = { ...row, runs: [...kept, ...row.runs] };
  return [...rows.filter((other) => !isSame(other)), merged].toSorted(
    (one, other) =>
      (one.trace < other.trace ? -1 : one.trace > other.trace ? 1 : 0) || one.leadTimeSec - other.leadTimeSec,
  );
}

/** All settings of a grid are measured together. */
function groupOf({ policy, tuning }: Run): string {
  return `${policy} ${tuning === null ? 'recommended' : 'tuned'}`;
}

/** Settings that no other one beats in both GPU-hours and misses: whatever Penstock will miss, the best one is among them. */
export function undominated(runs: readonly Run[]): Run[] {
  const beats = (one: Run, other: Run): boolean =>
    one.gpuHours <= other.gpuHours &&
    one.sloMissCount <= other.sloMissCount &&
    (one.gpuHours < other.gpuHours || one.sloMissCount < other.sloMissCount);
  return runs.filter((run) => !runs.some((other) => beats(other, run)));
}

export function recommendedOf({ runs }: Row, policy: string): Run | undefined {
  return runs.find((run) => run.policy === policy && run.tuning === null);
}

/** The cheapest setting that misses no more than Penstock, or else the one that misses least; the recommended one takes part. */
export function tunedOf(row: Row, policy: string): Run | undefined {
  const runs = row.runs.filter((run) => run.policy === policy);
  const penstock = recommendedOf(row, 'penstock');
  if (!runs.some(({ tuning }) => tuning !== null)) return undefined;
  const totals = (run: Run): { readonly totals: Run } => ({ totals: run });
  return bestOf(runs.map(totals), penstock === undefined ? undefined : missRatioOf(totals(penstock)))?.totals;
}
