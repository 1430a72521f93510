/** A throw-away certificate authority, so that TLS can be tried on a machine without openssl or keytool. */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { bitString, bool, context, integer, octets, oid, sequence, set, time, utf8 } from './der.ts';

export type Identity = { readonly certPem: string; readonly keyPem: string };

export type Certificates = { readonly caPem: string; readonly server: Identity; readonly client: Identity };

/** Days before and after now for which the certificates hold: clocks differ, and nobody keeps a test broker for a month. */
const VALID_DAYS = { before: 1, after: 30 };
const DAY_MS = 86_400_000;

/** X.509 object identifiers (RFC 5280, RFC 5758). */
const OID = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  basicConstraints: '2.5.29.19',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
};

/** Bits of KeyUsage, most significant first, as the one byte they are sent in. */
const KEY_USAGE = { signCertificates: 0x04, digitalSignature: 0x80 };

type Keys = { readonly publicKey: KeyObject; readonly privateKey: KeyObject };

type Request = {
  readonly subject: string;
  readonly issuer: { readonly name: string; readonly key: KeyObject };
  readonly publicKey: KeyObject;
  readonly extensions: readonly Buffer[];
  readonly nowMs: number;
};

/** A new authority, a server certificate for 127.0.0.1 and localhost, and a client certificate (P-256, SHA-256, all PEM). */
export function makeCertificates(nowMs: number): Certificates {
  const authority = newKeys();
  const issuer = { name: 'Penstock local authority', key: authority.privateKey };
  const caExtensions = [
    extension(OID.basicConstraints, sequence(bool(true)), true),
    extension(OID.keyUsage, bitString(Buffer.of(KEY_USAGE.signCertificates), 2), true),
  ];
  const caPem = certificate({
    subject: issuer.name,
    issuer,
    publicKey: authority.publicKey,
    extensions: caExtensions,
    nowMs,
  });
  const identity = (subject: string): Identity => {
    const keys = newKeys();
    const usage = extension(OID.keyUsage, bitString(Buffer.of(KEY_USAGE.digitalSignature), 7), true);
    const names = sequence(context(7, Buffer.of(127, 0, 0, 1)), context(2, Buffer.from('localhost')));
    const extensions = [usage, extension(OID.subjectAltName, names, false)];
    const certPem = certificate({ subject, issuer, publicKey: keys.publicKey, extensions, nowMs });
    return { certPem, keyPem: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
  };
  return { caPem, server: identity('localhost'), client: identity('Penstock local client') };
}

function newKeys(): Keys {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

function certificate(request: Request): string {
  const algorithm = sequence(oid(OID.ecdsaWithSha256));
  const body = sequence(
    context(0, integer(Buffer.of(2)), true),
    integer(Buffer.concat([Buffer.of(1), randomBytes(15)])),
    algorithm,
    commonName(request.issuer.name),
    sequence(time(request.nowMs - VALID_DAYS.before * DAY_MS), time(request.nowMs + VALID_DAYS.after * DAY_MS)),
    commonName(request.subject),
    request.publicKey.export({ type: 'spki', format: 'der' }),
    context(3, sequence(...request.extensions), true),
  );
  const signed = sequence(body, algorithm, bitString(sign('sha256', body, request.issuer.key), 0));
  const lines = signed.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function commonName(name: string): Buffer {
  return sequence(set(sequence(oid(OID.commonName), utf8(name))));
}

function extension(id: string, value: Buffer, critical: boolean): Buffer {
  return sequence(oid(id), ...(critical ? [bool(true)] : []), octets(value));
}
