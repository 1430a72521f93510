/** Streams by kind. */
import type { Stream } from './contract.ts';
import { kafkaStream } from './kafka.ts';
import { memoryStream } from './memory.ts';

export { kafkaStream } from './kafka.ts';
export { memoryStream, type MemoryStream } from './memory.ts';

export const streams = {
  kafka: kafkaStream,
  memory: memoryStream,
} satisfies Record<string, (options: never) => Stream>;
