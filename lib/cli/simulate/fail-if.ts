/** Conditions for a user's CI: `sloAttainmentRatio<0.999`. */
import { ConfigError } from '../../base/errors.ts';
import type { PolicyFigures } from '../../simulator/report/types.ts';

const FIGURES = [
  'gpuHours',
  'costUsd',
  'requestCount',
  'sloMissCount',
  'sloAttainmentRatio',
  'ratioToOptimum',
  'ratioToWindowRule',
  'replicaStarts',
  'directionChanges',
  'replicasMax',
] as const satisfies readonly (keyof PolicyFigures)[];

const COMPARE = {
  '<': (a: number, b: number) => a < b,
  '<=': (a: number, b: number) => a <= b,
  '>': (a: number, b: number) => a > b,
  '>=': (a: number, b: number) => a >= b,
} as const;

export type Condition = {
  readonly figure: (typeof FIGURES)[number];
  readonly operator: keyof typeof COMPARE;
  readonly limit: number;
};

/** `FIGURE OPERATOR NUMBER`. Throws ConfigError on anything else. */
export function parseCondition(text: string): Condition {
  const match = /^\s*([A-Za-z]+)\s*(<=|>=|<|>)\s*([-+.\deE]+)\s*$/.exec(text);
  const figure = FIGURES.find((name) => name === match?.[1]);
  const operator = match?.[2] as keyof typeof COMPARE | undefined;
  const limit = Number(match?.[3] ?? Number.NaN);
  if (figure === undefined || operator === undefined || !Number.isFinite(limit)) {
    throw new ConfigError(
      `Cannot use --fail-if "${text}": expected FIGURE<NUMBER (or <=, >, >=), with a figure among ${FIGURES.join(', ')}`,
    );
  }
  return { figure, operator, limit };
}

/** A sentence for each condition that holds. */
export function failures(figures: PolicyFigures, conditions: readonly Condition[]): string[] {
  return conditions
    .filter(({ figure, operator, limit }) => COMPARE[operator](figures[figure], limit))
    .map(({ figure, operator, limit }) => `Failed: ${figure} is ${figures[figure]}, which is ${operator} ${limit}`);
}
