import { describe, expect, test } from '@jest/globals';
import { dynamoLoadScaling } from '../../../../lib/simulator/baselines/dynamo/rule.ts';
import type { DynamoAnswer, DynamoInput, DynamoSettings } from '../../../../lib/simulator/baselines/dynamo/rule.ts';
import { dynamoPredictor } from '../../../../lib/simulator/baselines/dynamo/predictors.ts';
import type { DynamoPredictorSettings } from '../../../../lib/simulator/baselines/dynamo/predictors.ts';
import { expectNear, testVectors } from '../../../support/vectors.ts';

testVectors<DynamoSettings, DynamoInput, DynamoAnswer>('dynamoLoadScaling', ({ config, steps }) => {
  for (const { tMs, input, expect: wanted } of steps) {
    expect({ tMs, ...dynamoLoadScaling(config, input) }).toEqual({ tMs, ...wanted });
  }
});

type Observation = { readonly value: number | null; readonly idleSkipReset?: boolean };
type Forecast = { readonly forecast?: number; readonly forecastAgain?: number };

testVectors<DynamoPredictorSettings, Observation, Forecast>('dynamoPredictors', ({ config, steps }) => {
  const predictor = dynamoPredictor(config);
  for (const { tMs, input, expect: wanted } of steps) {
    if (input.idleSkipReset === true) predictor.resetIdleSkip();
    predictor.observe(input.value);
    for (const expected of [wanted.forecast, wanted.forecastAgain]) {
      if (expected === undefined) continue;
      expectNear(predictor.forecast(), expected, { where: `forecast at ${tMs} ms` });
    }
  }
});

const settings: DynamoSettings = {
  mode: 'agg',
  optimizationTarget: 'throughput',
  minEndpoint: 1,
  maxGpuBudget: 8,
  prefillGpusPerEngine: 1,
  decodeGpusPerEngine: 1,
  contextLengthTokens: 4000,
  maxKvTokens: 100_000,
  prefillScaleUpQueueTokens: null,
  prefillScaleDownQueueTokens: null,
  decodeScaleUpKvPercent: null,
  decodeScaleDownKvPercent: null,
};

const engine = (scheduledDecodeKvTokens: number, queuedPrefillTokens = 0) => ({
  scheduledDecodeKvTokens,
  queuedPrefillTokens,
  queuedDecodeKvTokens: 0,
});

describe('dynamoLoadScaling', () => {
  test('one engine above its memory adds a worker, all below 60 % take one away', () => {
    const busy = { readyDecode: 2, expectedDecode: 2, decodeEngines: [engine(90_000, 20_000), engine(0)] };
    expect(dynamoLoadScaling(settings, busy).decision).toEqual({ prefill: null, decode: 3 });
    const idle = { readyDecode: 2, expectedDecode: 2, decodeEngines: [engine(50_000), engine(0)] };
    expect(dynamoLoadScaling(settings, idle).decision).toEqual({ prefill: null, decode: 1 });
  });

  test('waits while a worker starts, and when engines are missing', () => {
    const decodeEngines = [engine(200_000)];
    expect(dynamoLoadScaling(settings, { readyDecode: 1, expectedDecode: 2, decodeEngines }).reason).toBe(
      'scaling_in_progress',
    );
    expect(dynamoLoadScaling(settings, { readyDecode: 2, expectedDecode: 2, decodeEngines }).reason).toBe(
      'worker_count_mismatch',
    );
    expect(dynamoLoadScaling(settings, { readyDecode: 2, expectedDecode: 2 }).reason).toBe('no_fpm_data');
  });

  test('the budget cuts both components in proportion', () => {
    const disagg = { ...settings, mode: 'disagg', prefillGpusPerEngine: 2 } as const;
    const input = {
      readyPrefill: 2,
      prefillEngines: [engine(0, 9000), engine(0)],
      readyDecode: 2,
      decodeEngines: [engine(120_000), engine(0)],
    };
    expect(dynamoLoadScaling(disagg, input).decision).toEqual({ prefill: 2, decode: 4 });
  });
});

describe('dynamoPredictor', () => {
  const kalman: DynamoPredictorSettings = { predictor: 'kalman', qLevel: 1, qTrend: 0.1, r: 10, log1p: false };

  test('skips leading zeros, and follows a ramp ahead of it', () => {
    const predictor = dynamoPredictor(kalman);
    predictor.observe(0);
    expect(predictor.forecast()).toBe(0);
    for (let value = 100; value <= 200; value += 10) {
      predictor.observe(value);
      predictor.forecast();
    }
    expect(predictor.forecast()).toBeGreaterThan(205);
    expect(predictor.forecast()).toBeLessThan(215);
  });

  test('the constant one repeats the last value', () => {
    const predictor = dynamoPredictor({ ...kalman, predictor: 'constant' });
    predictor.observe(7);
    predictor.observe(null);
    expect(predictor.forecast()).toBe(0);
  });
});
