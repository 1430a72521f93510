/** Lambda entry point of ingest: Kafka event source mappings call it with batches of records. */
import { ingestHandler } from '../lib/hosts/lambda/ingest.ts';
import { buildIngest } from '../lib/hosts/lambda/parts/ingest.ts';
import { lambdaEntry } from '../lib/hosts/lambda/entry.ts';

export const handler = lambdaEntry(buildIngest, ingestHandler);
