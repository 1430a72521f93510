/** The decision core on a plant without the stages around it: the same decisions as a replay at twenty times its speed, for benches that need many settings. */
import { decideWorkload } from '../../lib/core/decide-workload.ts';
import type { WorkloadControl } from '../../lib/core/decide-types.ts';
import { scalingPolicySchema } from '../../lib/core/policy.ts';
import type { Reading, Readings, TargetObservation } from '../../lib/core/types.ts';
import type { LoadSample, PlantView, PodView } from '../../lib/simulator/baselines/contract.ts';
import type { PolicyRun } from '../../lib/simulator/replay/run-policy.ts';
import { RING_MS } from '../../lib/core/window/load-window.ts';

/** What a window reads rates over [ms]. */
const SPAN_MS = 15_000;

/** Decides at every tick by a policy document. */
export function coreScaler(
  document: unknown,
  at: { readonly startMs: number; readonly tickMs: number },
): PolicyRun['scaler'] {
  const policy = scalingPolicySchema.parse(document);
  return (view) => {
    let nextMs = at.startMs + at.tickMs;
    let control: WorkloadControl | undefined;
    const samples: LoadSample[] = [];
    return {
      nextMs: () => nextMs,
      observe: (sample) => {
        samples.push(sample);
        if (samples.length * at.tickMs > SPAN_MS) samples.shift();
      },
      decide: (nowMs) => {
        nextMs += at.tickMs;
        const outcome = decideWorkload({
          policy,
          kind: 'full',
          nowMs,
          readings: readingsOf(samples),
          holdUntilMs: 0,
          warmRatio: Math.min(1, (nowMs - at.startMs) / RING_MS),
          snapshotAgeMs: 0,
          usdPerReplicaHour: policy.spec.price?.usdPerReplicaHour ?? null,
          target: observedTarget(view(nowMs)),
          control,
        });
        ({ control } = outcome);
        return outcome.wanted;
      },
    };
  };
}

/** A fleet of the plant as the cluster view shows it. */
export function observedTarget({ specReplicas, readyReplicas, pods }: PlantView): TargetObservation {
  return {
    kind: 'observed',
    replicas: specReplicas,
    ready: readyReplicas,
    generation: 1,
    resourceVersion: '1',
    gpusPerReplica: {},
    pods: pods.map(podOf),
    rolloutInProgress: false,
    scaledBy: null,
  };
}

function podOf({ id, createdMs, readyMs }: PodView) {
  return {
    name: `pod-${id}`,
    nodeName: null,
    ready: readyMs !== null,
    createdMs,
    unschedulable: false,
    terminating: false,
    terminationGraceSec: 30,
    ip: null,
  };
}

function value(number: number): Reading {
  return { kind: 'value', value: number, coverageRatio: 1, ageMs: 0, from: 'gateway' };
}

function readingsOf(samples: readonly LoadSample[]): Readings {
  const missing: Reading = { kind: 'missing', reason: 'no source reports it', ageMs: null };
  const last = samples.at(-1);
  const of = (read: (sample: LoadSample) => number): Reading => (last === undefined ? missing : value(read(last)));
  const mean = (read: (sample: LoadSample) => number): Reading =>
    last === undefined ? missing : value(samples.reduce((sum, sample) => sum + read(sample), 0) / samples.length);
  return {
    inFlight: of((sample) => sample.running),
    queued: of((sample) => sample.queued),
    requestRate: mean((sample) => sample.arrivalsPerSec),
    surgeRate: of((sample) => sample.arrivalsPerSec),
    completionRate: mean((sample) => sample.completedPerSec),
    inputTokenRate: mean((sample) => sample.inputTokensPerSec),
    outputTokenRate: mean((sample) => sample.outputTokensPerSec),
    lateRatio: missing,
    queueDepth: missing,
    queueWork: missing,
    queueAge: missing,
    gpuRatio: missing,
    kvCacheRatio: missing,
  };
}
