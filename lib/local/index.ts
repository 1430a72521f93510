/** Brings up a real Kafka, Redis and Kubernetes control plane for the demo and for tests, without root and on a bare machine. */
export { defaultCacheDir } from './fetch/cache.ts';
export { startControlPlane, type StartControlPlaneOptions } from './control-plane/control-plane.ts';
export { KWOK_NODE } from './control-plane/arguments.ts';
export { KWOK_DELAY } from './control-plane/kwok-stages.ts';
export { buildControlPlane } from './control-plane/build.ts';
export { kubeconfig as kubeconfigText } from './control-plane/parts.ts';
export { existingKafka, existingRedis } from './existing.ts';
export { startKafka, type StartKafkaOptions } from './kafka/kafka.ts';
export { startRedis, type StartRedisOptions } from './redis/redis.ts';
export type { ControlPlaneHandle, KafkaHandle, KafkaSecurity, Progress, RedisHandle, ServerHandle } from './types.ts';
