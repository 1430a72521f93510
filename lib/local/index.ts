/** Brings up a real Kafka, Redis and Kubernetes control plane for the demo and for tests, without root and on a bare machine. */
export { defaultCacheDir } from './cache.ts';
export { startControlPlane, type StartControlPlaneOptions } from './control-plane.ts';
export { KWOK_NODE } from './control-plane-arguments.ts';
export { KWOK_DELAY } from './kwok-stages.ts';
export { buildControlPlane, type ControlPlaneBuildOptions } from './control-plane-build.ts';
export { kubeconfig as kubeconfigText } from './control-plane-parts.ts';
export { existingKafka, existingRedis } from './existing.ts';
export { startKafka, type StartKafkaOptions } from './kafka.ts';
export { startRedis, type StartRedisOptions } from './redis.ts';
export type { ControlPlaneHandle, KafkaHandle, KafkaSecurity, Progress, RedisHandle, ServerHandle } from './types.ts';
