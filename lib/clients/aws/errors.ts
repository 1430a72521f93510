/** What an answer of an AWS API means for us. */
import {
  CapacityError,
  ConfigError,
  ConflictError,
  DeniedError,
  NotFoundError,
  PenstockError,
  TransientError,
} from '../../base/errors.ts';
import { thrownOf } from '../thrown.ts';

/** Codes and phrases of AWS that say: there are no machines (or addresses, or quota) for this now. */
export const CAPACITY_PATTERN =
  /InsufficientInstanceCapacity|InsufficientHostCapacity|InsufficientReservedInstanceCapacity|InsufficientFreeAddresses|InsufficientFreeAddressesInSubnet|not enough (available|free) (IP )?addresses|InstanceLimitExceeded|VcpuLimitExceeded|MaxSpotInstanceCountExceeded|SpotMaxPriceTooLow|UnfulfillableCapacity/i;

const THROTTLED =
  /^(Throttl|TooManyRequests|RequestLimitExceeded|RequestThrottled|SlowDown|PriorRequestNotComplete|LimitExceededException$)/;
const DENIED =
  /^(AccessDenied|AuthFailure|UnauthorizedOperation|Unauthorized|UnrecognizedClient|ExpiredToken|InvalidClientTokenId|InvalidSignature|SignatureDoesNotMatch|MissingAuthenticationToken|CredentialsProviderError|InvalidAccessKeyId|NotAuthorized|OptInRequired)/;
const NOT_FOUND = /^(ResourceNotFound|NotFound|ParameterNotFound|NoSuch)/;
const CONFLICT = /^(ResourceInUse|ScalingActivityInProgress|ResourceContention|Conflict|OperationInProgress)/;
const SERVER_FAULT =
  /^(ServiceUnavailable|ServerException|InternalFailure|InternalError|InternalServer|RequestTimeout|TimeoutError)/;
const NETWORK = /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR|NetworkingError)/;

/** EKS says "not in Active State" and Auto Scaling "in progress" under several codes: all mean that something else is under way. */
const BUSY = /currently has update .* in progress|not in Active State|activity is in progress|already in progress/i;

export type AwsCall = {
  /** Completes `Cannot …`, such as `resize node group "prod/gpu"`. */
  readonly what: string;
  /** The IAM action that is needed, such as `eks:UpdateNodegroupConfig`. */
  readonly action: string;
};

/**
 * Maps anything an SDK call threw: throttling, 5xx, timeouts and network TransientError; resource in use ConflictError; access DeniedError naming the
 * action; unknown resources NotFoundError; capacity CapacityError; everything else the request's own fault, ConfigError. The original is the `cause`.
 */
export function awsError(call: AwsCall, error: unknown): PenstockError {
  if (error instanceof PenstockError) return error;
  const { name, status, code, message: said } = thrownOf(error);
  const message = `${name}: ${said}`.slice(0, 1_000);
  const text = (expected: string): string => `Cannot ${call.what}: expected ${expected}, current value is ${message}`;
  const options = { cause: error };
  if (CAPACITY_PATTERN.test(name) || CAPACITY_PATTERN.test(message)) {
    return new CapacityError(text('free capacity'), options);
  }
  if (THROTTLED.test(name) || status === 429) {
    return new TransientError(text('a service with room for us'), options);
  }
  if (DENIED.test(name) || status === 401 || status === 403) {
    return new DeniedError(
      text(`permission for ${deniedAction(message) ?? call.action} (docs/permissions.md)`),
      options,
    );
  }
  if (CONFLICT.test(name) || BUSY.test(message)) return new ConflictError(text('nothing else under way'), options);
  if (NOT_FOUND.test(name) || status === 404 || /not found/i.test(message)) {
    return new NotFoundError(text('an existing resource'), options);
  }
  const network = NETWORK.test(code) || NETWORK.test(name);
  if (network || SERVER_FAULT.test(name) || (status !== undefined && status >= 500)) {
    return new TransientError(text('an answer'), options);
  }
  if (status === undefined) return new TransientError(text('an answer'), options);
  return new ConfigError(text('a request the service accepts'), options);
}

/** Runs one SDK call and maps what it throws (see {@link awsError}). */
export async function awsCall<T>(call: AwsCall, request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (error) {
    throw awsError(call, error);
  }
}

/** `… is not authorized to perform: eks:UpdateNodegroupConfig on resource …` → the action. */
function deniedAction(message: string): string | undefined {
  return /not authorized to perform: ([a-z0-9-]+:[A-Za-z*]+)/.exec(message)?.[1];
}
