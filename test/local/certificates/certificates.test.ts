import { createPrivateKey, X509Certificate } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { makeCertificates } from '../../../lib/local/certificates/certificates.ts';
import { integer, octets, oid } from '../../../lib/local/certificates/der.ts';

const NOW_MS = Date.UTC(2025, 10, 23);

describe('makeCertificates', () => {
  const { caPem, server, client } = makeCertificates(NOW_MS);
  const ca = new X509Certificate(caPem);

  test('makes an authority that signed both certificates', () => {
    expect(ca.ca).toBe(true);
    for (const { certPem } of [server, client]) {
      const certificate = new X509Certificate(certPem);
      expect(certificate.ca).toBe(false);
      expect(certificate.checkIssued(ca)).toBe(true);
      expect(certificate.verify(ca.publicKey)).toBe(true);
    }
  });

  test('names the loopback address and localhost, and nothing else', () => {
    const certificate = new X509Certificate(server.certPem);
    expect(certificate.checkIP('127.0.0.1')).toBe('127.0.0.1');
    expect(certificate.checkHost('localhost')).toBe('localhost');
    expect(certificate.checkHost('example.com')).toBeUndefined();
  });

  test('holds from a day before to a month after the given time', () => {
    expect(Date.parse(ca.validFrom)).toBe(Date.UTC(2025, 10, 22));
    expect(Date.parse(ca.validTo)).toBe(Date.UTC(2025, 11, 23));
  });

  test('gives each certificate the key that belongs to it', () => {
    expect(new X509Certificate(server.certPem).checkPrivateKey(createPrivateKey(server.keyPem))).toBe(true);
    expect(new X509Certificate(client.certPem).checkPrivateKey(createPrivateKey(server.keyPem))).toBe(false);
  });
});

describe('DER', () => {
  test('writes the object identifier from the standard example', () => {
    expect(oid('1.2.840.113549').toString('hex')).toBe('06062a864886f70d');
  });

  test('writes a length in as few bytes as possible, and the content as it is', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 70_000 }), (byteCount) => {
        const encoded = octets(Buffer.alloc(byteCount, 7));
        const lengthBytes = byteCount < 128 ? 1 : byteCount < 256 ? 2 : byteCount < 65_536 ? 3 : 4;
        expect(encoded.length).toBe(1 + lengthBytes + byteCount);
        const written = lengthBytes === 1 ? encoded[1] : encoded.readUIntBE(2, lengthBytes - 1);
        expect(written).toBe(byteCount);
      }),
    );
    expect(integer(Buffer.of(2)).toString('hex')).toBe('020102');
  });
});
