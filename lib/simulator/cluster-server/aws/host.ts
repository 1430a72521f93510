/** Serves the EKS and Auto Scaling APIs of a world at one endpoint. */
import type { ServerResponse } from 'node:http';
import type { World } from '../../world/world.ts';
import { answerAutoScaling, autoScalingError, parseQuery } from './auto-scaling.ts';
import { answerEks, eksError, parseEks } from './eks.ts';
import { pass } from '../gate.ts';
import type { Gate } from '../gate.ts';
import { send } from '../http.ts';
import type { ApiAnswer, ApiRequest } from '../http.ts';

export type AwsHost = { readonly world: World; readonly gate: Gate; readonly kubernetesUrl: string };

/** Answers one request: form posts are Auto Scaling's, `/clusters/…` is EKS'. */
export async function serveAws(host: AwsHost, request: ApiRequest, response: ServerResponse): Promise<void> {
  const isForm = request.headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true;
  if (isForm && request.method === 'POST') return serveAutoScaling(host, request, response);
  const operation = parseEks(request);
  if (operation === undefined) return send(response, eksError('UnknownOperationException', 'Not served here'));
  const { name } = operation;
  await pass(host.gate, {
    service: 'eks',
    operation: name,
    request,
    response,
    refusals: {
      throttle: () => eksError('ThrottlingException', 'Rate exceeded'),
      error: () => eksError('ServerException', 'Internal failure'),
      forbid: () => eksError('AccessDeniedException', denial(host, `eks:${name}`)),
      unauthenticated: () => ({ ...eksError('ExpiredTokenException', EXPIRED), status: 403 }),
    },
    answer: () => (isSigned(request) ? answerEks(host, operation, request) : unsignedEks()),
  });
}

async function serveAutoScaling(host: AwsHost, request: ApiRequest, response: ServerResponse): Promise<void> {
  const { action, parameters } = parseQuery(request.body);
  await pass(host.gate, {
    service: 'autoscaling',
    operation: action,
    request,
    response,
    refusals: {
      throttle: () => autoScalingError('Throttling', 'Rate exceeded'),
      error: () => autoScalingError('InternalFailure', 'Internal failure', 500),
      forbid: () => autoScalingError('AccessDenied', denial(host, `autoscaling:${action}`), 403),
      unauthenticated: () => autoScalingError('ExpiredToken', EXPIRED, 403),
    },
    answer: () =>
      isSigned(request)
        ? answerAutoScaling(host.world, action, parameters)
        : autoScalingError('MissingAuthenticationToken', MISSING, 403),
  });
}

const EXPIRED = 'The security token included in the request is expired';
const MISSING = 'Missing Authentication Token';

function unsignedEks(): ApiAnswer {
  return { ...eksError('MissingAuthenticationTokenException', MISSING), status: 403 };
}

// Signatures are not verified (the simulator has no secret), but an unsigned call is refused as AWS refuses it.
function isSigned(request: ApiRequest): boolean {
  return request.headers.authorization?.startsWith('AWS4-HMAC-SHA256 Credential=') === true;
}

function denial({ world }: AwsHost, action: string): string {
  const { accountId } = world.state.settings;
  return `User: arn:aws:sts::${accountId}:assumed-role/penstock/controller is not authorized to perform: ${action} because no identity-based policy allows the ${action} action`;
}
