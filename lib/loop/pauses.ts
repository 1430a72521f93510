/** Sets and lifts pauses, for people. The actuator reads them: actuate/pause.ts. */
import { ConflictError } from '../base/errors.ts';
import { PAUSES_ID } from '../state/contract.ts';
import type { Pause, Pauses } from '../state/contract.ts';
import type { LoopDeps } from './deps.ts';

/** What is paused or resumed. */
export type PauseScope =
  | { readonly kind: 'all' }
  | { readonly kind: 'workload'; readonly name: string }
  | { readonly kind: 'nodeGroup'; readonly name: string };

export type PauseView = Pause & { readonly kind: PauseScope['kind']; readonly name: string };

export type PauseDeps = Pick<LoopDeps, 'clock' | 'state'>;

const NOTHING: Pauses = { all: null, workloads: {}, nodeGroups: {} };

/** People who pause at the same instant; more in a row mean that something is wrong. */
const TRIES_MAX = 5;

/** From the answer on no call that changes something begins. A second pause of the same keeps the first one's words. Throws TransientError. */
export async function pause(
  deps: PauseDeps,
  scope: PauseScope,
  said: { readonly by: string; readonly reason: string },
): Promise<void> {
  const entry: Pause = { ...said, atMs: deps.clock.nowMs() };
  await change(deps, (before) => {
    if (scope.kind === 'all') return { ...before, all: before.all ?? entry };
    const field = scope.kind === 'workload' ? 'workloads' : 'nodeGroups';
    return { ...before, [field]: { [scope.name]: entry, ...before[field] } };
  });
}

/** Lifts exactly this pause: `all` leaves those of single workloads. The next evaluation brings the work back. Returns whether there was one. Throws TransientError. */
export async function resume(deps: PauseDeps, scope: PauseScope): Promise<boolean> {
  let wasPaused = false;
  await change(deps, (before) => {
    if (scope.kind === 'all') {
      wasPaused = before.all !== null;
      return { ...before, all: null };
    }
    const field = scope.kind === 'workload' ? 'workloads' : 'nodeGroups';
    const { [scope.name]: lifted, ...others } = before[field];
    wasPaused = lifted !== undefined;
    return { ...before, [field]: others };
  });
  return wasPaused;
}

/** Everything that is paused, `all` first. Throws TransientError. */
export async function listPauses({ state }: Pick<PauseDeps, 'state'>): Promise<readonly PauseView[]> {
  const { all, workloads, nodeGroups } = (await state.pauses.read(PAUSES_ID))?.value ?? NOTHING;
  return [
    ...(all === null ? [] : [{ ...all, kind: 'all' as const, name: '' }]),
    ...viewsOf('workload', workloads),
    ...viewsOf('nodeGroup', nodeGroups),
  ];
}

function viewsOf(kind: PauseScope['kind'], pauses: Readonly<Record<string, Pause>>): PauseView[] {
  return Object.entries(pauses).map(([name, one]) => ({ ...one, kind, name }));
}

async function change({ state }: Pick<PauseDeps, 'state'>, by: (before: Pauses) => Pauses): Promise<void> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const stored = await state.pauses.read(PAUSES_ID);
    if (await state.pauses.compareAndSet(PAUSES_ID, by(stored?.value ?? NOTHING), stored?.version)) return;
  }
  throw new ConflictError(
    `Cannot change what is paused: expected to win one of ${TRIES_MAX} races, current value is 0`,
  );
}
