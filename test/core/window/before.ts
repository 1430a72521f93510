/** What versions before stored for {@link RECORDS_BEFORE}, as it came out of Redis then: the empty fields left out. */
import type { FoldRecord } from '../../../lib/core/window/fold.ts';
import { inferenceLoad, queueDepth, START_MS } from '../../events/builders.ts';

const at = (fromMs: number, toMs: number): { intervalStartMs: number; intervalEndMs: number } => ({
  intervalStartMs: START_MS + fromMs,
  intervalEndMs: START_MS + toMs,
});

/** Pods, a gateway and a queue, over a minute. */
export const RECORDS_BEFORE: readonly FoldRecord[] = [
  inferenceLoad({ ...at(-3_000, -1_000) }),
  inferenceLoad({ ...at(-1_000, 1_000) }),
  inferenceLoad({ ...at(1_000, 3_500), source: 'pod/llama-8b-chat-7c9f-9fqzt', inFlight: 3.25, ready: false }),
  inferenceLoad({ ...at(0, 60_000), source: 'gateway/edge-1', inFlight: 40 }),
  queueDepth({ ...at(0, 5_000) }),
].map((event, offset) => {
  // Format 1 did not know of them.
  if (!('depth' in event)) delete event.ttftMs;
  return { offset: 7 + offset, timestampMs: event.intervalEndMs + 35, event };
});

/** One pod that says when its first tokens came: format 2. */
export const FIRST_TOKENS_BEFORE: readonly FoldRecord[] = [
  { offset: 12, timestampMs: START_MS + 62_035, event: inferenceLoad(at(60_000, 62_000)) },
];

/** Fields that both formats had alike. */
const ALIKE = {
  b0: 'o/57BpstDlisBw1N42qjDo46rCs4e06bA8uB47n0iBgy46FAAAAAAgo8EgqjGgxTwg9tEw5qsD22BvxBAzC8my9BghsKAAAAAAqo8Eg37+Bgx9ltBwjlBwpd448CAAA',
  b1: 'o/57Bgo8EgqjGgxTwg9tEw5qsD22BvxBAzC8my9BghsKAAAAAA',
  b2: 'o/57Bgo8EgqjGgxTwg9tEw5qsD22BwxBA0C8my9BghsKAAAAAA',
  b3: 'o/57Bgo8EgqjGgxTwg9tEw5qsD22BvxBAzC8my9BghsKAAAAAA',
  b4: 'o/57Bgo8EgqjGgxTwg9tEw5qsD22BvxBAzC8my9BghsKAAAAAA',
  b5: 'o/57Bgo8EgqjGgxTwg9tEw5qsD22BwxBA0C8my9BghsKAAAAAA',
  b6: 'o/57Bgo8EgqjGgxTwg9tEw5qsD22BvxBAzC8my9BghsKAAAAAA',
  b7: 'o/57Bgo8EgqjGgxTwg9tEw5qsD22BvxBAzC8my9BghsKAAAAAA',
  b8: 'o/57Bgo8EgqjGgxTwg9tEw5qsD22BwxBA0C8my9BghsKAAAAAA',
  b9: 'o/57Bgo8EgqjGgxTwg9tEw5qsD22BvxBAzC8my9BghsKAAAAAA',
  b10: 'o/57Bgo8EgqjGgxTwg9tEw5qsD22BvxBAzC8my9BghsKAAAAAA',
  b11: 'o/57Bgo8EgqjGgxTwg9tEw5qsD22BwxBA0C8my9BghsKAAAAAA',
  b179: 'n/57Bp49C4ssDg3Lwzk1CwighCs4e06bA8uB47n0iBgy46FAAAAAA',
  s4: 'g70g+4qzBmCgz6BhinBCgateway/edge-1\n',
  s31: 's19+94qzBmCkuCzlDBpod/llama-8b-chat-7c9f-9fqzt\n',
};

/** By format: a window of {@link RECORDS_BEFORE}, in format 2 with {@link FIRST_TOKENS_BEFORE}. */
export const STORED_BEFORE = {
  1: {
    ...ALIKE,
    m: 'BAoq3+94qzBA',
    a: 'Lj80g+4qzBt-0\n',
    s5: 'on7+94qzBmCw+BpkkBCpod/llama-8b-chat-7c9f-x2k4p\nok/+94qzBmCo8EAAqueue/sqs/image-jobs\n',
  },
  2: {
    ...ALIKE,
    m: 'CAoq3+94qzBA',
    a: 'Mz62g+4qzBt-0\n',
    b12: 'o/57Bpw+BwooCg6Hgt44Bg3qrBowU4xSAofwy6iXgsw8DAAAAAAt4xSgyBA',
    s5: 'w52g+4qzBmCw+BpkkBCpod/llama-8b-chat-7c9f-x2k4p\nok/+94qzBmCo8EAAqueue/sqs/image-jobs\n',
  },
} as const;
