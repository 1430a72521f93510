/** PagerDuty, Events API v2: one incident per alert key. */
import { createHash } from 'node:crypto';
import type { OpsAlert } from '../core/types.ts';
import { cut, headline, type HookFactory, isLink } from './hook-deps.ts';

/** Bounds of the Events API v2 [characters]. */
const SUMMARY_LENGTH_MAX = 1_024;
const DEDUP_KEY_LENGTH_MAX = 255;
const DETAIL_LENGTH_MAX = 4_000;
const WORKLOADS_MAX = 30;

/** Triggers an incident, and resolves it when the alert is over. */
export const pagerdutyHook: HookFactory<'pagerduty'> = (policy, { resolveSecret, post }) => ({
  deliver: async (alert) => {
    const routingKey = (await resolveSecret(policy.routingKeyFrom)).trim();
    await post({
      url: policy.url,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ routing_key: routingKey, ...pagerdutyEvent(alert) }),
      allowPrivate: policy.allowPrivate,
    });
  },
});

/** The event without its routing key. */
export function pagerdutyEvent(alert: OpsAlert): Readonly<Record<string, unknown>> {
  const dedupKey = dedupKeyOf(alert.key);
  if (alert.state === 'resolved') return { event_action: 'resolve', dedup_key: dedupKey };
  const [rule = alert.key] = alert.key.split('/');
  return {
    event_action: 'trigger',
    dedup_key: dedupKey,
    client: 'Penstock',
    payload: {
      summary: cut(headline(alert), SUMMARY_LENGTH_MAX),
      source: 'penstock',
      // Our severities are a subset of theirs.
      severity: alert.severity,
      timestamp: new Date(alert.sinceMs).toISOString(),
      class: cut(rule, 255),
      ...(alert.workloads[0] === undefined ? {} : { component: alert.workloads[0] }),
      custom_details: {
        detail: cut(alert.detail, DETAIL_LENGTH_MAX),
        workloads: alert.workloads.slice(0, WORKLOADS_MAX),
        doc: alert.doc,
        ...(alert.decision === undefined ? {} : { decision: alert.decision }),
      },
    },
    // A link without a host is refused by the API.
    ...(isLink(alert.doc) ? { links: [{ href: alert.doc, text: 'What to do' }] } : {}),
  };
}

function dedupKeyOf(key: string): string {
  return key.length <= DEDUP_KEY_LENGTH_MAX ? key : createHash('sha256').update(key).digest('hex');
}
