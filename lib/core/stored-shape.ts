/** Checks of what comes out of a store, put together from small ones: whatever is stored there may be broken, or of another version. */

export type Check = (value: unknown) => boolean;
/** One check per field, so that a field that comes or goes does not compile until it is checked here. */
export type Shape<T> = { readonly [K in keyof T]-?: Check };

/** Far above every bound of the core's own lists: what is longer was not written by it. */
const LIST_LENGTH_MAX = 1_000;

export const isNumber: Check = (value) => typeof value === 'number' && Number.isFinite(value);
export const isCount: Check = (value) => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
export const isText: Check = (value) => typeof value === 'string';
export const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
export const orAbsent =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
export const listOf =
  (check: Check, length?: number): Check =>
  (value) =>
    Array.isArray(value) &&
    value.length <= LIST_LENGTH_MAX &&
    (length === undefined || value.length === length) &&
    value.every((one) => check(one));
export const tupleOf =
  (...checks: readonly Check[]): Check =>
  (value) =>
    Array.isArray(value) && value.length === checks.length && checks.every((check, index) => check(value[index]));
export const recordOf =
  (check: Check): Check =>
  (value) =>
    isObject(value) && Object.values(value).every((one) => check(one));
export const shaped =
  <T>(shape: Shape<T>): Check =>
  (value) =>
    isObject(value) && Object.entries<Check>(shape).every(([field, check]) => check(value[field]));

/** An object that is no list. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
