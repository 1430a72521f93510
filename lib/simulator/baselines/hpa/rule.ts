/** One HPA v2 object as its controller reconciles it, with the state between the syncs. */
import { makeHpaLimits } from './limits.ts';
import { proposeReplicas } from './replicas.ts';
import type { HpaConfig, HpaInput } from './types.ts';

export type HpaSync = {
  /** `spec.replicas` after the sync. */
  readonly desiredReplicas: number;
  /** The sync returned an error; replicas may have grown all the same. */
  readonly error: boolean;
};

export type Hpa = { sync(input: HpaInput, nowMs: number): HpaSync };

/** Starts without memory, as after a restart of the controller. `nowMs` grows from sync to sync.
 *  Source: HPA controller (Kubernetes 1.37). */
export function makeHpa(config: HpaConfig): Hpa {
  const limits = makeHpaLimits(config);
  let wentToZeroItself = false;

  const decide = (input: HpaInput, nowMs: number): HpaSync => {
    const current = input.specReplicas;
    if (current === 0 && isOff(config, wentToZeroItself)) return { desiredReplicas: 0, error: false };
    if (current > config.maxReplicas) return { desiredReplicas: config.maxReplicas, error: false };
    if (current !== 0 && current < config.minReplicas) return { desiredReplicas: config.minReplicas, error: false };
    const { proposal, error } = proposalOfAll(config, { input, nowMs });
    if (proposal === null) return { desiredReplicas: current, error };
    const limited = limits.apply({ current, proposal }, nowMs);
    return { desiredReplicas: current === 0 ? Math.max(limited, config.minReplicas) : limited, error };
  };

  return {
    sync: (input, nowMs) => {
      limits.seed(input.specReplicas, nowMs);
      const outcome = decide(input, nowMs);
      if (outcome.desiredReplicas !== input.specReplicas) {
        const change = { from: input.specReplicas, to: outcome.desiredReplicas };
        limits.noteChange(change, nowMs + config.scaleWriteLatencyMs);
        wentToZeroItself = outcome.desiredReplicas === 0 && config.minReplicas === 0;
      }
      return outcome;
    },
  };
}

/** At zero replicas nothing is decided, unless the HPA itself went there and there is something left to measure. */
function isOff(config: HpaConfig, wentToZeroItself: boolean): boolean {
  if (!config.scaleToZeroEnabled || !wentToZeroItself) return true;
  const outlivesPods = config.metrics.some(
    (metric) => metric.type.startsWith('object') || metric.type.startsWith('external'),
  );
  return config.minReplicas === 0 && !outlivesPods;
}

/** The largest proposal. Growing needs one metric; shrinking needs all of them, else the proposal is null. */
function proposalOfAll(
  config: HpaConfig,
  sync: { readonly input: HpaInput; readonly nowMs: number },
): { readonly proposal: number | null; readonly error: boolean } {
  const proposals = config.metrics.map((_, index) => proposeReplicas(config, { ...sync, index }));
  const valid = proposals.filter((proposal) => proposal !== null);
  const error = valid.length < proposals.length || proposals.length === 0;
  const largest = valid.reduce((most, proposal) => Math.max(most, proposal), 0);
  const isUsable = valid.length > 0 && !(error && largest < sync.input.specReplicas);
  return { proposal: isUsable ? largest : null, error };
}
