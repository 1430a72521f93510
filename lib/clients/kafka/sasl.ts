/** Ways to log in to Kafka. */
import type { SASLOptions } from 'kafkajs';
import { DeniedError, messageOf } from '../../base/errors.ts';

export type KafkaSasl =
  | {
      readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
      readonly username: string;
      readonly password: string;
    }
  /** IAM role of the process; needs TLS and the IAM listener (port 9098 on MSK). */
  | { readonly mechanism: 'aws-msk-iam'; readonly region: string };

/** The settings as kafkajs wants them. */
export function saslOf(sasl: KafkaSasl): SASLOptions {
  if (sasl.mechanism !== 'aws-msk-iam') return { ...sasl };
  return {
    mechanism: 'oauthbearer',
    oauthBearerProvider: async () => ({ value: await mskToken(sasl.region) }),
  };
}

/** A signed token of this role. The signer carries an AWS client, so it is loaded only where it is used. */
async function mskToken(region: string): Promise<string> {
  try {
    const signer = await import('aws-msk-iam-sasl-signer-js');
    const { token } = await signer.generateAuthToken({ region });
    return token;
  } catch (error) {
    throw new DeniedError(
      `Cannot sign a Kafka login for region "${region}": expected AWS credentials, got: ${messageOf(error)}`,
      { cause: error },
    );
  }
}
