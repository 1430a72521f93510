/** What every alert hook is made of, and the text they share. */
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { AlertHookPolicy, SecretRef } from '../core/policy.ts';
import type { OpsAlert } from '../core/types.ts';
import type { AlertHook } from './contract.ts';
import type { HttpPost } from './http-post.ts';

export type HookDeps = {
  readonly clock: Clock;
  readonly log: Logger;
  /** The value behind a reference; read anew for every delivery, so that a rotated secret is used without a restart. */
  readonly resolveSecret: (ref: SecretRef) => Promise<string>;
  readonly post: HttpPost;
  /** Another base URL than the service's own, for SNS. */
  readonly snsEndpoint?: string;
};

/** Makes the hook of one policy entry. */
export type HookFactory<Kind extends AlertHookPolicy['kind']> = (
  policy: Extract<AlertHookPolicy, { readonly kind: Kind }>,
  deps: HookDeps,
) => AlertHook;

/** Cuts text to a length, with an ellipsis that counts. */
export function cut(text: string, lengthMax: number): string {
  return text.length <= lengthMax ? text : `${text.slice(0, Math.max(0, lengthMax - 1))}…`;
}

/** `Resolved: …` or `Critical: …`: the first words people read. */
export function headline(alert: OpsAlert): string {
  const word = alert.state === 'resolved' ? 'Resolved' : alert.severity[0]?.toUpperCase() + alert.severity.slice(1);
  return `${word}: ${alert.title}`;
}

/** True for documents that a browser can open from anywhere. */
export function isLink(doc: string): boolean {
  return /^https?:\/\/[^\s<>|"]+$/.test(doc);
}
