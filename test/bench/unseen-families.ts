/** Traffic that nobody has seen: families of load, made here from a seed. Loads are in replicas that are kept busy; no recorded data. */
import type { Random } from '../../lib/base/random.ts';
import { drawGamma, drawNormal } from '../../lib/simulator/draws.ts';

/** One service of a family. */
export type Course = {
  readonly durationSec: number;
  /** Not scored [s]. */
  readonly warmupSec: number;
  /** Between two points of the load [s]: each holds until the next. */
  readonly pointSec: number;
  readonly tickSec: number;
  /** At each point [replicas]. */
  readonly load: Float64Array;
  /** Mean answer at each point, in parts of the usual; default 1. */
  readonly lengths?: Float64Array;
  /** Slots of a replica and log-normal seconds of a request in one; default: a batching server and a chat mix. */
  readonly slots?: { readonly count: number; readonly medianSec: number; readonly sigma: number };
  /** One request at a time, Pareto-distributed [s]. */
  readonly serial?: { readonly minSec: number; readonly shape: number; readonly maxSec: number };
  /** Default 1. */
  readonly replicasMin?: number;
  /** Replicas at the start; default: what the first minutes need. */
  readonly replicasFirst?: number;
  /** Reports are lost, repeated and late, and reporters restart; see `gappy-scaler.ts`. */
  readonly gappy?: boolean;
};

export type Family = {
  readonly name: string;
  readonly about: string;
  make(random: Random, leadTimeSec: number): Course;
};

const MINUTE = 60;
const HOUR = 3_600;
const DAY = 86_400;

function between(random: Random, low: number, high: number): number {
  return low + (high - low) * random();
}

function exponential(random: Random, mean: number): number {
  return -mean * Math.log(1 - random());
}

function pointsOf(durationSec: number, pointSec: number, at: (tSec: number) => number): Float64Array {
  return Float64Array.from({ length: Math.round(durationSec / pointSec) }, (_, index) =>
    Math.max(0, at((index + 0.5) * pointSec)),
  );
}

/** A course whose load at a time is told by `at`, asked once a point and in their order. */
function courseOf(at: (tSec: number) => number, of: Omit<Course, 'load'>): Course {
  return { ...of, load: pointsOf(of.durationSec, of.pointSec, at) };
}

/** A wave around 1 that keeps its direction for a while: a log-normal process with memory. */
function wander(
  random: Random,
  of: { readonly sigma: number; readonly memorySec: number; readonly stepSec: number },
): () => number {
  const keep = Math.exp(-of.stepSec / of.memorySec);
  let value = drawNormal(random) * of.sigma;
  return () => {
    value = value * keep + drawNormal(random) * of.sigma * Math.sqrt(1 - keep * keep);
    return Math.exp(value - (of.sigma * of.sigma) / 2);
  };
}

/** A day from `low` to 1: night, morning, afternoon, evening. */
function dayShape(hour: number, low: number): number {
  const bell = (centre: number, width: number): number => {
    const far = Math.min(Math.abs(hour - centre), 24 - Math.abs(hour - centre));
    return Math.exp(-((far / width) ** 2));
  };
  return low + (1 - low) * Math.min(1, 0.85 * bell(10.5, 2.6) + 0.95 * bell(15.5, 3) + 0.5 * bell(20.5, 2.2));
}

/** {@link dayShape} of a time since the first midnight. */
function shapeAt(tSec: number, low: number): number {
  return dayShape((tSec % DAY) / HOUR, low);
}

/** Visits of a client that comes and goes: on for `onSec`, off for `offSec`, exponential, at a level of its own. */
function client(
  random: Random,
  of: { readonly durationSec: number; readonly onSec: number; readonly offSec: number; readonly level: () => number },
): (tSec: number) => number {
  const visits: (readonly [from: number, to: number, level: number])[] = [];
  let at = random() < of.onSec / (of.onSec + of.offSec) ? 0 : exponential(random, of.offSec);
  while (at < of.durationSec) {
    const to = at + exponential(random, of.onSec);
    visits.push([at, to, of.level()]);
    at = to + exponential(random, of.offSec);
  }
  let next = 0;
  return (tSec) => {
    while ((visits[next]?.[1] ?? Infinity) < tSec) next++;
    const visit = visits[next];
    return visit !== undefined && visit[0] <= tSec ? visit[2] : 0;
  };
}

