/** A fleet of fixed size, as a baseline. */
import type { BaselineFactory } from './contract.ts';
import { tunedSettings } from './peer-settings.ts';

/** It decides once and only repairs what somebody else changed. */
const REPAIR_PERIOD_MS = 3_600_000;

/** Replicas for the largest arrival rate of the history, rounded up, within the bounds. */
export const staticFleet: BaselineFactory = {
  name: 'static',
  source: 'no autoscaler: what operators do who cannot afford to be late',
  settings: {
    headroomRatio: 'Replicas = peak of the history × headroom over what one replica sustains, rounded up; headroom 1.',
  },
  grid: { headroomRatio: [0.5, 0.75, 1, 1.25, 1.5, 2] },
  create(options) {
    const { capacity, historyPeakPerSec, replicas } = options;
    const peakPerSec = historyPeakPerSec * tunedSettings({ headroomRatio: 1 }, options.tuning).headroomRatio;
    const needed = capacity.requestsPerSec > 0 ? Math.ceil(peakPerSec / capacity.requestsPerSec) : replicas.max;
    const size = Math.min(Math.max(needed, replicas.min), replicas.max);
    return { periodMs: REPAIR_PERIOD_MS, phaseMs: 0, decide: () => size };
  },
};
