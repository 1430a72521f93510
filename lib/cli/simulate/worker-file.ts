/** Where the threads of a replay are started from. */
import { existsSync } from 'node:fs';

/** Built beside the CLI (infra/local/build.mjs); null when run from the sources: then one thread does it all. */
export function workerFile(): URL | null {
  // This module is the entry itself or a chunk in a folder below it.
  const places = ['./replay-worker.mjs', '../replay-worker.mjs'].map((place) => new URL(place, import.meta.url));
  return places.find((place) => existsSync(place)) ?? null;
}
