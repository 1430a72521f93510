/** What every object says of itself. */
import type { ApiRecord } from '../../../world/state/records.ts';
import { isoSeconds } from '../../../world/state/state.ts';

/** Metadata that every object has. */
export function metadataOf(record: ApiRecord) {
  return {
    name: record.name,
    ...('namespace' in record ? { namespace: record.namespace } : {}),
    uid: record.uid,
    resourceVersion: String(record.resourceVersion),
    ...('generation' in record ? { generation: record.generation } : {}),
    creationTimestamp: isoSeconds(record.createdMs),
  };
}
