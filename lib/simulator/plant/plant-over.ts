/** What both engines answer alike: the replicas are the fleet's, and time moves on. */
import { assert } from '../../base/assert.ts';
import type { LoadSample } from '../baselines/contract.ts';
import type { Plant, PlantTotals } from './contract.ts';
import type { Fleet } from './fleet/fleet.ts';

/** What an engine adds to its fleet. */
export type Engine = {
  readonly nowMs: () => number;
  /** Moves on to a later time. */
  readonly advanceTo: (toMs: number) => LoadSample;
  readonly missesSoFar: () => number;
  readonly totals: () => PlantTotals;
};

/** The plant of an engine. */
export function plantOver(fleet: Fleet, engine: Engine): Plant {
  return {
    get nowMs() {
      return engine.nowMs();
    },
    get specReplicas() {
      return fleet.specReplicas;
    },
    get pods() {
      return fleet.pods;
    },
    get readyReplicas() {
      return fleet.readyReplicas;
    },
    scale: (replicas) => fleet.scale(replicas, engine.nowMs()),
    advanceTo: (toMs) => {
      assert(toMs > engine.nowMs(), `time moves on: ${toMs} is after ${engine.nowMs()}`);
      return engine.advanceTo(toMs);
    },
    missesSoFar: engine.missesSoFar,
    totals: engine.totals,
  };
}
