/** Settings of orchestrators other than Kubernetes. */
import type { SecretRef } from '../core/policy.ts';
import type { Reader } from './config-reader.ts';

/** A manager of a Docker Swarm. */
export type DockerConfig = {
  /** `unix:`, `http:` or `https:`. */
  readonly url: URL;
  /** Folder with `ca.pem`, `cert.pem` and `key.pem`, as the Docker command line has it. */
  readonly certPath: string | null;
};

export type MarathonConfig = {
  readonly url: URL;
  readonly auth: null | { readonly scheme: 'bearer' | 'token' | 'basic'; readonly secretFrom: SecretRef };
  /** Path of a PEM file with the CA, when it is not a public one. */
  readonly caFile: string | null;
};

/** Null when no manager is named. */
export function readDocker(read: Reader): DockerConfig | null {
  const certPath = read.optional('PENSTOCK_DOCKER_CERT_PATH');
  const host = read.optional('PENSTOCK_DOCKER_HOST');
  if (host === null) return null;
  const url = URL.canParse(host) ? new URL(host) : null;
  if (url === null || !['unix:', 'tcp:', 'http:', 'https:'].includes(url.protocol)) {
    read.problem(
      `PENSTOCK_DOCKER_HOST is "${host}": expected unix:///var/run/docker.sock, tcp://HOST:2376 (TLS), https://HOST or http://HOST (a proxy on a network of its own)`,
    );
    return null;
  }
  if (url.protocol !== 'tcp:') return { url, certPath };
  if (certPath === null) {
    // Whoever reaches the port of an engine is root on its machine.
    read.problem('PENSTOCK_DOCKER_HOST is tcp, so PENSTOCK_DOCKER_CERT_PATH (ca.pem, cert.pem, key.pem) is needed');
  }
  return { url: new URL(host.replace(/^tcp:/, 'https:')), certPath };
}

/** Null when no Marathon is named. */
export function readMarathon(read: Reader): MarathonConfig | null {
  const text = read.optional('PENSTOCK_MARATHON_URL');
  const caFile = read.optional('PENSTOCK_MARATHON_CA_FILE');
  const scheme = read.oneOf('PENSTOCK_MARATHON_AUTH', {
    fallback: 'none',
    allowed: ['none', 'bearer', 'token', 'basic'],
  });
  const secretFrom = readReference(read, 'PENSTOCK_MARATHON_SECRET_FROM');
  if (text === null) return null;
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') {
    read.problem('PENSTOCK_MARATHON_URL: expected http(s)://HOST:PORT without user or password');
    return null;
  }
  if (scheme === 'none') return { url, auth: null, caFile };
  if (secretFrom === null) {
    read.problem(`PENSTOCK_MARATHON_AUTH is ${scheme}, so PENSTOCK_MARATHON_SECRET_FROM is needed`);
    return null;
  }
  return { url, auth: { scheme, secretFrom }, caFile };
}

/** `env:NAME`, `file:PATH` or an ARN of Secrets Manager or SSM. The value may be a secret put there by mistake: it is never shown. */
function readReference(read: Reader, name: string): SecretRef | null {
  const text = read.optional(name);
  if (text === null) return null;
  const [, kind, rest = ''] = /^(env|file):(.+)$/.exec(text) ?? [];
  if (kind === 'env') return { env: rest };
  if (kind === 'file') return { file: rest };
  if (/^arn:[a-z-]+:secretsmanager:/.test(text)) return { secretsManager: text };
  if (/^arn:[a-z-]+:ssm:/.test(text)) return { ssm: text };
  read.problem(`${name}: expected a reference (env:NAME, file:PATH, or an ARN of Secrets Manager or SSM)`);
  return null;
}
