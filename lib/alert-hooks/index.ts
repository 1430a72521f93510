/** Every alert hook by its kind. */
import type { AlertHookPolicy } from '../core/policy.ts';
import type { AlertHook } from './contract.ts';
import { type HookDeps, type HookFactory } from './hook-deps.ts';
import { httpPoster } from './http-post.ts';
import { logHook } from './log.ts';
import { pagerdutyHook } from './pagerduty.ts';
import { slackHook } from './slack.ts';
import { snsHook } from './sns.ts';
import { webhookHook } from './webhook.ts';

export { httpPoster } from './http-post.ts';
export { memoryHook } from './memory.ts';

export const alertHooks = {
  log: logHook,
  webhook: webhookHook,
  slack: slackHook,
  pagerduty: pagerdutyHook,
  sns: snsHook,
} satisfies { readonly [Kind in AlertHookPolicy['kind']]: HookFactory<Kind> };

export type MakeHooksDeps = Omit<HookDeps, 'post'> & Partial<Pick<HookDeps, 'post'>>;

/** The hooks of the fleet policy by name. Nothing is connected to, and no secret is read, before a delivery. */
export function makeHooks(
  fleet: { readonly spec: { readonly alertHooks: readonly AlertHookPolicy[] } },
  deps: MakeHooksDeps,
): ReadonlyMap<string, AlertHook> {
  const all: HookDeps = { ...deps, post: deps.post ?? httpPoster({ clock: deps.clock }) };
  return new Map(fleet.spec.alertHooks.map((policy) => [policy.name, makeHook(policy, all)]));
}

function makeHook(policy: AlertHookPolicy, deps: HookDeps): AlertHook {
  // The map's type pairs each kind with the factory of that kind; the compiler cannot follow that through a union.
  const factory = alertHooks[policy.kind] as (policy: AlertHookPolicy, deps: HookDeps) => AlertHook;
  return factory(policy, deps);
}
