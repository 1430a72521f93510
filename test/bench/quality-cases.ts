/** Traces of the scaling-quality bench, and where they are. */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { seededRandom } from '../../lib/base/random.ts';
import { prepare } from '../../lib/simulator/replay/prepare.ts';
import type { Prepared } from '../../lib/simulator/replay/prepare.ts';

export type Case = {
  readonly name: string;
  readonly about: string;
  readonly file: string;
  readonly lengths: string | null;
  readonly scale: number;
  readonly replicaClass: string;
  readonly warmupSec: number;
  /** Copies of the recorded requests, shifted by random hours; default 1. */
  readonly overlay?: number;
  /** Default `fluid`; requests that have a GPU for themselves are no fluid. */
  readonly engine?: 'fluid' | 'requests';
  /** End of the cut [s]; default: all of it. */
  readonly toSec?: number;
  /** How long a request may wait [s]; default 10. */
  readonly sloWaitSec?: number;
  /** Default 5; bursts of seconds need ticks of one. */
  readonly tickSec?: number;
};

type Files = Omit<Case, 'file' | 'lengths'> & { readonly file: string; readonly lengths: string | null };

/** Scales bring each trace to some ten to forty replicas at its peak. The first day of a longer trace is history. */
const RECORDED: readonly Files[] = [
  {
    name: 'T1',
    about: 'a week of code completion, per minute',
    file: 'azure2024_code_week.csv.gz',
    lengths: 'azure2023_code.csv.gz',
    scale: 3,
    replicaClass: 'B',
    warmupSec: 86_400,
  },
  {
    name: 'T2',
    about: 'two weeks of a chat and API mix, per ten minutes',
    file: 'servegen_m-large_rate.csv.gz',
    lengths: 'servegen_m-large_requests.csv.gz',
    scale: 1,
    replicaClass: 'B',
    warmupSec: 86_400,
  },
  {
    name: 'T3',
    about: 'an hour of chat, every request',
    file: 'azure2023_conv.csv.gz',
    lengths: null,
    scale: 10,
    replicaClass: 'B',
    warmupSec: 600,
  },
  {
    name: 'T4',
    about: 'an hour of code with on/off bursts (ten-second peaks of 12 times the mean), every request',
    file: 'azure2023_code.csv.gz',
    lengths: null,
    scale: 20,
    replicaClass: 'B',
    warmupSec: 600,
    tickSec: 1,
  },
  {
    name: 'T5',
    about: 'five days of image generation, every request, one at a time per GPU; twelve such services at once',
    file: 'gentd26_images_d0-13.csv.gz',
    lengths: null,
    scale: 1,
    replicaClass: 'G',
    warmupSec: 86_400,
    // One alone is idle four fifths of the time and never has more than a few GPUs.
    overlay: 12,
    engine: 'requests',
    // Each request takes its time to replay: two weeks of them for every setting of every peer would take a day.
    toSec: 432_000,
  },
];

/** The same traces where a request may wait 2 s, by the requests themselves where the trace has them: `T1-2s`. */
const INTERACTIVE: readonly Files[] = ['T1', 'T2', 'T3', 'T4', 'T5'].flatMap((name) => {
  const recorded = RECORDED.filter((one) => one.name === name);
  return recorded.map((one) => ({
    ...one,
    name: `${name}-2s`,
    about: `${one.about}; a request may wait 2 s`,
    engine: one.lengths === null ? ('requests' as const) : ('fluid' as const),
    sloWaitSec: 2,
  }));
});

/** The sampled requests of T2, thirty of each: bursts that are thirty times as steep as they were, to see what that costs. */
const RECORDED_CHAT: Files = {
  name: 'T2r',
  about: 'three days of sampled requests of a chat and API mix, thirty of each',
  file: 'servegen_m-large_requests.csv.gz',
  lengths: null,
  scale: 30,
  replicaClass: 'B',
  warmupSec: 14_400,
};

const CASES = [...RECORDED, ...INTERACTIVE, RECORDED_CHAT];

/** What a trace is, by its name. */
export function aboutOf(name: string): string {
  return CASES.find((one) => one.name === name)?.about ?? 'a generated day with two bursts';
}

/** The wanted ones that are in `folder`; when there are none, one that is generated into `scratch`. */
export async function casesIn(
  folder: string,
  of: { readonly wanted: readonly string[]; readonly scratch: string },
): Promise<Case[]> {
  const at = (name: string): string => join(folder, name);
  const present = CASES.filter(({ name, file }) => of.wanted.includes(name) && existsSync(at(file)));
  if (present.length > 0) {
    return present.map((one) => ({
      ...one,
      file: at(one.file),
      lengths: one.lengths === null ? null : at(one.lengths),
    }));
  }
  process.stderr.write(
    `No trace in "${folder}" (PENSTOCK_TRACES names another folder): a generated day is replayed instead.\n`,
  );
  const file = join(of.scratch, 'generated.csv');
  await writeFile(file, generatedDay());
  const shared = { lengths: null, scale: 1, replicaClass: 'B', warmupSec: 7_200 };
  return [{ name: 'generated', about: aboutOf('generated'), file, ...shared }];
}

/** A case as all policies of a bench meet it: fixed lead time, no failed starts, one seed. */
export function preparedCase(one: Case, leadTimeSec: number): Promise<Prepared> {
  return prepare({
    file: one.file,
    trace: { format: 'auto', skipBadLines: true, ...(one.toSec === undefined ? {} : { to: one.toSec }) },
    engine: one.engine ?? 'fluid',
    replicaClass: one.replicaClass,
    leadTimeSec,
    leadTimeSigma: 0,
    failedStartRatio: 0,
    sloWaitSec: one.sloWaitSec ?? 10,
    scale: one.scale,
    warmupSec: one.warmupSec,
    seed: 1,
    tickSec: one.tickSec ?? 5,
    ...(one.overlay === undefined ? {} : { overlay: one.overlay }),
    replicas: null,
    lengthsFile: one.lengths,
  });
}

/** A day with a bell-shaped course, minute noise and two bursts, made here. */
function generatedDay(): string {
  const random = seededRandom(42);
  const lines = ['t,rps'];
  for (let minute = 0; minute < 1_440; minute++) {
    const day = 30 + 90 * Math.exp(-(((minute - 840) / 260) ** 2));
    const burst = (minute >= 600 && minute < 610) || (minute >= 1_000 && minute < 1_004) ? 1.8 : 1;
    lines.push(`${minute * 60},${(day * burst * (0.93 + 0.14 * random())).toFixed(3)}`);
  }
  return `${lines.join('\n')}\n`;
}
