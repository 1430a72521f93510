/** One Marathon: address, credentials, deadlines, our errors. */
import { sendHttp } from './http-json.ts';
import type { HttpAnswer, HttpCall, HttpEndpoint } from './http-json.ts';
import { jsonIn, statusError } from './http-status.ts';

/** bearer: `Bearer TOKEN`. token: `token=TOKEN`, as DC/OS has it. basic: the secret is `user:password`. */
export type MarathonAuthScheme = 'bearer' | 'token' | 'basic';

export type MarathonConnection = {
  readonly endpoint: HttpEndpoint;
  readonly auth?: {
    readonly scheme: MarathonAuthScheme;
    /** The secret, read anew when it is due. */
    readonly secret: () => Promise<string>;
    /** Forgets what was read: after a 401 it may have been rotated. */
    readonly forget: () => void;
  };
  /** Default deadline of one request [ms]. */
  readonly timeoutMs?: number;
};

export type MarathonClient = {
  /**
   * The JSON of the answer; undefined when it has no body. `what` completes `Cannot …`. Throws NotFoundError, DeniedError, ConflictError (a deployment is
   * under way), TransientError, ConfigError.
   */
  call(what: string, call: Omit<HttpCall, 'headers'>): Promise<unknown>;
};

/** Nothing is sent before the first call. */
export function marathonClient(connection: MarathonConnection): MarathonClient {
  return {
    call: async (what, call) => {
      const first = await send(connection, what, call);
      const isRotated = first.status === 401 && connection.auth !== undefined;
      if (isRotated) connection.auth.forget();
      const answer = isRotated ? await send(connection, what, call) : first;
      if (answer.status < 200 || answer.status >= 300) throw statusError(what, answer);
      return answer.text.trim() === '' ? undefined : jsonIn<unknown>(what, answer, JSON.parse);
    },
  };
}

async function send(
  { endpoint, auth, timeoutMs }: MarathonConnection,
  what: string,
  call: Omit<HttpCall, 'headers'>,
): Promise<HttpAnswer> {
  const headers = auth === undefined ? {} : { authorization: headerOf(auth.scheme, await auth.secret()) };
  return sendHttp(endpoint, what, { ...(timeoutMs === undefined ? {} : { timeoutMs }), ...call, headers });
}

function headerOf(scheme: MarathonAuthScheme, secret: string): string {
  if (scheme === 'basic') return `Basic ${Buffer.from(secret).toString('base64')}`;
  return scheme === 'token' ? `token=${secret}` : `Bearer ${secret}`;
}
