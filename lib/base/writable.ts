/** A readonly object while it is being made: nobody else has it yet. */
export type Writable<T> = { -readonly [K in keyof T]: T[K] };
