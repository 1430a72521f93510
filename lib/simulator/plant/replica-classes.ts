/**
 * Classes of replicas: one model on one kind of GPU machine, with the timing of its server.
 *
 * Constants were fitted to published measurements: A to an inference-perf sweep (vLLM 0.11 on H100), B and C to the LLMServingSim benchmark runs (vLLM 0.19), D to an
 * sglang sweep, E and F to the profiles of splitwise-sim (software of 2023, pessimistic). Assumed and not measured: `k` of A (from memory bandwidth), the split of D's
 * slope into `b` and `c`, `budgetTokens` of E and F, the machine of G. Prices: on-demand, us-east-1, as in Karpenter's source of 2026-07.
 */
import { ConfigError } from '../../base/errors.ts';
import type { ReplicaClass } from './contract.ts';

/** USD per hour, on demand, us-east-1. */
const INSTANCE_USD_PER_HOUR = {
  'g5.xlarge': 1.006,
  'g5.12xlarge': 5.672,
  'g6.xlarge': 0.8048,
  'g6e.xlarge': 1.861,
  'g6e.12xlarge': 10.493,
  'g7e.2xlarge': 3.363,
  'g7e.12xlarge': 8.286,
  'p4d.24xlarge': 21.958,
  'p4de.24xlarge': 27.447,
  'p5.4xlarge': 6.88,
  'p5.48xlarge': 55.04,
  'p5en.48xlarge': 63.296,
} as const;

const A: ReplicaClass = {
  name: 'A',
  hardware: 'Llama-3.1-8B on 1 H100 (p5.4xlarge)',
  gpusPerReplica: 1,
  usdPerHour: INSTANCE_USD_PER_HOUR['p5.4xlarge'],
  a: 6.8,
  b: 0,
  k: 0.05,
  c: 0.0275,
  maxSeqs: 128,
  budgetTokens: 8192,
  kvTokens: 427_000,
  serial: false,
};

const B: ReplicaClass = {
  name: 'B',
  hardware: 'Llama-3.1-8B on 1 RTX PRO 6000 (g7e.2xlarge)',
  gpusPerReplica: 1,
  usdPerHour: INSTANCE_USD_PER_HOUR['g7e.2xlarge'],
  a: 9.9,
  b: 0,
  k: 0.132,
  c: 0.0446,
  maxSeqs: 128,
  budgetTokens: 2048,
  kvTokens: 530_000,
  serial: false,
};

const C: ReplicaClass = {
  name: 'C',
  hardware: 'Qwen3-32B on 2 RTX PRO 6000 (g7e.12xlarge)',
  gpusPerReplica: 2,
  usdPerHour: INSTANCE_USD_PER_HOUR['g7e.12xlarge'],
  a: 23.9,
  b: 0,
  k: 0.251,
  c: 0.168,
  maxSeqs: 128,
  budgetTokens: 2048,
  kvTokens: 412_000,
  serial: false,
};

const D: ReplicaClass = {
  name: 'D',
  hardware: 'Llama-3.3-70B on 4 H200 (half a p5en.48xlarge)',
  gpusPerReplica: 4,
  usdPerHour: INSTANCE_USD_PER_HOUR['p5en.48xlarge'] / 2,
  a: 12.4,
  b: 0.178,
  k: 0,
  c: 0.07,
  maxSeqs: 256,
  budgetTokens: 8192,
  kvTokens: 1_100_000,
  serial: false,
};

const E: ReplicaClass = {
  name: 'E',
  hardware: 'Llama-2-70B on 8 H100 (p5.48xlarge)',
  gpusPerReplica: 8,
  usdPerHour: INSTANCE_USD_PER_HOUR['p5.48xlarge'],
  a: 29.7,
  b: 0.312,
  k: 0,
  c: 0.1,
  maxSeqs: 64,
  budgetTokens: 2048,
  kvTokens: Infinity,
  serial: false,
};

const F: ReplicaClass = {
  name: 'F',
  hardware: 'Llama-2-70B on 8 A100-80 (p4de.24xlarge)',
  gpusPerReplica: 8,
  usdPerHour: INSTANCE_USD_PER_HOUR['p4de.24xlarge'],
  a: 43.5,
  b: 0.413,
  k: 0,
  // Measured between 0.18 and 0.23.
  c: 0.2,
  maxSeqs: 64,
  budgetTokens: 2048,
  kvTokens: Infinity,
  serial: false,
};

const G: ReplicaClass = {
  name: 'G',
  hardware: 'image generation on 1 GPU, one request at a time (g6e.xlarge)',
  gpusPerReplica: 1,
  usdPerHour: INSTANCE_USD_PER_HOUR['g6e.xlarge'],
  a: 0,
  b: 0,
  k: 0,
  c: 0,
  maxSeqs: 1,
  budgetTokens: Infinity,
  kvTokens: Infinity,
  serial: true,
};

/** By name. B is the standard replica (cheapest per request of A to D), C the slow and costly one, G serves one request at a time. */
export const REPLICA_CLASSES: Readonly<Record<string, ReplicaClass>> = { A, B, C, D, E, F, G };

/** The class of that name, any case. Throws {@link ConfigError} that lists the names. */
export function replicaClassOf(name: string): ReplicaClass {
  const found = REPLICA_CLASSES[name.toUpperCase()];
  if (found !== undefined) return found;
  throw new ConfigError(
    `Cannot use the replica class "${name}": expected one of ${Object.keys(REPLICA_CLASSES).join(', ')}, current value is ${name}`,
  );
}
