/** One partition on its way through the ingest stage. */
import type { Progress, Versioned } from '../../state/contract.ts';
import type { RecordBatch } from '../../stream/contract.ts';
import type { DecodedBatch } from './decode.ts';

export type StoredProgress = Versioned<Progress> | undefined;

export type Partition = DecodedBatch & {
  readonly batch: RecordBatch;
  readonly id: string;
  readonly stored: StoredProgress;
  /** First offset that is not done; Infinity while everything is. */
  retryFrom: number;
};
