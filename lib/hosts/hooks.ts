/** The alert hooks in force: made anew when the policies change. */
import { makeHooks } from '../alert-hooks/index.ts';
import type { AlertHook } from '../alert-hooks/contract.ts';
import { systemClock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { Secrets } from '../clients/secrets.ts';
import type { PolicySource } from '../policy-source/contract.ts';

export type HooksOptions = {
  readonly policies: PolicySource;
  readonly secrets: Pick<Secrets, 'resolve'>;
  readonly log: Logger;
};

/** Hook name → hook. No secret is read before a delivery. */
export function hooksOf(options: HooksOptions): () => Promise<ReadonlyMap<string, AlertHook>> {
  let made: { readonly version: string; readonly hooks: ReadonlyMap<string, AlertHook> } | undefined;
  return async () => {
    const { version, fleet } = await options.policies.current();
    if (made?.version !== version) {
      const deps = { clock: systemClock, log: options.log, resolveSecret: options.secrets.resolve };
      made = { version, hooks: makeHooks(fleet, deps) };
    }
    return made.hooks;
  };
}
