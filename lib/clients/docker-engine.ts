/** One Docker Engine, over its unix socket or TCP: API version agreed, deadlines, our errors. */
import { ConfigError, ConflictError, TransientError } from '../base/errors.ts';
import type { PenstockError } from '../base/errors.ts';
import { sendHttp } from './http-json.ts';
import type { HttpAnswer, HttpCall, HttpEndpoint } from './http-json.ts';
import { jsonIn, messageIn, statusError } from './http-status.ts';
import { exactParse, exactStringify } from './json-values.ts';

export type EngineCall = {
  readonly method: 'GET' | 'POST';
  /** Without the version, with its query, starting with `/`. */
  readonly path: string;
  readonly body?: unknown;
  /** From the look-up to the last byte [ms]. */
  readonly timeoutMs?: number;
};

export type DockerEngine = {
  /**
   * The JSON of the answer; integers above 2^53 are kept as marked texts, which a body gives back as they were. `what` completes `Cannot …`.
   * Throws NotFoundError, DeniedError, ConflictError (also "update out of sequence"), TransientError, ConfigError.
   */
  call(what: string, call: EngineCall): Promise<unknown>;
};

/** 1.30 (Docker 17.06): before it, every update made the manager look the image up again, and so could roll out another one. */
const API_MINOR_MIN = 30;

/** A manager answers a stale version index with this text; older ones with status 500, newer ones with others. */
const OUT_OF_SEQUENCE = /update out of sequence/i;

/** `timeoutMs`: default deadline of one request [ms]; `deadlineOf`: how it is told, default by `AbortSignal.timeout`. */
export type DockerEngineOptions = Pick<HttpCall, 'timeoutMs' | 'deadlineOf'>;

/** Nothing is sent before the first call. */
export function dockerEngine(endpoint: HttpEndpoint, options: DockerEngineOptions = {}): DockerEngine {
  const engine: Engine = { endpoint, ...options, version: undefined };
  return { call: (what, call) => callEngine(engine, what, call) };
}

type Engine = {
  readonly endpoint: HttpEndpoint;
  readonly timeoutMs?: number;
  readonly deadlineOf?: HttpCall['deadlineOf'];
  /** Of the engine itself: an older one would leave out the newer fields of a spec that we write back. */
  version: string | undefined;
};

async function callEngine(engine: Engine, what: string, call: EngineCall): Promise<unknown> {
  engine.version ??= await pingedVersion(engine, what);
  const asked = engine.version;
  let answer = await send(engine, what, call);
  if (learnVersion(engine, what, answer) !== asked) {
    // Another engine than before (an upgrade, another manager behind the address): what it left out for the old version is asked for again.
    if (call.method !== 'GET') throw changedVersion(what, answer, engine.version);
    answer = await send(engine, what, call);
  }
  if (answer.status < 200 || answer.status >= 300) throw engineError(what, answer);
  return answer.text === '' ? undefined : jsonIn(what, answer, exactParse);
}

function send(engine: Engine, what: string, call: EngineCall): Promise<HttpAnswer> {
  const timeoutMs = call.timeoutMs ?? engine.timeoutMs;
  return sendHttp(engine.endpoint, what, {
    method: call.method,
    path: `/v${engine.version ?? ''}${call.path}`,
    ...(call.body === undefined ? {} : { body: exactStringify(call.body) }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    deadlineOf: engine.deadlineOf,
  });
}

/** `GET /_ping` answers without a version and names the newest one in a header. */
async function pingedVersion({ endpoint, timeoutMs, deadlineOf }: Engine, what: string): Promise<string> {
  const answer = await sendHttp(endpoint, what, {
    method: 'GET',
    path: '/_ping',
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    deadlineOf,
  });
  if (answer.status !== 200) throw engineError(what, answer);
  return checkedVersion(what, answer);
}

/** The version this engine speaks, as its answer says; kept as it was when a proxy left the header out. */
function learnVersion(engine: Engine, what: string, answer: HttpAnswer): string | undefined {
  if (answer.headers['api-version'] !== undefined) engine.version = checkedVersion(what, answer);
  return engine.version;
}

function checkedVersion(what: string, answer: HttpAnswer): string {
  const text = String(answer.headers['api-version'] ?? 'none');
  const minor = /^1\.(\d+)$/.exec(text)?.[1];
  if (minor !== undefined && Number(minor) >= API_MINOR_MIN) return text;
  throw new ConfigError(
    `Cannot ${what}: expected a Docker Engine API of version 1.${API_MINOR_MIN} or later, current value is ${text}`,
  );
}

/** A write may have been made or refused: a fresh read tells. */
function changedVersion(what: string, answer: HttpAnswer, version: string | undefined): PenstockError {
  return new TransientError(
    `Cannot ${what}: expected the engine that was read from, current value is one of API version ${version ?? 'none'} (HTTP ${answer.status})`,
  );
}

function engineError(what: string, answer: HttpAnswer): PenstockError {
  const said = messageIn(answer);
  if (!OUT_OF_SEQUENCE.test(said)) return statusError(what, answer);
  return new ConflictError(`Cannot ${what}: expected an unchanged service, current value is "${said}"`);
}
