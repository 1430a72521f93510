/** Lambda entry point of notify: woken when messages are in the outbox. */
import { notifyHandler } from '../lib/hosts/lambda/notify.ts';
import { buildNotify } from '../lib/hosts/lambda/parts/notify.ts';
import { lambdaEntry } from '../lib/hosts/lambda/entry.ts';

export const handler = lambdaEntry(buildNotify, notifyHandler);
