/** Load for the ingest benchmark: every pod of every workload reports once in 2 s of event time. */
import { inferenceLoadSchema } from '../../events/schema/inference-load.ts';

export type LoadShape = { readonly workloads: number; readonly podsPerWorkload: number; readonly ticks: number };

export const TICK_MS = 2_000;

export type Sent = { readonly key: string; readonly value: string; readonly timestampMs: number };

export const workloadNames = (count: number): string[] => Array.from({ length: count }, (_, index) => `model-${index}`);

/** All events of one tick, about 300 bytes each. */
export function tickOf(shape: LoadShape, at: { readonly tick: number; readonly startMs: number }): Sent[] {
  const intervalEndMs = at.startMs + (at.tick + 1) * TICK_MS;
  const sent: Sent[] = [];
  for (let pod = 0; pod < shape.podsPerWorkload; pod++) {
    for (const workload of workloadNames(shape.workloads)) {
      const event = {
        schema: 'penstock.inference-load/1',
        workload,
        source: `pod/${workload}-7c9f8d-${pod}`,
        intervalStartMs: intervalEndMs - TICK_MS,
        intervalEndMs,
        ready: true,
        inFlight: 30 + ((at.tick + pod) % 17) / 2,
        queued: at.tick % 5,
        requests: { arrived: 20 + (pod % 7), completed: 19 },
        tokens: { input: 24_000 + pod, output: 4_080 },
        utilization: { gpuRatio: 0.93, kvCacheRatio: 0.71 },
      };
      sent.push({ key: workload, value: JSON.stringify(event), timestampMs: intervalEndMs + 40 });
    }
  }
  // A benchmark of events that are refused would be fast and worthless.
  inferenceLoadSchema.parse(JSON.parse(sent[0]?.value ?? ''));
  return sent;
}
