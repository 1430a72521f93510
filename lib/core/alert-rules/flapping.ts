/** A count that goes up and down: the policy does not fit the load. */
import { reversals } from '../scaling/changes.ts';
import { watched, workloadCondition } from './contract.ts';
import type { AlertRule } from './contract.ts';

const RULE = 'flapping';

/** More direction changes than this in an hour is flapping: three peaks an hour are load, more are a window that is too short. */
const REVERSALS_PER_HOUR_MAX = 6;
const CLEAR_MS = 600_000;

export const flapping: AlertRule = (input) =>
  watched(input).flatMap((workload) => {
    const { changes } = workload.outcome.control;
    const turns = reversals(changes, input.nowMs);
    if (turns <= REVERSALS_PER_HOUR_MAX) return [];
    const counts = changes.map(([, , to]) => to);
    return workloadCondition(input, {
      rule: RULE,
      workload,
      severity: 'warning',
      title: `${workload.policy.metadata.name} is flapping`,
      detail: `${turns} direction changes in the last hour, between ${Math.min(...counts)} and ${Math.max(...counts)} replicas. A longer scaleDown.windowSec would hold it.`,
      pendingMs: 0,
      clearMs: CLEAR_MS,
    });
  });
