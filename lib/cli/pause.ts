/** `penstock pause` and `penstock resume`: the kill switch, in the store that the controller asks before every write. */
import { hostname, userInfo } from 'node:os';
import { systemClock } from '../base/clock.ts';
import { ConfigError } from '../base/errors.ts';
import { jsonLogger } from '../base/log.ts';
import { noMetrics } from '../base/metrics.ts';
import { readConfig } from '../hosts/config.ts';
import { openPolicies, openState } from '../hosts/connections.ts';
import type { Base } from '../hosts/connections.ts';
import { pause, resume } from '../loop/pauses.ts';
import type { PauseDeps, PauseScope } from '../loop/pauses.ts';

export type PauseOptions = { readonly all: boolean; readonly nodeGroup?: string };

/** A reason is one line in status [characters]. */
const REASON_LENGTH_MAX = 200;

/** Throws ConfigError unless exactly one thing is named, TransientError when Redis cannot be reached. */
export async function pauseCommand(
  workload: string | undefined,
  options: PauseOptions & { readonly reason?: string },
): Promise<void> {
  const reason = (options.reason ?? '').slice(0, REASON_LENGTH_MAX);
  const by = `${userName()}@${hostname()}`;
  await withScope(workload, options, async (deps, scope) => {
    await pause(deps, scope, { by, reason });
    process.stdout.write(`Paused ${wordsOf(scope)}: nothing is written from now on. Decisions go on.\n`);
  });
}

/** Throws like {@link pauseCommand}. */
export async function resumeCommand(workload: string | undefined, options: PauseOptions): Promise<void> {
  await withScope(workload, options, async (deps, scope) => {
    const wasPaused = await resume(deps, scope);
    process.stdout.write(`${wasPaused ? 'Resumed' : 'Was not paused:'} ${wordsOf(scope)}\n`);
  });
}

async function withScope(
  workload: string | undefined,
  options: PauseOptions,
  work: (deps: PauseDeps, scope: PauseScope) => Promise<void>,
): Promise<void> {
  const base: Base = { config: readConfig(), log: jsonLogger({ level: 'error' }), metrics: noMetrics };
  const scope = scopeOf(workload, options);
  await checkName(base, scope);
  const state = await openState(base);
  try {
    await work({ clock: systemClock, state }, scope);
  } finally {
    await state.close();
  }
}

/** A user id without an entry has no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'somebody';
  }
}

function scopeOf(workload: string | undefined, { all, nodeGroup }: PauseOptions): PauseScope {
  const scopes: PauseScope[] = [
    ...(all ? [{ kind: 'all' as const }] : []),
    ...(workload === undefined ? [] : [{ kind: 'workload' as const, name: workload }]),
    ...(nodeGroup === undefined ? [] : [{ kind: 'nodeGroup' as const, name: nodeGroup }]),
  ];
  const [scope] = scopes;
  if (scope !== undefined && scopes.length === 1) return scope;
  throw new ConfigError(
    `Cannot tell what is meant: expected one of WORKLOAD, --node-group NAME and --all, current value is ${scopes.length} of them`,
  );
}

/** A misspelt name would pause nothing. Everything can be stopped whatever state the policies are in. */
async function checkName(base: Base, scope: PauseScope): Promise<void> {
  if (scope.kind === 'all') return;
  const { workloads, nodeGroups } = await openPolicies(base).current();
  const names = [...(scope.kind === 'workload' ? workloads : nodeGroups).keys()];
  if (names.includes(scope.name)) return;
  throw new ConfigError(
    `Cannot find ${wordsOf(scope)}: expected one of ${names.join(', ')}, current value is "${scope.name}"`,
  );
}

function wordsOf(scope: PauseScope): string {
  if (scope.kind === 'all') return 'everything';
  return `${scope.kind === 'workload' ? 'workload' : 'node group'} "${scope.name}"`;
}
