/** Parts of a signal that a source may leave out: needless until somebody reports them, a gap when they fall silent afterwards. */
import type { WorkloadInput } from '../decide-types.ts';
import type { SignalName } from '../types.ts';

const OPTIONAL_NAMES = ['queued', 'requestRate'] as const satisfies readonly SignalName[];
const [QUEUED, REQUEST_RATE] = OPTIONAL_NAMES;

/** After an hour of silence a part is taken for gone for good (a server was upgraded, a gateway reconfigured) [ms]. */
const HEARD_MS_MAX = 3_600_000;

export type Heard = Readonly<Record<string, number>>;

/** When each optional part was heard last, as of now [epoch ms]. */
export function heardAfter(input: WorkloadInput): Heard {
  const queued = lastHeardMs(input, QUEUED);
  const requestRate = lastHeardMs(input, REQUEST_RATE);
  if (queued === undefined) return requestRate === undefined ? {} : { requestRate };
  return requestRate === undefined ? { queued } : { queued, requestRate };
}

function lastHeardMs(input: WorkloadInput, name: (typeof OPTIONAL_NAMES)[number]): number | undefined {
  if (input.readings[name].kind === 'value') return input.nowMs;
  const lastMs = input.control?.heard?.[name];
  return lastMs !== undefined && input.nowMs - lastMs <= HEARD_MS_MAX ? lastMs : undefined;
}

const NONE: ReadonlySet<SignalName> = new Set();
const BOTH: ReadonlySet<SignalName> = new Set(OPTIONAL_NAMES);
const ONLY_QUEUED: ReadonlySet<SignalName> = new Set([QUEUED]);
const ONLY_REQUEST_RATE: ReadonlySet<SignalName> = new Set([REQUEST_RATE]);

/** The names among them. */
export function heardNames(heard: Heard): ReadonlySet<SignalName> {
  if (heard[QUEUED] === undefined) return heard[REQUEST_RATE] === undefined ? NONE : ONLY_REQUEST_RATE;
  return heard[REQUEST_RATE] === undefined ? ONLY_QUEUED : BOTH;
}
