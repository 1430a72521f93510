/** A Slack incoming webhook. */
import type { OpsAlert } from '../core/types.ts';
import { cut, headline, type HookFactory, isLink } from './hook-deps.ts';

/** Slack refuses a section longer than 3000 characters; escaping makes text up to five times as long. */
const TITLE_LENGTH_MAX = 300;
const DETAIL_LENGTH_MAX = 500;
const WORKLOADS_MAX = 20;

const SIGNS = { info: ':information_source:', warning: ':warning:', critical: ':rotating_light:' } as const;

/** Posts one readable message. The whole URL is the secret. */
export const slackHook: HookFactory<'slack'> = (policy, { resolveSecret, post }) => ({
  deliver: async (alert) => {
    await post({
      url: (await resolveSecret(policy.urlFrom)).trim(),
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(slackMessage(alert)),
      allowPrivate: policy.allowPrivate,
    });
  },
});

/** The message: a title, the detail, and one line with what it is about. Nothing in it can mention people or channels. */
export function slackMessage(alert: OpsAlert): { readonly text: string; readonly blocks: readonly object[] } {
  const sign = alert.state === 'resolved' ? ':white_check_mark:' : SIGNS[alert.severity];
  const title = escapeSlack(cut(headline(alert), TITLE_LENGTH_MAX));
  const sections = [`${sign} *${title}*`, escapeSlack(cut(alert.detail, DETAIL_LENGTH_MAX))].filter(
    (text) => text !== '',
  );
  return {
    // What notifications and screen readers show.
    text: title,
    blocks: [
      ...sections.map((text) => ({ type: 'section', text: { type: 'mrkdwn', text } })),
      { type: 'context', elements: [{ type: 'mrkdwn', text: contextOf(alert) }] },
    ],
  };
}

function contextOf(alert: OpsAlert): string {
  const workloads = alert.workloads.slice(0, WORKLOADS_MAX).join(', ');
  const more = alert.workloads.length > WORKLOADS_MAX ? ` and ${alert.workloads.length - WORKLOADS_MAX} more` : '';
  const doc = escapeSlack(cut(alert.doc, 200));
  const parts = [
    escapeSlack(cut(alert.key, 100)),
    ...(workloads === '' ? [] : [escapeSlack(cut(workloads, 200)) + more]),
    `since ${new Date(alert.sinceMs).toISOString()}`,
    ...(doc === '' ? [] : [isLink(alert.doc) ? `<${doc}|what to do>` : `what to do: ${doc}`]),
  ];
  return parts.join('  ·  ');
}

/** Slack's three control characters. */
function escapeSlack(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
