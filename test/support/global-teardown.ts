/** After the last test: ends what the global set-up started. */
import { rm } from 'node:fs/promises';
import type { ServerHandle } from '../../lib/local/index.ts';

type Started = { readonly handles: readonly ServerHandle[]; readonly folder: string };

/** Jest loads set-up and teardown as separate modules; the global object is what they share. */
const shared: typeof globalThis & { penstockStarted?: Started | undefined } = globalThis;

/** Called by the set-up with what the teardown must end, and the folder to remove. */
export function keepForTeardown(started: Started): void {
  shared.penstockStarted = started;
}

/** Stops the servers of this run and removes their data. */
export default async function globalTeardown(): Promise<void> {
  const started = shared.penstockStarted;
  if (started === undefined) return;
  shared.penstockStarted = undefined;
  await Promise.all(started.handles.map((handle) => handle.stop()));
  await rm(started.folder, { recursive: true, force: true });
}
