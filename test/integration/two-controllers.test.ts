/**
 * Two controllers at once, as in a rolling update of the process host: both evaluate, both actuate, at every interleaving a seed draws, with clocks apart and a store that loses its tail.
 * PENSTOCK_TWO_RUNS: seeds per test; when left out one seed and a choice of clocks (a virtual minute costs a quarter of a second).
 */
import { describe, expect, test } from '@jest/globals';
import { VirtualClock } from '../../lib/base/clock.ts';
import { seededRandom } from '../../lib/base/random.ts';
import { memoryStream } from '../../lib/stream/memory.ts';
import { runOnClock } from '../support/run-on-clock.ts';
import { rewindableStores } from '../support/rewindable-stores.ts';
import { PER_REPLICA, REF, send, shared, sharedActions, startHost } from '../support/two-hosts.ts';
import type { Shared, Write } from '../support/two-hosts.ts';

const RUNS = Number(process.env['PENSTOCK_TWO_RUNS'] ?? 1);
const ALL = process.env['PENSTOCK_TWO_RUNS'] !== undefined;
/** Of these only the first so many by default. */
const some = <T>(all: readonly T[], count: number): readonly T[] => (ALL ? all : all.slice(0, count));
const STEP_MS = 2_000;
const LEVELS = [4, 16, 40, 80, 120];
const seeds = Array.from({ length: RUNS }, (_, index) => index + 1);

type Heard = { readonly atMs: number; readonly inFlight: number | null };

type Scene = {
  readonly seed: number;
  readonly skewsMs: readonly [number, number];
  readonly minutes?: number;
  /** Now and then the store loses up to 20 s. */
  readonly rewinds?: boolean;
  /** From so many minutes on nobody reports; the last reports, of four seconds, are of no load. */
  readonly silentFromMin?: number;
  /** In flight, minute by minute; drawn when left out. */
  readonly levels?: readonly number[];
  readonly spec?: Record<string, unknown>;
};

async function play(scene: Scene) {
  const random = seededRandom(scene.seed);
  const clock = new VirtualClock();
  const stream = memoryStream({ clock });
  await stream.admin().ensureTopics([{ topic: 'inference-load', partitions: 2, replicationFactor: 1 }]);
  const world = shared(clock, stream, scene.spec);
  const stores = rewindableStores(clock);
  const actions = sharedActions(clock, scene.seed);
  const hosts = await Promise.all(
    scene.skewsMs.map((aheadMs, index) =>
      startHost(world, {
        name: 'ab'.charAt(index),
        aheadMs,
        state: stores,
        queue: actions.openQueue(),
        worker: actions.openWorker(),
        seed: scene.seed * 100 + index,
        callMs: [0, 20, 200, 900][scene.seed % 4] ?? 0,
      }),
    ),
  );
  const heard: Heard[] = [];
  const rewinds: number[] = [];
  const minutes = scene.minutes ?? scene.levels?.length ?? 6;
  for (let minute = 0; minute < minutes; minute++) {
    const drawn = LEVELS[Math.floor(random() * LEVELS.length)] ?? 4;
    const level = scene.levels?.[minute] ?? drawn;
    const rewindAt = scene.rewinds === true && random() < 0.4 ? Math.floor(random() * 30) : -1;
    for (let step = 0; step < 60_000 / STEP_MS; step++) {
      const silent = minute >= (scene.silentFromMin ?? Infinity);
      const isLast = minute === (scene.silentFromMin ?? Infinity) - 1 && step >= 28;
      const inFlight = isLast ? 0 : level;
      if (!silent) await send(world, inFlight);
      heard.push({ atMs: clock.nowMs(), inFlight: silent ? null : inFlight });
      await clock.advance(Math.floor(random() * STEP_MS));
      if (step === rewindAt) {
        rewinds.push(clock.nowMs());
        await stores.loseTail(1_000 + random() * 20_000);
      }
      await clock.advance(STEP_MS - (clock.monotonicMs() % STEP_MS));
    }
  }
  const stopped = Promise.all(hosts.map((host) => host.stop()));
  await runOnClock(clock, stopped, { stepMs: 1_000 });
  return { world, heard, rewinds, endMs: clock.nowMs(), hosts };
}

const need = (inFlight: number): number => Math.max(1, Math.ceil(inFlight / PER_REPLICA));

/** Loads that were reported from `fromMs` to `toMs`. */
const between = (heard: readonly Heard[], fromMs: number, toMs: number): number[] =>
  heard.flatMap(({ atMs, inFlight }) => (inFlight !== null && atMs >= fromMs && atMs <= toMs ? [inFlight] : []));

const falls = ({ writes }: Shared): Write[] => writes.filter((write) => write.to < write.from);

