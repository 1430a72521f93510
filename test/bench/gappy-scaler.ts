/** The decision core on the window of a workload whose reports are not whole: sources are silent for minutes, reporters restart, reports are lost, doubled or late. */
import { seededRandom } from '../../lib/base/random.ts';
import type { Random } from '../../lib/base/random.ts';
import type { InferenceLoad } from '../../events/schema/index.ts';
import type { WorkloadControl } from '../../lib/core/decide-types.ts';
import { decideWorkload } from '../../lib/core/decide-workload.ts';
import { scalingPolicySchema } from '../../lib/core/policy.ts';
import { foldRecords } from '../../lib/core/window/fold.ts';
import type { FoldRecord } from '../../lib/core/window/fold.ts';
import type { LoadWindow } from '../../lib/core/window/load-window.ts';
import { readingsOf, warmRatioOf } from '../../lib/core/window/readings.ts';
import type { LoadSample, PodView } from '../../lib/simulator/baselines/contract.ts';
import type { PolicyRun } from '../../lib/simulator/replay/run-policy.ts';
import { observedTarget } from './core-scaler.ts';

/** Chances per report: to be lost, to come again, to come late; and per source and report: that it falls silent, or restarts. */
const LOST = 0.01;
const AGAIN = 0.02;
const LATE = 0.02;
const SILENT = 0.0004;
const RESTARTS = 0.0006;

type Reporter = { silentUntilMs: number; fromMs: number };
type Delivery = { readonly atMs: number; readonly event: InferenceLoad };

/** Reports come from the ready pods, or (`byGateway`) from a gateway that sees all. */
export function gappyScaler(
  document: unknown,
  at: { readonly startMs: number; readonly tickMs: number; readonly seed: number; readonly byGateway: boolean },
): PolicyRun['scaler'] {
  const policy = scalingPolicySchema.parse(document);
  const random = seededRandom(at.seed);
  return (view) => {
    let nextMs = at.startMs + at.tickMs;
    let control: WorkloadControl | undefined;
    let window: LoadWindow | undefined;
    let offset = 0;
    let underWay: Delivery[] = [];
    const reporters = new Map<string, Reporter>();
    const fold = (nowMs: number): void => {
      const due = underWay.filter(({ atMs }) => atMs <= nowMs);
      if (due.length === 0) return;
      underWay = underWay.filter(({ atMs }) => atMs > nowMs);
      const records = due.map(({ event }): FoldRecord => ({ offset: offset++, timestampMs: nowMs, event }));
      ({ window } = foldRecords(window, { topicPartition: 'inference-load-0', records, nowMs }));
    };
    return {
      nextMs: () => nextMs,
      observe: (sample) => {
        const names = at.byGateway
          ? ['gateway/all']
          : view(sample.atMs).pods.flatMap((pod) =>
              isReadySince(pod, sample.atMs - at.tickMs) ? [`pod/${pod.id}`] : [],
            );
        for (const source of names) {
          const reporter = reporterOf(reporters, { source, nowMs: sample.atMs, tickMs: at.tickMs });
          underWay.push(...deliveries(sample, { source, reporter, random, share: 1 / names.length }));
        }
      },
      decide: (nowMs) => {
        nextMs += at.tickMs;
        fold(nowMs);
        const now = view(nowMs);
        const outcome = decideWorkload({
          policy,
          kind: 'full',
          nowMs,
          readings: readingsOf(window, { nowMs, readyReplicas: now.readyReplicas }),
          holdUntilMs: window?.holdUntilMs ?? 0,
          warmRatio: warmRatioOf(window, nowMs),
          snapshotAgeMs: 0,
          target: observedTarget(now),
          control,
        });
        ({ control } = outcome);
        return outcome.wanted;
      },
    };
  };
}

function isReadySince({ readyMs }: PodView, sinceMs: number): boolean {
  return readyMs !== null && readyMs <= sinceMs;
}

function reporterOf(
  reporters: Map<string, Reporter>,
  of: { readonly source: string; readonly nowMs: number; readonly tickMs: number },
): Reporter {
  const known = reporters.get(of.source) ?? { silentUntilMs: 0, fromMs: of.nowMs - of.tickMs };
  reporters.set(of.source, known);
  return known;
}

function deliveries(
  sample: LoadSample,
  of: { readonly source: string; readonly reporter: Reporter; readonly random: Random; readonly share: number },
): readonly Delivery[] {
  const { random, reporter } = of;
  const { atMs } = sample;
  const { fromMs } = reporter;
  reporter.fromMs = atMs;
  if (random() < SILENT) reporter.silentUntilMs = atMs + 60_000 * (1 + 6 * random());
  if (random() < RESTARTS) reporter.silentUntilMs = Math.max(reporter.silentUntilMs, atMs + 5_000 + 20_000 * random());
  if (atMs < reporter.silentUntilMs || random() < LOST) return [];
  const event = eventOf(sample, { source: of.source, fromMs, share: of.share, random });
  const first = { atMs: random() < LATE ? atMs + 10_000 + 30_000 * random() : atMs, event };
  return random() < AGAIN ? [first, { atMs: first.atMs + 15_000 * random(), event }] : [first];
}

function eventOf(
  sample: LoadSample,
  of: { readonly source: string; readonly fromMs: number; readonly share: number; readonly random: Random },
): InferenceLoad {
  const spanSec = (sample.atMs - of.fromMs) / 1000;
  // A part of a request is one with that chance.
  const whole = (perSec: number): number => {
    const count = perSec * spanSec * of.share;
    return Math.floor(count) + (of.random() < count - Math.floor(count) ? 1 : 0);
  };
  return {
    schema: 'penstock.inference-load/1',
    workload: 'replay',
    source: of.source,
    intervalStartMs: of.fromMs,
    intervalEndMs: sample.atMs,
    inFlight: sample.running * of.share,
    queued: sample.queued * of.share,
    requests: { arrived: whole(sample.arrivalsPerSec), completed: whole(sample.completedPerSec) },
    tokens: { input: whole(sample.inputTokensPerSec), output: whole(sample.outputTokensPerSec) },
  };
}
