/** The identity of what is added to a world. */
import { drawUuid } from '../state/draws.ts';
import type { WorldState } from '../state/state.ts';

/** What every object of the API has from its making on. `namespace`: `default` when left out. */
export function identity(state: WorldState, settings: { readonly name: string; readonly namespace?: string }) {
  return {
    namespace: settings.namespace ?? 'default',
    name: settings.name,
    uid: drawUuid(state.draws.names),
    createdMs: state.nowMs,
    resourceVersion: 0,
  };
}
