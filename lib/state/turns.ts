/** One at a time per name, in the order of asking: two batches of this process must not race for the same workload. */
export function turns(): <T>(name: string, run: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<unknown>>();
  return (name, run) => {
    const before = last.get(name);
    const mine = before === undefined ? run() : before.then(run, run);
    last.set(name, mine);
    const leave = (): void => {
      if (last.get(name) === mine) last.delete(name);
    };
    mine.then(leave, leave);
    return mine;
  };
}
