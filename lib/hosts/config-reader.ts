/** Reads settings from an environment and gathers what is wrong with them. */

export type Environment = Readonly<Record<string, string | undefined>>;

export type Reader = {
  text(name: string, fallback: string): string;
  optional(name: string): string | null;
  integer(name: string, options: { fallback: number; min: number; max: number }): number;
  oneOf<T extends string>(name: string, options: { fallback: T; allowed: readonly T[] }): T;
  list(name: string, fallback: readonly string[]): readonly string[];
  problem(text: string): void;
};

/** Every problem goes to `problems`, and the fallback stands in. Blank counts as not set. */
export function readerOf(env: Environment, problems: string[]): Reader {
  const raw = (name: string): string | null => {
    const value = env[name]?.trim();
    return value === undefined || value === '' ? null : value;
  };
  return {
    optional: raw,
    text: (name, fallback) => raw(name) ?? fallback,
    integer: (name, { fallback, min, max }) => {
      const text = raw(name);
      if (text === null) return fallback;
      const value = Number(text);
      if (Number.isInteger(value) && value >= min && value <= max) return value;
      problems.push(`${name} is "${text}": expected an integer from ${min} to ${max}`);
      return fallback;
    },
    oneOf: (name, { fallback, allowed }) => {
      const text = raw(name);
      if (text === null) return fallback;
      const found = allowed.find((value) => value === text);
      if (found !== undefined) return found;
      problems.push(`${name} is "${text}": expected one of ${allowed.join(', ')}`);
      return fallback;
    },
    list: (name, fallback) => {
      const text = raw(name);
      if (text === null) return fallback;
      const items = text
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '');
      if (items.length === 0) problems.push(`${name} is "${text}": expected at least one entry`);
      return items;
    },
    problem: (text) => problems.push(text),
  };
}
