/** Lambda entry point of actuate: woken when jobs are in the action queue. */
import { actuateHandler } from '../lib/hosts/lambda/actuate.ts';
import { buildActuate } from '../lib/hosts/lambda/parts/actuate.ts';
import { lambdaEntry } from '../lib/hosts/lambda/entry.ts';

export const handler = lambdaEntry(buildActuate, actuateHandler);
