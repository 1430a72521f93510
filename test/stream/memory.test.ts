import { VirtualClock } from '../../lib/base/clock.ts';
import { memoryStream } from '../../lib/stream/memory.ts';
import { describeStream } from '../conformance/stream.ts';

/** Steps of the virtual clock, and how many are enough for everything the suite waits for. */
const STEP_MS = 50;
const STEPS_MAX = 2_000;

describeStream('memory', () => {
  const clock = new VirtualClock();
  const stream = memoryStream({ clock, recordsPerBatchMax: 25 });
  let names = 0;
  return Promise.resolve({
    stream,
    name: (prefix) => `${prefix}-${names++}`,
    until: async (condition) => {
      for (let step = 0; step < STEPS_MAX; step++) {
        if (await condition()) return;
        await clock.advance(STEP_MS);
      }
      throw new Error('the condition never held');
    },
    pass: (ms) => clock.advance(ms),
    nowMs: () => clock.nowMs(),
    expire: ({ topic, partition, offset }) => Promise.resolve(stream.expire({ topic, partition }, offset)),
    close: () => Promise.resolve(),
  });
});
