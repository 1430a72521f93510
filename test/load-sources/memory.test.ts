import { INFERENCE_LOAD } from '../../events/schema/inference-load.ts';
import { memoryLoadSource } from '../../lib/load-sources/memory.ts';
import { loadSourceConformance } from '../conformance/load-source.ts';

loadSourceConformance('memory', async () => {
  const source = memoryLoadSource();
  let [fromMs, nowMs] = [1_763_920_800_000, 1_763_920_800_000];
  let isFailing = false;
  return {
    source: {
      ...source,
      collect: async () => {
        const event = {
          schema: INFERENCE_LOAD,
          workload: 'chat',
          source: 'pod/a',
          intervalStartMs: fromMs,
          intervalEndMs: nowMs,
          inFlight: 3,
        } as const;
        if (isFailing) source.answer({ events: [], failures: [{ source: 'pod/a', reason: 'told to' }] });
        else source.answer({ events: nowMs > fromMs ? [event] : [], failures: [] });
        if (!isFailing) fromMs = nowMs;
        return source.collect();
      },
    },
    workload: 'chat',
    pass: async (ms) => {
      nowMs += ms;
    },
    fail: () => {
      isFailing = true;
    },
    recover: () => {
      isFailing = false;
    },
    close: () => source.close(),
  };
});
