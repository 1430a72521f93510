/** GET requests whose answers we read ourselves: JSON without typed models (which cost more than the parsing), and streams of lines. */
import { TransientError } from '../../base/errors.ts';
import { ApiException, HttpMethod, IsomorphicFetchHttpLibrary, RequestContext } from './facade.ts';
import type { KubeConfig, ResponseContext } from './facade.ts';

export type RawRequest = {
  /** Below the server's address: `/api/v1/pods`. */
  readonly path: string;
  /** Undefined ones are left out. */
  readonly query: Readonly<Record<string, string | number | undefined>>;
};

/** Adds what every request has: pool, deadline, token. */
export type Prepare = (context: RequestContext) => Promise<RequestContext>;

/** Objects are at most 1.5 MB in etcd; what is longer is not a line of a watch [characters]. */
const LINE_CHARS_MAX = 8 * 1024 * 1024;
/** Of an answer that is an error, so much is read. */
const ERROR_CHARS_MAX = 64 * 1024;

/** The parsed answer. Throws ApiException for a status other than 2xx, SyntaxError, and what fetch throws. */
export async function rawJson(config: KubeConfig, request: RawRequest, prepare: Prepare): Promise<unknown> {
  const response = await send(config, request, prepare);
  return JSON.parse(await response.body.text()) as unknown;
}

/** The lines of an answer as they come, until the server ends it. Throws as {@link rawJson} does, and what reading throws when the connection is lost. */
export async function* rawLines(config: KubeConfig, request: RawRequest, prepare: Prepare): AsyncGenerator<string> {
  const response = await send(config, request, prepare);
  const body = response.body.stream() as AsyncIterable<Uint8Array> | null;
  const decoder = new TextDecoder();
  let rest = '';
  // An empty line says that the server has begun to answer.
  yield '';
  for await (const chunk of body ?? []) {
    rest += decoder.decode(chunk, { stream: true });
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
    if (rest.length > LINE_CHARS_MAX) {
      throw new TransientError(
        `Cannot read "${request.path}": expected lines below ${LINE_CHARS_MAX} characters, current value is more`,
      );
    }
  }
  if (rest !== '') yield rest;
}

async function send(config: KubeConfig, request: RawRequest, prepare: Prepare): Promise<ResponseContext> {
  const server = config.getCurrentCluster()?.server ?? '';
  const url = new URL(`${server.replace(/\/$/, '')}${request.path}`);
  for (const [key, value] of Object.entries(request.query)) {
    if (value !== undefined) url.searchParams.set(key, String(value));
  }
  const context = new RequestContext(url.toString(), HttpMethod.GET);
  context.setHeaderParam('Accept', 'application/json');
  await config.applySecurityAuthentication(context);
  const response = await new IsomorphicFetchHttpLibrary().send(await prepare(context)).toPromise();
  const { httpStatusCode: status, headers } = response;
  if (status >= 200 && status < 300) return response;
  const text = (await response.body.text()).slice(0, ERROR_CHARS_MAX);
  throw new ApiException(status, 'refused', text, headers);
}
