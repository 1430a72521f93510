/** Numbers as options: what reads one, or says what it expected (InvalidArgumentError). */
import { InvalidArgumentError } from 'commander';

/** Reads a number above `limit`. */
export function numberAbove(limit: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isFinite(value) || value <= limit)
      throw new InvalidArgumentError(`expected a number above ${limit}.`);
    return value;
  };
}

/** Reads a number from `min` to `max`. */
export function numberBetween(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !(value >= min && value <= max))
      throw new InvalidArgumentError(`expected a number from ${min} to ${max}.`);
    return value;
  };
}

/** Reads an integer from `min` to `max`. */
export function integerBetween(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < min || value > max) {
      throw new InvalidArgumentError(`expected an integer from ${min} to ${max}.`);
    }
    return value;
  };
}
