/** A service account token whose time is over, signed with the key of the own cluster. */
import { sign } from 'node:crypto';

/** As a control plane makes them (ES256), valid for ten minutes an hour ago. Empty when the key is not ours. */
export function expiredToken(of: { readonly namespace: string; readonly name: string }): string {
  const key = process.env.PENSTOCK_TEST_SERVICE_ACCOUNT_KEY;
  if (key === undefined) return '';
  const issuer = 'https://kubernetes.default.svc';
  const fromSec = Math.floor(Date.now() / 1000) - 3_600;
  const claims = {
    aud: [issuer],
    iss: issuer,
    iat: fromSec,
    nbf: fromSec,
    exp: fromSec + 600,
    sub: `system:serviceaccount:${of.namespace}:${of.name}`,
    'kubernetes.io': { namespace: of.namespace, serviceaccount: { name: of.name, uid: '' } },
  };
  const text = `${encoded({ alg: 'ES256', typ: 'JWT' })}.${encoded(claims)}`;
  const signature = sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' });
  return `${text}.${signature.toString('base64url')}`;
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
