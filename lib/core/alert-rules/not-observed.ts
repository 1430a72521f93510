/** The cluster does not show us a target or a node group: nothing shrinks meanwhile. */
import { listed } from '../format.ts';
import { docOf, hooksFor, watched } from './contract.ts';
import type { AlertRule } from './contract.ts';

const RULE = 'not-observed';

/** 1 min: an API server that restarts is back by then. */
const PENDING_MS = 60_000;
const CLEAR_MS = 60_000;

/** One condition per reason, however many targets it hits: an API server that is down is one problem, not a hundred. */
export const notObserved: AlertRule = (input) => {
  const byReason = new Map<string, string[]>();
  for (const { policy, target } of watched(input)) {
    if (target.kind === 'missing') note(byReason, target.reason, policy.metadata.name);
  }
  for (const { policy, observed } of input.pool.nodeGroups) {
    if (observed.kind === 'missing' && policy.spec.mode !== 'paused')
      note(byReason, observed.reason, policy.metadata.name);
  }
  return [...byReason].map(([reason, names]) => ({
    // The names, not the reason: its wording may carry figures that change.
    key: `${RULE}/${names.toSorted()[0] ?? ''}`,
    severity:
      names.length === input.pool.workloads.length + input.pool.nodeGroups.length
        ? ('critical' as const)
        : ('warning' as const),
    title: `${listed(names.slice(0, NAMES_SHOWN))}${names.length > NAMES_SHOWN ? ' and others' : ''} cannot be observed`,
    detail: `${reason}. Nothing of them is lowered meanwhile; growth is decided on what was seen last.`,
    workloads: names.filter((name) => input.pool.workloads.some(({ policy }) => policy.metadata.name === name)),
    decision: null,
    doc: docOf(RULE),
    hooks: hooksFor(input, []),
    pendingMs: PENDING_MS,
    clearMs: CLEAR_MS,
  }));
};

const NAMES_SHOWN = 3;

function note(byReason: Map<string, string[]>, reason: string, name: string): void {
  byReason.set(reason, [...(byReason.get(reason) ?? []), name]);
}