/** What must hold whatever the clocks, and whatever the store has lost. */
function expectSafe({ world, heard, rewinds }: Awaited<ReturnType<typeof play>>): void {
  const { min, max } = world.policy.spec.replicas;
  for (const write of world.writes) {
    expect(write.to).toBeGreaterThanOrEqual(min);
    expect(write.to).toBeLessThanOrEqual(max);
  }
  expect(world.inFlight.most).toBeLessThanOrEqual(1);
  for (const fall of falls(world)) {
    // A decision may be a minute old, and rests on readings of half a minute: older ones move nothing down.
    const recent = between(heard, fall.atMs - 110_000, fall.atMs);
    expect({ fall, recent: recent.length > 0 }).toEqual({ fall, recent: true });
    expect(fall.to).toBeGreaterThanOrEqual(need(Math.min(...recent)));
  }
  // Sequences rise, as long as the store remembers; each host's own always.
  for (const host of ['a', 'b']) expectRising(world.seqs.filter((one) => one.host === host).map((one) => one.seq));
  const parts = [...rewinds, Infinity].map((toMs, index) =>
    world.seqs.filter((one) => one.atMs > (rewinds[index - 1] ?? 0) && one.atMs <= toMs),
  );
  for (const part of parts) expectRising(part.map((one) => one.seq));
  expect(new Set(world.writes.map((write) => write.planSeq)).size).toBe(world.writes.length);
}

function expectRising(seqs: readonly number[]): void {
  for (const [index, seq] of seqs.entries()) if (index > 0) expect(seq).toBeGreaterThan(seqs[index - 1] ?? 0);
}

/** While the store remembers and clocks agree: no fall before the load was low for most of the window of a minute. */
function expectCalm({ world, heard }: Awaited<ReturnType<typeof play>>): void {
  for (const fall of falls(world)) {
    const held = between(heard, fall.atMs - 45_000, fall.atMs - 10_000);
    expect(fall.to).toBeGreaterThanOrEqual(need(Math.max(...held)));
  }
}

const countOf = async (world: Shared): Promise<number> => (await world.targets.read(REF)).replicas;

describe('two controllers with clocks that agree', () => {
  test.each(seeds)('serve any course of load without harm and without a fight (seed %i)', async (seed) => {
    for (const apartMs of some([5_000, 0], 1)) {
      const run = await play({ seed, skewsMs: [0, apartMs], minutes: 7 });
      expectSafe(run);
      expectCalm(run);
      expect(run.world.writes.length).toBeGreaterThan(2);
      expect(falls(run.world).length).toBeGreaterThan(0);
    }
  });

  test.each(seeds)('settle on one count, and leave it alone (seed %i)', async (seed) => {
    const levels = [40, 80, 80, 16, 16, 16, 16, 16];
    const { world, endMs } = await play({ seed, skewsMs: [0, 3_000], levels });
    const last = await countOf(world);
    expect(last).toBeGreaterThanOrEqual(need(16));
    expect(last).toBeLessThanOrEqual(need(16) + 3);
    expect(world.writes.filter((write) => write.atMs > endMs - 3 * 60_000)).toEqual([]);
    // Up, up, down: one turn.
    const signs = world.writes.map((write) => Math.sign(write.to - write.from));
    expect(signs.filter((sign, index) => index > 0 && sign !== signs[index - 1]).length).toBeLessThanOrEqual(2);
  });
});

describe('two controllers with clocks apart', () => {
  const apart: readonly (readonly [number, number])[] = some(
    [
      [0, -300_000],
      [0, 30_000],
      [0, -30_000],
      [0, 300_000],
      [-30_000, 30_000],
      [-300_000, 300_000],
    ],
    2,
  );

  test.each(apart)('by %i and %i ms do no harm, and still grow', async (first, second) => {
    for (const seed of seeds) {
      const run = await play({ seed, skewsMs: [first, second], levels: [40, 40, 4, 4, 120] });
      expectSafe(run);
      if (first === 0) expect(await countOf(run.world)).toBeGreaterThanOrEqual(need(120));
      if (ALL) expectSafe(await play({ seed, skewsMs: [first, second] }));
    }
  });

  test.each([[-300_000, -300_000] as const, ...apart])(
    'by %i and %i ms lower nothing once the reports have stopped',
    async (first, second) => {
      for (const seed of seeds) {
        const run = await play({
          seed,
          skewsMs: [first, second],
          levels: [80, 80, 4, 4, 4, 4],
          silentFromMin: 2,
        });
        expectSafe(run);
        expect(await countOf(run.world)).toBeGreaterThanOrEqual(need(80));
      }
    },
  );
});

describe('two controllers whose store loses its tail', () => {
  test.each(seeds)('do no harm (seed %i)', async (seed) => {
    for (const apartMs of some([5_000, 0, 30_000, -300_000], 1)) {
      const run = await play({ seed, skewsMs: [0, apartMs], rewinds: true });
      expectSafe(run);
      expect(run.rewinds.length).toBeGreaterThan(0);
    }
  });

  test.each(seeds)('never let more go in a minute than the policy says (seed %i)', async (seed) => {
    for (const apartMs of some([0, 5_000, 30_000], 1)) {
      const run = await play({
        seed,
        skewsMs: [0, apartMs],
        rewinds: true,
        levels: [120, 120, 4, 4, 4, 4],
        spec: { scaleDown: { maxPerMinute: 2 } },
      });
      expectSafe(run);
      const all = falls(run.world);
      for (const fall of all) {
        const minute = all.filter((one) => one.atMs <= fall.atMs && one.atMs > fall.atMs - 55_000);
        expect(minute.reduce((sum, one) => sum + one.from - one.to, 0)).toBeLessThanOrEqual(2);
      }
    }
  });
});
