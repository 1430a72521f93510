/** A load source that says what it is told to: for tests and the simulator. */
import type { Collected, LoadSource } from './contract.ts';

export type MemoryLoadSource = LoadSource & {
  /** What every following `collect` answers; an error is thrown. */
  answer(next: Collected | Error): void;
  /** How often it was asked. */
  readonly asked: () => number;
  readonly isClosed: () => boolean;
};

/** Answers nothing until told otherwise. */
export function memoryLoadSource(first: Collected | Error = { events: [], failures: [] }): MemoryLoadSource {
  let current = first;
  let asked = 0;
  let isClosed = false;
  return {
    answer: (next) => {
      current = next;
    },
    asked: () => asked,
    isClosed: () => isClosed,
    collect: async () => {
      if (isClosed) return { events: [], failures: [] };
      asked++;
      if (current instanceof Error) throw current;
      return current;
    },
    close: async () => {
      isClosed = true;
    },
  };
}
