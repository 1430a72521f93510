/** Bounds shared by every event that comes in: input is hostile, so each number and string has a range. */
import * as z from 'zod';

/** Longest accepted workload id, source or reason [characters]. */
export const NAME_LENGTH_MAX = 256;

/** Largest count or gauge in one sample: far above any real server, and small enough that a million of them add up below 2^53. */
export const VALUE_MAX = 1e9;

// oxlint-disable-next-line no-control-regex -- control characters are what it is there to refuse
const PRINTABLE = /^[^\u0000-\u001f\u007f-\u009f]+$/;

/** A name as events carry it: 1 to 256 printable characters. */
export const nameSchema = z.string().min(1).max(NAME_LENGTH_MAX).regex(PRINTABLE, 'expected no control characters');

/** Workload id = `metadata.name` of its policy: an RFC 1123 subdomain as Kubernetes names it. */
export const workloadSchema = z
  .string()
  .max(253)
  .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, 'expected lower-case letters, digits, "-" and "."');

/** A whole number of things, 0 to 10^9. */
export const countSchema = z.int().min(0).max(VALUE_MAX);

/** A measured quantity, 0 to 10^9, finite. */
export const gaugeSchema = z.number().min(0).max(VALUE_MAX);

/** A share, 0 to 1. */
export const ratioSchema = z.number().min(0).max(1);

/** Epoch milliseconds between 2001-09-09 and 2286: seconds or microseconds sent by mistake fall outside. */
export const epochMsSchema = z.int().min(1_000_000_000_000).max(9_999_999_999_999);

/** Shortest and longest interval one sample may cover [ms]. */
export const INTERVAL_MS_MIN = 500;
export const INTERVAL_MS_MAX = 60_000;
