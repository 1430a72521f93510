/** Forecasters of NVIDIA Dynamo's planner 1.3.1 for the next interval: the Kalman and the constant one. */

/** Noise of the local linear trend; `log1p` works on ln(1 + value), whose forecast is never negative. */
export type DynamoPredictorSettings = {
  readonly predictor: 'kalman' | 'constant';
  readonly qLevel: number;
  readonly qTrend: number;
  readonly r: number;
  readonly log1p: boolean;
};

/** Feed one value per interval, ask for the next one. Zeros before the first other value are skipped. */
export type DynamoPredictor = {
  /** Null: the reading was missing, counted as 0. */
  observe(value: number | null): void;
  /** 0 before anything was observed. */
  forecast(): number;
  /** From here on leading zeros are skipped again. */
  resetIdleSkip(): void;
};

type Filter = { update(value: number): void; forecast(): number };

export function dynamoPredictor(settings: DynamoPredictorSettings): DynamoPredictor {
  const toScale = settings.log1p ? Math.log1p : (value: number) => value;
  const fromScale = settings.log1p ? (value: number) => Math.max(0, Math.expm1(value)) : (value: number) => value;
  let filter: Filter | null = null;
  let skipsZeros = true;
  return {
    observe(value) {
      const seen = value ?? 0;
      if (skipsZeros && seen === 0) return;
      skipsZeros = false;
      const scaled = toScale(seen);
      if (filter === null) filter = settings.predictor === 'kalman' ? trendFilter(settings, scaled) : lastValue(scaled);
      else filter.update(scaled);
    },
    forecast: () => (filter === null ? 0 : fromScale(filter.forecast())),
    resetIdleSkip: () => void (skipsZeros = true),
  };
}

function lastValue(first: number): Filter {
  let last = first;
  return { update: (value) => void (last = value), forecast: () => last };
}

/** Variance of level and trend before anything is known. */
const UNKNOWN_VARIANCE = 1000;

/** Local linear trend: level' = level + trend. Time moves once for each value, with the first forecast or else with the next value. */
function trendFilter({ qLevel, qTrend, r }: DynamoPredictorSettings, first: number): Filter {
  let level = first;
  let trend = 0;
  let variance = { level: UNKNOWN_VARIANCE, cross: 0, trend: UNKNOWN_VARIANCE };
  let isAhead = false;
  const advance = () => {
    if (isAhead) return;
    isAhead = true;
    level += trend;
    variance = {
      level: variance.level + 2 * variance.cross + variance.trend + qLevel,
      cross: variance.cross + variance.trend,
      trend: variance.trend + qTrend,
    };
  };
  return {
    update(value) {
      advance();
      isAhead = false;
      const total = variance.level + r;
      const gain = { level: variance.level / total, trend: variance.cross / total };
      const surprise = value - level;
      level += gain.level * surprise;
      trend += gain.trend * surprise;
      variance = {
        level: (1 - gain.level) * variance.level,
        cross: (1 - gain.level) * variance.cross,
        trend: variance.trend - gain.trend * variance.cross,
      };
    },
    forecast() {
      advance();
      return level;
    },
  };
}
