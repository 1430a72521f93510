/** The api function: the read-only HTTP API behind an API Gateway HTTP API (payload version 2.0). */
import { answerApi } from '../http/api.ts';
import type { ApiOptions, ApiResponse } from '../http/api.ts';
import type { LambdaHandler } from './lambda.ts';

/** What API Gateway expects. */
export type HttpAnswer = {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/** Body and query together: no route takes a body, and the live page asks in some hundred bytes. */
const INPUT_BYTES_MAX = 1_024;
/** All header names and values together [bytes]. API Gateway's own limit is 10 KB; this one holds for every way to invoke the function. */
const HEADER_BYTES_MAX = 16_384;

/** SHA-256 of nothing that is known. Behind the internet "no token configured" must read as "nobody", not as "everybody". */
const NOBODY_SHA256 = '0'.repeat(64);

/** Never throws: a client gets a status code. Anything that is no HTTP API event is a route that does not exist. */
export function apiHandler(build: () => Promise<ApiOptions>): LambdaHandler<HttpAnswer> {
  return async (event) => {
    const request = readRequest(event);
    if (request.headerBytes > HEADER_BYTES_MAX) return answer(refusal(431, 'headers too large'));
    if (request.inputBytes > INPUT_BYTES_MAX) return answer(refusal(413, 'body too large'));
    const options = await build().catch(() => undefined);
    if (options === undefined) return answer(refusal(503, 'not ready'));
    return answer(
      await answerApi(request, { ...options, statusTokenSha256: options.statusTokenSha256 ?? NOBODY_SHA256 }),
    );
  };
}

function readRequest(event: unknown): {
  method: string;
  path: string;
  authorization: string | undefined;
  query: string;
  ifNoneMatch: string | undefined;
  headerBytes: number;
  inputBytes: number;
} {
  const fields = fieldsOf(event);
  const http = fieldsOf(fieldsOf(fields['requestContext'])['http']);
  const headers = Object.entries(fieldsOf(fields['headers']));
  const headerOf = (wanted: string): string | undefined => {
    const value = headers.find(([name]) => name.toLowerCase() === wanted)?.[1];
    return typeof value === 'string' ? value : undefined;
  };
  return {
    method: textOf(http['method']),
    path: textOf(fields['rawPath']),
    authorization: headerOf('authorization'),
    query: textOf(fields['rawQueryString']),
    ifNoneMatch: headerOf('if-none-match'),
    headerBytes: headers.reduce((sum, [name, value]) => sum + name.length + Buffer.byteLength(textOf(value)), 0),
    inputBytes: Buffer.byteLength(textOf(fields['body'])) + Buffer.byteLength(textOf(fields['rawQueryString'])),
  };
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function refusal(status: number, body: string): ApiResponse {
  return {
    status,
    headers: {
      'content-type': 'text/plain; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    },
    body: `${body}\n`,
  };
}

function answer({ status, headers, body }: ApiResponse): HttpAnswer {
  return { statusCode: status, headers, body };
}