/** Crowds: a rise of minutes to `times` the load, then a decay. */
function crowds(
  random: Random,
  of: {
    readonly durationSec: number;
    readonly everySec: number;
    readonly riseSec: readonly [number, number];
    readonly decaySec: readonly [number, number];
    readonly times: readonly [number, number];
  },
): (tSec: number) => number {
  const events: (readonly [at: number, rise: number, decay: number, extra: number])[] = [];
  for (let at = exponential(random, of.everySec); at < of.durationSec; at += exponential(random, of.everySec))
    events.push([
      at,
      between(random, ...of.riseSec),
      between(random, ...of.decaySec),
      between(random, ...of.times) - 1,
    ]);
  return (tSec) => {
    let extra = 0;
    for (const [at, rise, decay, most] of events) {
      if (tSec < at || tSec > at + rise + 6 * decay) continue;
      extra += tSec < at + rise ? (most * (tSec - at)) / rise : most * Math.exp(-(tSec - at - rise) / decay);
    }
    return 1 + extra;
  };
}

export const FAMILIES: readonly Family[] = [
  {
    name: 'week',
    about: 'five days by the minute, with nights and a weekend',
    make: (random) => {
      const [peak, low, weekend] = [between(random, 12, 35), between(random, 0.08, 0.3), between(random, 0.3, 0.6)];
      const [slow, fast] = [
        wander(random, { sigma: 0.06, memorySec: 5_400, stepSec: MINUTE }),
        wander(random, { sigma: 0.05, memorySec: 90, stepSec: MINUTE }),
      ];
      const durationSec = 5 * DAY;
      const at = (tSec: number): number => {
        const day = Math.floor(tSec / DAY);
        return peak * shapeAt(tSec, low) * (day >= 3 ? weekend : 1) * slow() * fast();
      };
      return courseOf(at, { durationSec, warmupSec: DAY, pointSec: MINUTE, tickSec: 5 });
    },
  },
  {
    name: 'api',
    about: 'an API whose clients come and go in steps, each for hours',
    make: (random) => {
      const durationSec = 3 * DAY;
      const clients = Array.from({ length: 14 }, () => {
        const size = Math.exp(drawNormal(random) * 0.9) * 1.3;
        return client(random, {
          durationSec,
          onSec: between(random, 0.5, 5) * HOUR,
          offSec: between(random, 0.5, 8) * HOUR,
          level: () => size * between(random, 0.6, 1.4),
        });
      });
      const noise = wander(random, { sigma: 0.12, memorySec: 60, stepSec: 10 });
      const at = (tSec: number): number => (1 + clients.reduce((sum, one) => sum + one(tSec), 0)) * noise();
      return courseOf(at, { durationSec, warmupSec: DAY, pointSec: 10, tickSec: 5 });
    },
  },
  {
    name: 'api-gamma',
    about: 'an API by the hour, every five minutes times a Gamma of shape 0.5',
    make: (random) => {
      const durationSec = 3 * DAY;
      const mean = between(random, 5, 12);
      const hourly = wander(random, { sigma: 0.35, memorySec: 4 * HOUR, stepSec: HOUR });
      let [level, hour] = [1, -1];
      const at = (tSec: number): number => {
        if (Math.floor(tSec / HOUR) !== hour) [hour, level] = [Math.floor(tSec / HOUR), hourly()];
        return mean * level * shapeAt(tSec, 0.4) * drawGamma(random, 0.5);
      };
      return courseOf(at, { durationSec, warmupSec: DAY, pointSec: 300, tickSec: 5 });
    },
  },
  {
    name: 'web',
    about: 'web traffic by the second, with flash crowds',
    make: (random) => {
      const durationSec = 1.25 * DAY;
      const [peak, low] = [between(random, 8, 16), between(random, 0.25, 0.5)];
      const crowd = crowds(random, {
        durationSec,
        everySec: 5 * HOUR,
        riseSec: [30, 240],
        decaySec: [300, 1500],
        times: [1.8, 4.5],
      });
      const [slow, fast] = [
        wander(random, { sigma: 0.08, memorySec: 900, stepSec: 1 }),
        wander(random, { sigma: 0.15, memorySec: 8, stepSec: 1 }),
      ];
      const at = (tSec: number): number => peak * shapeAt(tSec, low) * crowd(tSec) * slow() * fast();
      return courseOf(at, { durationSec, warmupSec: 6 * HOUR, pointSec: 1, tickSec: 2 });
    },
  },
  {
    name: 'reasoning',
    about: 'long reasoning: minutes a request, 4 to 16 at once in a replica',
    make: (random) => {
      const durationSec = 2 * DAY;
      const slots = {
        count: Math.round(between(random, 4, 16)),
        medianSec: between(random, 120, 400),
        sigma: between(random, 0.4, 0.7),
      };
      const peak = between(random, 6, 14);
      const slow = wander(random, { sigma: 0.15, memorySec: 2_400, stepSec: MINUTE });
      const at = (tSec: number): number => peak * shapeAt(tSec, 0.2) * slow();
      return courseOf(at, {
        durationSec,
        warmupSec: 6 * HOUR,
        pointSec: MINUTE,
        tickSec: 5,
        slots,
      });
    },
  },
  {
    name: 'heavy-tail',
    about: 'one request at a time per replica, Pareto-distributed from seconds to ten minutes',
    make: (random) => {
      const durationSec = 1.25 * DAY;
      const peak = between(random, 8, 18);
      const slow = wander(random, { sigma: 0.1, memorySec: 1_800, stepSec: MINUTE });
      const at = (tSec: number): number => peak * shapeAt(tSec, 0.3) * slow();
      const serial = { minSec: between(random, 2, 5), shape: between(random, 1.3, 1.8), maxSec: 600 };
      return courseOf(at, {
        durationSec,
        warmupSec: 6 * HOUR,
        pointSec: MINUTE,
        tickSec: 5,
        serial,
      });
    },
  },
  {
    name: 'batch',
    about: 'batch clients that start on the hour and are done after some minutes',
    make: (random) => {
      const durationSec = 3 * DAY;
      const base = between(random, 1.5, 4);
      const clients = Array.from({ length: 3 }, () => ({
        size: between(random, 4, 14),
        minutes: between(random, 6, 25),
        chance: between(random, 0.4, 0.95),
      }));
      const runs = Array.from({ length: Math.ceil(durationSec / HOUR) }, (_, hour) =>
        clients.flatMap(({ size, minutes, chance }) => {
          const startSec = hour * HOUR + between(random, 0, 20);
          return random() < chance
            ? [[startSec, startSec + minutes * MINUTE * between(random, 0.7, 1.3), size] as const]
            : [];
        }),
      );
      const noise = wander(random, { sigma: 0.08, memorySec: 60, stepSec: 5 });
      const at = (tSec: number): number => {
        const now = runs[Math.floor(tSec / HOUR)] ?? [];
        return (
          (base + now.reduce((sum, [from, to, size]) => sum + (tSec >= from && tSec < to ? size : 0), 0)) * noise()
        );
      };
      return courseOf(at, { durationSec, warmupSec: DAY, pointSec: 5, tickSec: 5 });
    },
  },
  {
    name: 'ramp',
    about: 'a slow ramp to twenty times over a day, then a collapse within minutes; twice',
    make: (random) => {
      const durationSec = 2 * DAY;
      const low = between(random, 0.8, 2);
      const fall = between(random, 60, 600);
      const noise = wander(random, { sigma: 0.06, memorySec: 120, stepSec: 15 });
      const at = (tSec: number): number => {
        const inDay = tSec % DAY;
        const up = low * 20 ** Math.min(1, inDay / (DAY - 4 * HOUR));
        const falls = Math.max(0, inDay - (DAY - 3 * HOUR)) / fall;
        return Math.max(low, up * Math.exp(-falls)) * noise();
      };
      return courseOf(at, { durationSec, warmupSec: 2 * HOUR, pointSec: 15, tickSec: 5 });
    },
  },
  {
    name: 'regime',
    about: 'a change of regime on the third day: four times the mean, other hours, other noise',
    make: (random) => {
      const durationSec = 5 * DAY;
      const [mean, low, shift] = [between(random, 3, 7), between(random, 0.2, 0.4), between(random, 5, 10)];
      const changeSec = 3 * DAY + between(random, 8, 16) * HOUR;
      const calm = wander(random, { sigma: 0.05, memorySec: 120, stepSec: 30 });
      const rough = wander(random, { sigma: 0.2, memorySec: 200, stepSec: 30 });
      const at = (tSec: number): number => {
        const hour = (tSec % DAY) / HOUR;
        const [one, other] = [calm(), rough()];
        return tSec < changeSec
          ? mean * dayShape(hour, low) * one
          : 4 * mean * dayShape((hour + shift) % 24, low) * other;
      };
      return courseOf(at, { durationSec, warmupSec: DAY, pointSec: 30, tickSec: 5 });
    },
  },
  {
    name: 'tiny',
    about: 'a tiny service: a fifth of a replica to two, nothing at night, down to zero',
    make: (random) => {
      const durationSec = 3 * DAY;
      const peak = between(random, 0.6, 2);
      const slow = wander(random, { sigma: 0.3, memorySec: 1_200, stepSec: 15 });
      const start = between(random, 6, 8);
      const end = between(random, 20, 23);
      const at = (tSec: number): number => {
        const hour = (tSec % DAY) / HOUR;
        return hour < start || hour > end ? 0 : peak * Math.max(0.1, dayShape(hour, 0.1)) * slow();
      };
      return courseOf(at, {
        durationSec,
        warmupSec: DAY,
        pointSec: 15,
        tickSec: 5,
        replicasMin: 0,
        replicasFirst: 1,
      });
    },
  },
  {
    name: 'large',
    about: 'a very large service: five hundred replicas at the peak, smooth',
    make: (random) => {
      const durationSec = 1.5 * DAY;
      const [peak, low] = [between(random, 450, 550), between(random, 0.25, 0.45)];
      const slow = wander(random, { sigma: 0.02, memorySec: 1_800, stepSec: MINUTE });
      const at = (tSec: number): number => peak * shapeAt(tSec, low) * slow();
      return courseOf(at, {
        durationSec,
        warmupSec: 12 * HOUR,
        pointSec: MINUTE,
        tickSec: 10,
      });
    },
  },
  {
    name: 'poisson',
    about: 'nothing but chance: Poisson arrivals at a constant rate',
    make: (random) => {
      const level = between(random, 3, 15);
      return {
        durationSec: DAY,
        warmupSec: 2 * HOUR,
        pointSec: MINUTE,
        tickSec: 5,
        load: pointsOf(DAY, MINUTE, () => level),
      };
    },
  },
  {
    name: 'mmpp',
    about: 'nothing but chance: arrivals that switch their rate over seconds, minutes and hours',
    make: (random) => {
      const durationSec = 2 * DAY;
      const mean = between(random, 5, 10);
      const switches = [15, 60, 300, 1_500, 7_200].map((sec) =>
        client(random, {
          durationSec,
          onSec: sec * between(random, 0.5, 1),
          offSec: sec * between(random, 1, 2),
          level: () => between(random, 0.3, 0.9),
        }),
      );
      const at = (tSec: number): number =>
        mean * 0.55 * switches.reduce((product, one) => product * (1 + one(tSec)), 1);
      return courseOf(at, { durationSec, warmupSec: DAY, pointSec: 5, tickSec: 5 });
    },
  },
  {
    name: 'gaps',
    about: 'missing data: sources silent for minutes, reporters that restart, reports doubled and late',
    make: (random) => {
      const durationSec = 1.25 * DAY;
      const [peak, low] = [between(random, 8, 14), between(random, 0.15, 0.4)];
      const noise = wander(random, { sigma: 0.08, memorySec: 150, stepSec: 30 });
      const at = (tSec: number): number => peak * shapeAt(tSec, low) * noise();
      return courseOf(at, {
        durationSec,
        warmupSec: 6 * HOUR,
        pointSec: 30,
        tickSec: 5,
        gappy: true,
      });
    },
  },
  {
    name: 'weekly-job',
    about: 'ten days of a quiet service with a job of half an hour once a week',
    make: (random) => {
      const durationSec = 10 * DAY;
      const [base, job] = [between(random, 3, 6), between(random, 12, 20)];
      const jobSec = between(random, 1, 2) * DAY + between(random, 8, 18) * HOUR;
      const noise = wander(random, { sigma: 0.08, memorySec: 200, stepSec: 30 });
      const at = (tSec: number): number => {
        const inWeek = tSec % (7 * DAY);
        const on = inWeek >= jobSec && inWeek < jobSec + 1_800;
        return (base * shapeAt(tSec, 0.5) + (on ? job : 0)) * noise();
      };
      return courseOf(at, { durationSec, warmupSec: DAY, pointSec: 30, tickSec: 10 });
    },
  },
  {
    name: 'sawtooth',
    about: 'a sawtooth whose period is near the lead time',
    make: (random, leadTimeSec) => {
      const durationSec = 14 * HOUR;
      const period = leadTimeSec * between(random, 0.6, 2.5);
      const [low, high] = [between(random, 2, 5), between(random, 9, 16)];
      const noise = wander(random, { sigma: 0.05, memorySec: 30, stepSec: 5 });
      const at = (tSec: number): number => (low + ((high - low) * (tSec % period)) / period) * noise();
      return courseOf(at, { durationSec, warmupSec: 2 * HOUR, pointSec: 5, tickSec: 5 });
    },
  },
  {
    name: 'newborn',
    about: 'a service born a minute ago, scored from its first request, growing over four hours',
    make: (random) => {
      const durationSec = 4 * HOUR;
      const [begin, end] = [between(random, 1, 4), between(random, 8, 20)];
      const noise = wander(random, { sigma: 0.12, memorySec: 90, stepSec: 10 });
      const at = (tSec: number): number => (begin + ((end - begin) * tSec) / durationSec) * noise();
      return courseOf(at, {
        durationSec,
        warmupSec: 0,
        pointSec: 10,
        tickSec: 5,
        replicasFirst: 1,
      });
    },
  },
  {
    name: 'lengths',
    about: 'constant arrivals whose answers get three times as long within minutes, for hours',
    make: (random) => {
      const durationSec = 2 * DAY;
      const level = between(random, 4, 8);
      const long = client(random, {
        durationSec,
        onSec: 2 * HOUR,
        offSec: 5 * HOUR,
        level: () => between(random, 0.8, 2.2),
      });
      const noise = wander(random, { sigma: 0.06, memorySec: 120, stepSec: 30 });
      const wave = (tSec: number): number => level * (1 + 0.4 * Math.sin((tSec / DAY) * 2 * Math.PI)) * noise();
      const lengths = pointsOf(durationSec, 30, (tSec) => 1 + long(tSec));
      return { durationSec, warmupSec: DAY, pointSec: 30, tickSec: 5, lengths, load: pointsOf(durationSec, 30, wave) };
    },
  },
];
