/** A rate series: a time and a rate per line, and mean lengths where they are known. */
import type { ColumnOptions, OpenedFormat, RateFormat, RateRow, RateUnit } from './contract.ts';
import { cellsOf, columnIndex, numberOf, problem } from './csv.ts';
import { timeReader } from './time.ts';

const TIMES = ['t', 't_s', 't_ms', 't_min', 't_h', 'time', 'timestamp', 'timestamp_ms', 'minute', 'hour'];
/** By preference: where a file has a lowest, middle and highest rate, the middle one counts. */
const RATES: Readonly<Record<string, RateUnit>> = {
  rps: 's',
  qps: 's',
  requests_per_sec: 's',
  requests_per_second: 's',
  rpm_mid: 'min',
  rpm: 'min',
  requests_per_min: 'min',
  requests_per_minute: 'min',
  rph: 'h',
  requests_per_hour: 'h',
  count: 'interval',
  requests: 'interval',
};
const INPUTS = ['mean_in', 'mean_input_tokens'];
const OUTPUTS = ['mean_out', 'mean_output_tokens'];

/** A million requests per unit and more is a mistake of the unit, a thousand million surely. */
const RATE_MAX = 1e9;

const UNKNOWN = /^(nan|null|)$/i;

type Found = { readonly header: readonly string[]; readonly time: number; readonly rate: number };

export const rate: RateFormat = {
  kind: 'rate',
  name: 'rate',
  expected:
    'a header such as "t,rps" or "t_h,rpm_mid" (other names: --time-column, --time-unit, --rate-column, --rate-unit)',
  detect: (firstLine, options) => find(firstLine, options) !== null,
  open: (firstLine, options) => {
    const found = find(firstLine, options);
    return found === null ? problem(rate.expected, firstLine) : openColumns(found, options);
  },
  rateUnit: (firstLine, options) => {
    const found = find(firstLine, options);
    return options.rateUnit ?? RATES[(found?.header[found.rate] ?? '').toLowerCase()] ?? null;
  },
};

function find(firstLine: string, options: ColumnOptions): Found | null {
  const header = cellsOf(firstLine);
  const time = columnIndex(header, namesOf(options.timeColumn, TIMES));
  const column = columnIndex(header, namesOf(options.rateColumn, Object.keys(RATES)));
  return time < 0 || column < 0 ? null : { header, time, rate: column };
}

function namesOf(named: string | undefined, usual: readonly string[]): readonly string[] {
  return named === undefined ? usual : [named.toLowerCase()];
}

function openColumns(found: Found, options: ColumnOptions): OpenedFormat<RateRow> {
  const { header } = found;
  const readTime = timeReader(options.timeUnit, header[found.time]);
  const [input, output] = [columnIndex(header, INPUTS), columnIndex(header, OUTPUTS)];
  const hasLengths = input >= 0 && output >= 0;
  return {
    headerLines: 1,
    parse: (line) => {
      const cells = cellsOf(line);
      const [time, value] = [cells[found.time], cells[found.rate]];
      if (time === undefined || value === undefined) return problem(`${header.length} columns`, line);
      const timeMs = readTime(time);
      if (Number.isNaN(timeMs)) return problem(`a time`, `${header[found.time]}: ${time}`);
      // How exporters write that they know nothing: a gap, not zero.
      if (UNKNOWN.test(value)) return null;
      const perUnit = numberOf(value);
      if (!(perUnit >= 0 && perUnit <= RATE_MAX)) {
        return problem(`a rate from 0 to ${RATE_MAX}`, `${header[found.rate]}: ${value}`);
      }
      if (!hasLengths) return { timeMs, rate: perUnit };
      return {
        timeMs,
        rate: perUnit,
        meanInputTokens: numberOf(cells[input] ?? ''),
        meanOutputTokens: numberOf(cells[output] ?? ''),
      };
    },
  };
}
