/** Random draws of the world: arrivals, identifiers, choices. All come from seeded streams. */
import { seededRandom } from '../../../base/random.ts';
import type { Random } from '../../../base/random.ts';

/** One stream per concern, so that changing e.g. a failure ratio does not reshuffle names or boot times. */
export type Draws = {
  readonly names: Random;
  readonly durations: Random;
  readonly failures: Random;
  readonly victims: Random;
};

/** Four independent streams from one seed (any integer). */
export function createDraws(seed: number): Draws {
  return {
    names: seededRandom(seed * 4 + 1),
    durations: seededRandom(seed * 4 + 2),
    failures: seededRandom(seed * 4 + 3),
    victims: seededRandom(seed * 4 + 4),
  };
}

/** Time to the next event of a Poisson process. perHour ≥ 0 → [ms]; Infinity at rate 0. */
export function drawArrivalMs(random: Random, perHour: number): number {
  return perHour > 0 ? (-Math.log(1 - random()) / perHour) * 3_600_000 : Infinity;
}

// The letters Kubernetes uses for generated names: no vowels, no look-alikes.
const NAME_LETTERS = 'bcdfghjklmnpqrstvwxz2456789';

/** `length` letters as in generated pod names. */
export function drawName(random: Random, length: number): string {
  return drawFrom(random, { letters: NAME_LETTERS, length });
}

/** `length` hexadecimal digits. */
export function drawHex(random: Random, length: number): string {
  return drawFrom(random, { letters: '0123456789abcdef', length });
}

/** A version-4 UUID. */
export function drawUuid(random: Random): string {
  const hex = drawHex(random, 30);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(12, 15)}-a${hex.slice(15, 18)}-${hex.slice(18, 30)}`;
}

/** One of `items` with equal chances; undefined when there are none. */
export function drawOne<T>(random: Random, items: readonly T[]): T | undefined {
  return items[Math.floor(random() * items.length)];
}

function drawFrom(random: Random, alphabet: { letters: string; length: number }): string {
  let text = '';
  for (let index = 0; index < alphabet.length; index++) {
    text += alphabet.letters[Math.floor(random() * alphabet.letters.length)] ?? '';
  }
  return text;
}
