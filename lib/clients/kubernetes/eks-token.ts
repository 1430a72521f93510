/** Bearer tokens for EKS clusters: a presigned STS GetCallerIdentity request, made without a network call. */
import { Sha256 } from '@aws-crypto/sha256-js';
import { SignatureV4 } from '@smithy/signature-v4';
import type { Clock } from '../../base/clock.ts';
import { awsIdentity } from '../aws/identity.ts';
import type { AwsCredentials } from '../aws/identity.ts';

export type EksTokenOptions = {
  /** Name of the EKS cluster: the token is good for no other. */
  readonly cluster: string;
  readonly region: string;
  /** Asked at every signing, so that rotated credentials are used. */
  readonly credentials: () => Promise<AwsCredentials>;
  readonly clock: Clock;
};

/** A bearer token that renews itself. */
export type TokenSource = {
  /** The current token; a new one when it is older than {@link TOKEN_MS_MAX}. Throws what `credentials` throws. */
  token(): Promise<string>;
  /** The server refused it: sign again next time. */
  renew(): void;
};

/** EKS accepts a token for 15 minutes after its signing: 10 leaves room for clocks that differ and requests that wait. */
export const TOKEN_MS_MAX = 600_000;

/** How long the presigned request itself is valid [s]; the value `aws eks get-token` uses. */
const PRESIGNED_SEC = 60;
const CLUSTER_HEADER = 'x-k8s-aws-id';

/** Signs tokens for one cluster. Format: `k8s-aws-v1.` + base64url of the presigned URL. */
export function eksTokenSource(options: EksTokenOptions): TokenSource {
  let current: { readonly signedMs: number; readonly token: Promise<string> } | undefined;
  return {
    token: () => {
      const nowMs = options.clock.nowMs();
      // A clock that went back also makes the token one of unknown age.
      const stale = current === undefined || nowMs - current.signedMs >= TOKEN_MS_MAX || nowMs < current.signedMs;
      if (stale || current === undefined) current = { signedMs: nowMs, token: sign(options, nowMs) };
      const mine = current;
      mine.token.catch(() => {
        if (current === mine) current = undefined;
      });
      return mine.token;
    },
    renew: () => {
      current = undefined;
    },
  };
}

async function sign(options: EksTokenOptions, nowMs: number): Promise<string> {
  const signer = new SignatureV4({
    service: 'sts',
    region: options.region,
    credentials: awsIdentity(options.credentials),
    sha256: Sha256,
    applyChecksum: false,
  });
  const hostname = `sts.${options.region}.${options.region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'}`;
  const signed = await signer.presign(
    {
      method: 'GET',
      protocol: 'https:',
      hostname,
      path: '/',
      query: { Action: 'GetCallerIdentity', Version: '2011-06-15' },
      headers: { host: hostname, [CLUSTER_HEADER]: options.cluster },
    },
    { expiresIn: PRESIGNED_SEC, signingDate: new Date(nowMs), unhoistableHeaders: new Set([CLUSTER_HEADER]) },
  );
  const query = Object.entries(signed.query ?? {})
    .map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(String(value))}`)
    .join('&');
  return `k8s-aws-v1.${Buffer.from(`https://${hostname}/?${query}`).toString('base64url')}`;
}
