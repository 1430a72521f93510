/** AWS credentials as plain data, and as the SDK wants them. */

/** What signs: temporary credentials have a session token. */
export type AwsCredentials = {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
};

/** A credential provider for an SDK client, which takes no undefined session token. */
export function awsIdentity(credentials: () => Promise<AwsCredentials>) {
  return async (): Promise<{ accessKeyId: string; secretAccessKey: string; sessionToken?: string }> => {
    const { sessionToken, ...keys } = await credentials();
    return sessionToken === undefined ? keys : { ...keys, sessionToken };
  };
}
