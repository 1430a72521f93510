/** What a broker needs for its TLS and SASL listeners, made anew for each. */
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeCertificates } from '../certificates/certificates.ts';
import { LOOPBACK } from '../process/ports.ts';
import type { BrokerSecurity } from './server-properties.ts';
import type { KafkaSecurity } from '../types.ts';

const USERNAME = 'penstock';

/** Only the owner may read a private key. */
const SECRET_MODE = 0o600;

/** Writes key stores below `dataDir` and returns both sides: what the broker is told and what its clients need. */
export async function makeSecurity(
  dataDir: string,
  options: { ports: BrokerSecurity['ports']; nowMs: number },
): Promise<{ broker: BrokerSecurity; client: KafkaSecurity }> {
  const { ports } = options;
  const certificates = makeCertificates(options.nowMs);
  const password = randomBytes(12).toString('hex');
  const folder = join(dataDir, 'tls');
  const [keyStoreFile, trustStoreFile] = [join(folder, 'broker.pem'), join(folder, 'trust.pem')];
  await mkdir(folder, { recursive: true });
  const { server, caPem } = certificates;
  await writeFile(keyStoreFile, `${server.keyPem}${server.certPem}${caPem}`, { mode: SECRET_MODE });
  await writeFile(trustStoreFile, caPem);
  return {
    broker: { ports, username: USERNAME, password, keyStoreFile, trustStoreFile },
    client: {
      brokers: { saslPlaintext: at(ports.saslPlaintext), ssl: at(ports.ssl), saslSsl: at(ports.saslSsl) },
      username: USERNAME,
      password,
      caPem,
      clientCertPem: certificates.client.certPem,
      clientKeyPem: certificates.client.keyPem,
    },
  };
}

const at = (port: number): readonly string[] => [`${LOOPBACK}:${port}`];

/** Arguments of the storage tool that add the user for SCRAM: unlike PLAIN it lives in the broker's own metadata. */
export function scramArguments(security: BrokerSecurity): string[] {
  return ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
    '--add-scram',
    `${mechanism}=[name=${security.username},password=${security.password}]`,
  ]);
}
