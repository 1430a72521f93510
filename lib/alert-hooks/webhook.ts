/** A signed webhook: Standard Webhooks headers, the ops-alert event as its body. */
import { Webhook } from 'standardwebhooks';
import { ConfigError } from '../base/errors.ts';
import type { OpsAlert } from '../core/types.ts';
import { cut, type HookFactory } from './hook-deps.ts';

/** The specification keeps a secret between 24 and 64 bytes. */
const SECRET_BYTES_MIN = 24;
const SECRET_BYTES_MAX = 64;

/** The specification wants a payload of at most 20 kB; these keep ours below 16 kB. */
const TEXT_LENGTH_MAX = 4_000;
const WORKLOADS_MAX = 30;

/**
 * Posts the alert, signed with every secret that the reference holds (separated by white space): while a secret is rotated, receivers accept either.
 * The id is the delivery's and stays the same at every attempt, the timestamp is the attempt's.
 */
export const webhookHook: HookFactory<'webhook'> = (policy, { clock, resolveSecret, post }) => ({
  deliver: async (alert, { deliveryId }) => {
    const [url, secrets] = await Promise.all([resolveSecret(policy.urlFrom), resolveSecret(policy.signingSecretFrom)]);
    // A dot separates the parts of what is signed.
    const id = deliveryId.replaceAll('.', '_');
    const sentAt = new Date(clock.nowMs());
    const body = JSON.stringify(bounded(alert));
    const signatures = signersOf(policy.name, secrets).map((signer) => signer.sign(id, sentAt, body));
    await post({
      url: url.trim(),
      body,
      allowPrivate: policy.allowPrivate,
      headers: {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': String(Math.floor(sentAt.getTime() / 1_000)),
        'webhook-signature': signatures.join(' '),
      },
    });
  },
});

function signersOf(hook: string, secrets: string): Webhook[] {
  const texts = secrets.split(/\s+/).filter((text) => text !== '');
  if (texts.length === 0) throw secretError(hook, 'empty');
  return texts.map((text) => {
    const base64 = text.replace(/^whsec_/, '');
    if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64) || base64.length % 4 !== 0) throw secretError(hook, 'not base64');
    const bytes = Buffer.from(base64, 'base64').length;
    if (bytes < SECRET_BYTES_MIN || bytes > SECRET_BYTES_MAX) throw secretError(hook, `${bytes} bytes long`);
    return new Webhook(base64);
  });
}

function secretError(hook: string, current: string): ConfigError {
  return new ConfigError(
    `Cannot sign for alert hook "${hook}": expected whsec_ and base64 of ${SECRET_BYTES_MIN} to ${SECRET_BYTES_MAX} bytes, current value is ${current}`,
  );
}

function bounded(alert: OpsAlert): OpsAlert {
  return {
    ...alert,
    key: cut(alert.key, 512),
    title: cut(alert.title, 512),
    detail: cut(alert.detail, TEXT_LENGTH_MAX),
    workloads: alert.workloads.slice(0, WORKLOADS_MAX),
  };
}
