/** Version tokens that are never used twice, also not by another process or after a store lost its tail. */
import { randomBytes } from 'node:crypto';

/** Gives a new token with each call: 12 random characters of this process, and a count. */
export function versionSource(): () => string {
  const nonce = randomBytes(9).toString('base64url');
  let count = 0;
  return () => `${nonce}.${(count++).toString(36)}`;
}
