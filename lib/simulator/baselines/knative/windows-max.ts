/** Largest value of a time window, as the Knative autoscaler's scale-down delay keeps it. */

export type MaxWindow = {
  /** Values come in time order. */
  record(value: number, atMs: number): void;
  /** Largest value of the window that ends with the newest record; -1 before the first one. */
  max(): number;
};

/** Buckets start at multiples of `bucketMs` of absolute time; the window is ⌈windowMs / bucketMs⌉ of them, the newest included. */
export function makeMaxWindow(lengths: { readonly windowMs: number; readonly bucketMs: number }): MaxWindow {
  const bucketCount = Math.ceil(lengths.windowMs / lengths.bucketMs);
  let entries: { readonly index: number; readonly value: number }[] = [];
  return {
    record: (value, atMs) => {
      const index = Math.floor(atMs / lengths.bucketMs);
      // What is not larger than the new value can never be the largest again.
      entries = entries.filter((entry) => entry.index > index - bucketCount && entry.value > value);
      entries.push({ index, value });
    },
    max: () => entries[0]?.value ?? -1,
  };
}
