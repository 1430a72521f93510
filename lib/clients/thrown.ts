/** What was thrown, read by its shape: errors of Node itself, of SDKs and of fetch need not share one `Error` class. */

export type Thrown = {
  readonly name: string;
  readonly message: string;
  /** Node's code, such as `ECONNREFUSED`; empty when there is none. */
  readonly code: string;
  readonly cause: unknown;
  /** HTTP status of an SDK error. */
  readonly status: number | undefined;
};

/** Reads anything; what is not there is empty. */
export function thrownOf(error: unknown): Thrown {
  if (typeof error !== 'object' || error === null) return { ...NOTHING, message: String(error) };
  const fields: Readonly<Record<string, unknown>> = {
    name: 'name' in error ? error.name : '',
    message: 'message' in error ? error.message : '',
    code: 'code' in error ? error.code : '',
    cause: 'cause' in error ? error.cause : undefined,
  };
  return {
    name: textOf(fields['name']),
    message: textOf(fields['message']).replace(/\s+/g, ' ').trim(),
    code: textOf(fields['code']),
    cause: fields['cause'],
    status: statusOf(error),
  };
}

const NOTHING: Thrown = { name: '', message: '', code: '', cause: undefined, status: undefined };

function statusOf(error: object): number | undefined {
  const metadata = '$metadata' in error ? error.$metadata : undefined;
  if (typeof metadata !== 'object' || metadata === null || !('httpStatusCode' in metadata)) return undefined;
  return typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : undefined;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
