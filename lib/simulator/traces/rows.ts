/** One pass over a trace: from bytes to rows in order of time. */
import { ConfigError } from '../../base/errors.ts';
import { show } from '../../../events/show.ts';
import { contentOf } from './bytes.ts';
import type { LineParser, OpenedFormat, ReadCounts, TraceOptions, TraceSource } from './contract.ts';
import { problem } from './csv.ts';
import { LINE_BYTES_MAX, linesOf } from './lines.ts';
import { timeOrder } from './time-order.ts';

export type MutableCounts = { -readonly [Key in keyof ReadCounts]: ReadCounts[Key] };

export const noCounts = (): MutableCounts => ({ lines: 0, rows: 0, badLines: 0, emptyLines: 0, firstBadLine: null });

export type RowsOptions<Row> = {
  readonly format: { open(firstLine: string, options: TraceOptions): OpenedFormat<Row> | string };
  readonly options: TraceOptions;
  readonly counts: MutableCounts;
  readonly lateMsMax?: number;
};

/** Rows of the whole file in batches. Throws ConfigError at the first bad line (unless they are skipped), and when the file cannot be read. */
export async function* rowsOf<Row extends { readonly timeMs: number }>(
  source: TraceSource,
  { format, options, counts, lateMsMax }: RowsOptions<Row>,
): AsyncGenerator<Row[]> {
  const order = timeOrder<Row>(lateMsMax);
  let parse: LineParser<Row> | null = null;
  const take = (line: string): string | null => {
    if (line.length > LINE_BYTES_MAX) return problem(`a line of at most ${LINE_BYTES_MAX} bytes`, line);
    if (parse === null) {
      const answer = format.open(line, options);
      if (typeof answer === 'string') throw new ConfigError(`Cannot read trace "${source.name}": ${answer}`);
      parse = answer.parse;
      if (answer.headerLines === 1) return null;
    }
    const row = parse(line);
    if (row === null) counts.emptyLines++;
    if (row === null || typeof row === 'string') return row;
    return order.push(row);
  };
  for await (const { firstLine, lines } of linesOf(contentOf(source))) {
    for (const [index, line] of lines.entries()) {
      counts.lines++;
      const wrong = line.trim() === '' ? null : take(line);
      if (wrong !== null)
        onBadLine(wrong, { source, counts, line: firstLine + index, skip: options.skipBadLines === true });
    }
    yield order.ready();
  }
  yield order.rest();
}

function onBadLine(
  wrong: string,
  { source, counts, line, skip }: { source: TraceSource; counts: MutableCounts; line: number; skip: boolean },
): void {
  const text = `Cannot read trace "${source.name}" line ${line}: ${wrong}`;
  if (!skip) throw new ConfigError(text);
  counts.badLines++;
  counts.firstBadLine ??= text;
}

/** The first line that is not blank. Throws ConfigError when there is none. */
export async function firstLineOf(source: TraceSource): Promise<string> {
  for await (const { lines } of linesOf(contentOf(source))) {
    const line = lines.find((each) => each.trim() !== '');
    if (line !== undefined) return line.slice(0, LINE_BYTES_MAX);
  }
  throw new ConfigError(
    `Cannot read trace "${source.name}": expected lines, current value is ${show('')} (an empty file)`,
  );
}
