/** Lambda entry point of the HTTP API. */
import { apiHandler } from '../lib/hosts/lambda/api.ts';
import { buildApi } from '../lib/hosts/lambda/parts/api.ts';
import { lambdaEntry } from '../lib/hosts/lambda/entry.ts';

export const handler = lambdaEntry(buildApi, apiHandler);
