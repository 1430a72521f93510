/** The one way in which an outbox says no. */
import { TransientError } from '../base/errors.ts';
import { OUTBOX_LENGTH_MAX } from './contract.ts';

/** The error of an outbox that can't take `count` messages more. */
export function outboxFull(count: number): TransientError {
  return new TransientError(
    `Cannot put into "outbox": expected room for ${count} below ${OUTBOX_LENGTH_MAX} messages, current value is full`,
  );
}
