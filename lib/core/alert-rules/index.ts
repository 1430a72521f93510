/** Every alert rule by its name, which is also the first part of its alerts' keys and the anchor of its runbook. */
import type { AlertRule } from '../decide-types.ts';
import { actuationFailing } from './actuation-failing.ts';
import { capacityShortage } from './capacity-shortage.ts';
import { clocksApart } from './clocks-apart.ts';
import { flapping } from './flapping.ts';
import { foreignWriter } from './foreign-writer.ts';
import { marksDenied } from './marks-denied.ts';
import { nodesUnusable } from './nodes-unusable.ts';
import { notObserved } from './not-observed.ts';
import { pinnedAtMax } from './pinned-at-max.ts';
import { shortGrace } from './short-grace.ts';
import { signalMissing } from './signal-missing.ts';
import { unmetDemand } from './unmet-demand.ts';

export const alertRules = {
  'unmet-demand': unmetDemand,
  'pinned-at-max': pinnedAtMax,
  'signal-missing': signalMissing,
  'not-observed': notObserved,
  'capacity-shortage': capacityShortage,
  'nodes-unusable': nodesUnusable,
  'actuation-failing': actuationFailing,
  'foreign-writer': foreignWriter,
  flapping,
  'short-grace': shortGrace,
  'marks-denied': marksDenied,
  'clocks-apart': clocksApart,
} satisfies Record<string, AlertRule>;
