/** Settings of the frontier bench: Penstock over its risk and objective, each peer over its one main knob. */
import { baselines } from '../../lib/simulator/baselines/index.ts';
import type { Task } from '../../lib/simulator/replay/tasks.ts';

/** What was set beside the recommended setting; null: nothing. */
export type Setting = Readonly<Record<string, number | string>> | null;

export type Asked = { readonly policy: string; readonly setting: Setting; readonly task: Task };

/** From the cheapest to the safest; `balanced` with a ratio of 0.999, the recommended one, is not repeated unless by the core alone. */
const RISKS: readonly (readonly [risk: string, ratio: number])[] = [
  ['cheap', 0.9],
  ['cheap', 0.97],
  ['cheap', 0.99],
  ['cheap', 0.999],
  ['balanced', 0.99],
  ['balanced', 0.999],
  ['low', 0.999],
  ['low', 0.9999],
];
/** Instead of a risk a price so high that the share which may meet too little is the least there is: the safe end of the sweep. */
const PRICE = { usdPerMiss: 100, usdPerReplicaHour: 3.6 };

/** On a rate, as a share of what one replica sustains. */
const RATE_RATIOS = [0.3, 0.45, 0.6, 0.7, 0.75, 0.85, 0.95];
/** On concurrency, as a share of the requests at the knee. */
const CONCURRENCY_RATIOS = [0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 0.95];
/** The boundary of scaling down that belongs to a threshold, as in the recommended 0.15 to 0.25. */
const WVA_DOWN_RATIO = 0.6;

/** The main knob of each peer and its values; everything else stays as recommended. */
const KNOBS: Readonly<Record<keyof typeof baselines, readonly Readonly<Record<string, number>>[]>> = {
  hpa: valuesOf('targetRatio', RATE_RATIOS),
  keda: valuesOf('targetRatio', CONCURRENCY_RATIOS),
  'keda-prometheus': valuesOf('targetRatio', RATE_RATIOS),
  knative: valuesOf('targetRatio', RATE_RATIOS),
  aibrix: valuesOf('targetRatio', RATE_RATIOS),
  wva: [0.1, 0.15, 0.25, 0.35, 0.5, 0.7, 0.85].map((scaleUpThreshold) => ({
    scaleUpThreshold,
    scaleDownBoundary: Math.round(scaleUpThreshold * WVA_DOWN_RATIO * 100) / 100,
  })),
  dynamo: valuesOf('engineRatio', [0.3, 0.45, 0.6, 0.7, 0.8, 0.9, 1]),
  ray: valuesOf('targetRatio', CONCURRENCY_RATIOS),
  static: valuesOf('headroomRatio', [0.5, 0.75, 1, 1.25, 1.5, 2, 3]),
};

function valuesOf(knob: string, values: readonly number[]): readonly Readonly<Record<string, number>>[] {
  return values.map((value) => ({ [knob]: value }));
}

export const PEERS: readonly string[] = Object.keys(baselines);

/** What is asked of each trace and lead time, the recommended settings first, of `policies` (`penstock`, `optimum`, peers). */
export function askedOf(of: {
  readonly policies: readonly string[];
  readonly sloWaitSec: number;
  readonly isThinned: boolean;
  readonly byCore: boolean;
}): Asked[] {
  const recommended = of.policies.map((policy) => ({ policy, setting: null, task: taskOf(policy) }));
  return [...recommended, ...of.policies.flatMap((policy) => sweepOf(policy, of))];
}

function taskOf(policy: string): Task {
  if (policy === 'optimum') return { kind: 'optimum' };
  return policy === 'penstock' ? { kind: 'penstock', spec: null } : { kind: 'baseline', name: policy, tuning: {} };
}

function sweepOf(
  policy: string,
  of: { readonly sloWaitSec: number; readonly isThinned: boolean; readonly byCore: boolean },
): Asked[] {
  const values = Object.entries(KNOBS).find(([name]) => name === policy)?.[1] ?? [];
  const sweep =
    policy === 'penstock'
      ? penstockSweep(of)
      : values.map((setting): Asked => ({
          policy,
          setting,
          task: { kind: 'baseline', name: policy, tuning: setting },
        }));
  return sweep.filter((_, index) => !of.isThinned || index % 2 === 0);
}

function penstockSweep(of: { readonly sloWaitSec: number; readonly byCore: boolean }): Asked[] {
  const isNew = ([risk, ratio]: (typeof RISKS)[number]): boolean => of.byCore || risk !== 'balanced' || ratio !== 0.999;
  const policy = 'penstock';
  const byRisk = RISKS.filter(isNew).map(([risk, ratio]): Asked => {
    const spec = { risk, slo: { waitSec: of.sloWaitSec, ratio } };
    return { policy, setting: { risk, ratio }, task: { kind: 'penstock', spec } };
  });
  const { usdPerMiss } = PRICE;
  return [...byRisk, { policy, setting: { usdPerMiss }, task: { kind: 'penstock', spec: { price: PRICE } } }];
}

/** `targetRatio 0.75`; `as recommended` for null. */
export function settingText(setting: Setting): string {
  if (setting === null) return 'as recommended';
  return Object.entries(setting)
    .map(([key, value]) => (key === 'risk' ? String(value) : `${key} ${value}`))
    .join(', ');
}
