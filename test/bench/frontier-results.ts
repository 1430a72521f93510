/** What the frontier bench measured, one line a cell: a trace, a lead time, a policy and its setting; and what the quality bench did. */
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { settingText } from './frontier-settings.ts';
import type { Setting } from './frontier-settings.ts';
import { readRows } from './quality-results.ts';

export type Point = {
  readonly trace: string;
  readonly leadTimeSec: number;
  readonly policy: string;
  /** Null: at the recommended setting. */
  readonly setting: Setting;
  readonly gpuHours: number;
  readonly sloMissCount: number;
  readonly requestCount: number;
  /** Such as `2026-11-25`. */
  readonly measured: string;
  /** Penstock by its decision core alone, without the stages around it (`core-scaler.ts`). */
  readonly core?: true;
  /** A setting of the quality bench's grids, which change everything of a peer at once. */
  readonly grid?: true;
};

/** Of an earlier bench; none when the file is not there. */
export async function readPoints(file: string): Promise<Point[]> {
  if (!existsSync(file)) return [];
  const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as Point);
}

/** What the quality bench measured on the same plant: everything at its recommended setting, and of the grids over all settings of a peer those that no other beats. */
export async function qualityPoints(file: string): Promise<Point[]> {
  return (await readRows(file)).flatMap(({ trace, leadTimeSec, measured, runs }) =>
    runs.map(({ policy, tuning, gpuHours, sloMissCount, requestCount }) => {
      const point = { trace, leadTimeSec, policy, setting: tuning, gpuHours, sloMissCount, requestCount, measured };
      return Object.keys(tuning ?? {}).length > 1 ? { ...point, grid: true as const } : point;
    }),
  );
}

/** JSON Lines in a fixed order, so that a cell measured again changes one line. At once and as a whole: a replay in this thread leaves no turn for a file that is written by and by. */
export function writePoints(file: string, points: readonly Point[]): void {
  const lines = points.toSorted(inOrder).map((point) => `${JSON.stringify(point)}\n`);
  writeFileSync(`${file}.part`, lines.join(''));
  renameSync(`${file}.part`, file);
}

/** The cell that a point fills. */
export function keyOf({
  trace,
  leadTimeSec,
  policy,
  setting,
}: Pick<Point, 'trace' | 'leadTimeSec' | 'policy' | 'setting'>): string {
  return `${trace} ${String(leadTimeSec).padStart(5, '0')} ${policy} ${settingText(setting)}`;
}

/** The new point with all others; it takes the place of an old one of its cell. */
export function withPoint(points: readonly Point[], point: Point): Point[] {
  const key = keyOf(point);
  return [...points.filter((other) => keyOf(other) !== key), point];
}

function inOrder(one: Point, other: Point): number {
  const [left, right] = [keyOf(one), keyOf(other)];
  return left < right ? -1 : left > right ? 1 : 0;
}
