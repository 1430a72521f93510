/** The gate in front of both APIs: logs the request, applies the faults, answers. */
import type { ServerResponse } from 'node:http';
import type { Clock } from '../../base/clock.ts';
import type { Faults, FaultKind } from './faults.ts';
import { send } from './http.ts';
import type { ApiAnswer, ApiRequest } from './http.ts';
import { BODY_CHARS_MAX } from './requests-log.ts';
import type { RequestsLog, Service } from './requests-log.ts';

export type Gate = {
  readonly clock: Clock;
  readonly faults: Faults;
  readonly log: RequestsLog;
};

export type Passing = {
  readonly service: Service;
  readonly operation: string;
  readonly request: ApiRequest;
  readonly response: ServerResponse;
  /** The refusals of this API. */
  readonly refusals: Readonly<Record<Refusal, (retryAfterSec: number) => ApiAnswer>>;
  /** Does it. Undefined: the answer is a stream that has begun. */
  readonly answer: () => ApiAnswer | undefined;
};

type Refusal = Extract<FaultKind, 'throttle' | 'error' | 'forbid' | 'unauthenticated'>;

/** Lets one request through. */
export async function pass(gate: Gate, passing: Passing): Promise<void> {
  const { service, operation, request, response } = passing;
  const logged = gate.log.add({
    service,
    operation,
    method: request.method,
    path: request.path,
    atMs: gate.clock.nowMs(),
    monotonicMs: gate.clock.monotonicMs(),
    status: 0,
    body: request.method === 'GET' ? '' : request.body.slice(0, BODY_CHARS_MAX),
  });
  const fault = gate.faults.hit({ service, operation });
  if (fault?.kind === 'hang') return;
  if (fault?.kind === 'drop') return void response.destroy();
  if (fault?.kind === 'slow') await gate.clock.sleep(fault.delayMs ?? 1000);
  const refusal = isRefusal(fault?.kind) ? passing.refusals[fault.kind] : undefined;
  const answer = refusal === undefined ? passing.answer() : refusal(fault?.retryAfterSec ?? 1);
  if (fault?.kind === 'loseAnswer') return void response.destroy();
  logged.status = answer?.status ?? 200;
  if (answer !== undefined) send(response, answer);
}

function isRefusal(kind: FaultKind | undefined): kind is Refusal {
  return kind === 'throttle' || kind === 'error' || kind === 'forbid' || kind === 'unauthenticated';
}
