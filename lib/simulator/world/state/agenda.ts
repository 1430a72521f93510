/** What will happen when: a priority queue of due events, first by time, then by the order in which they were planned. */

type Entry = { readonly atMs: number; readonly order: number; readonly run: () => void };

export type Agenda = {
  /** Plans `run` for `atMs` [epoch ms]. */
  plan(atMs: number, run: () => void): void;
  /** Time of the next event [epoch ms], undefined when nothing is planned. */
  nextMs(): number | undefined;
  /** Takes the next event off the agenda if it is due at or before `untilMs`. */
  takeDue(untilMs: number): Entry | undefined;
};

/** An empty agenda (a binary heap: planning and taking cost O(log n)). */
export function createAgenda(): Agenda {
  const heap: Entry[] = [];
  let planned = 0;
  return {
    plan: (atMs, run) => {
      heap.push({ atMs, order: planned++, run });
      siftUp(heap, heap.length - 1);
    },
    nextMs: () => heap[0]?.atMs,
    takeDue: (untilMs) => {
      const first = heap[0];
      if (first === undefined || first.atMs > untilMs) return undefined;
      const last = heap.pop();
      if (last !== undefined && heap.length > 0) {
        heap[0] = last;
        siftDown(heap);
      }
      return first;
    },
  };
}

function isBefore(a: Entry | undefined, b: Entry | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

function siftUp(heap: Entry[], from: number): void {
  for (let at = from; at > 0;) {
    const parent = (at - 1) >> 1;
    if (!isBefore(heap[at], heap[parent])) return;
    swap(heap, { at, with: parent });
    at = parent;
  }
}

function siftDown(heap: Entry[]): void {
  for (let at = 0; ;) {
    let least = at;
    for (const child of [2 * at + 1, 2 * at + 2]) if (isBefore(heap[child], heap[least])) least = child;
    if (least === at) return;
    swap(heap, { at, with: least });
    at = least;
  }
}

function swap(heap: Entry[], places: { at: number; with: number }): void {
  const [a, b] = [heap[places.at], heap[places.with]];
  if (a === undefined || b === undefined) return;
  heap[places.at] = b;
  heap[places.with] = a;
}
