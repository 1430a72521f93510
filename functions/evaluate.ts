/** Lambda entry point of evaluate: the schedule ticks it, ingest wakes it. */
import { evaluateHandler } from '../lib/hosts/lambda/evaluate.ts';
import { buildEvaluate } from '../lib/hosts/lambda/parts/evaluate.ts';
import { lambdaEntry } from '../lib/hosts/lambda/entry.ts';

export const handler = lambdaEntry(buildEvaluate, evaluateHandler);
