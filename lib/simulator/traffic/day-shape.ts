/** Shapes of a day of inference traffic, made here (no recorded data): requests per second by the hour of the day. */

/** Hour of the day, 0 ≤ hour < 24 → arrivals [1/s]. */
export type DayShape = (hour: number) => number;

/** A smooth bell of height 1 around `centreHour` with the given width [h]; wraps around midnight. */
function bell(hour: number, at: { readonly centreHour: number; readonly widthHours: number }): number {
  const distance = Math.min(Math.abs(hour - at.centreHour), 24 - Math.abs(hour - at.centreHour));
  return Math.exp(-((distance / at.widthHours) ** 2));
}

/** 1 inside [fromHour, toHour), with ramps of `rampHours` on both sides; 0 elsewhere. */
function plateau(
  hour: number,
  span: { readonly fromHour: number; readonly toHour: number; readonly rampHours: number },
): number {
  const up = (hour - span.fromHour) / span.rampHours;
  const down = (span.toHour - hour) / span.rampHours;
  return Math.max(0, Math.min(1, up, down));
}

/** Office hours: quiet nights, a morning ramp, a lunch dip, an afternoon peak. `peakPerSec` > 0 [1/s]. */
export function officeDay(peakPerSec: number): DayShape {
  return (hour) =>
    peakPerSec *
    (0.12 +
      0.7 * bell(hour, { centreHour: 10.5, widthHours: 2.2 }) +
      0.88 * bell(hour, { centreHour: 15.5, widthHours: 2.6 }) +
      0.25 * bell(hour, { centreHour: 21, widthHours: 1.6 }));
}

/** A steady service with one sudden burst: `burstFactor` times the base from `fromHour` for `hours`. */
export function burstDay(options: {
  readonly basePerSec: number;
  readonly burstFactor: number;
  readonly fromHour: number;
  readonly hours: number;
}): DayShape {
  const span = { fromHour: options.fromHour, toHour: options.fromHour + options.hours, rampHours: 0.15 };
  return (hour) =>
    options.basePerSec *
    (0.8 + 0.35 * bell(hour, { centreHour: 12, widthHours: 5 })) *
    (1 + (options.burstFactor - 1) * plateau(hour, span));
}

/** Jobs that come in two runs a day, and nothing in between. `runPerSec` > 0 [1/s]. */
export function batchDay(runPerSec: number): DayShape {
  return (hour) =>
    runPerSec *
    (plateau(hour, { fromHour: 5, toHour: 8.5, rampHours: 0.3 }) +
      0.7 * plateau(hour, { fromHour: 17, toHour: 19.5, rampHours: 0.3 }));
}
