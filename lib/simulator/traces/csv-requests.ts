/** A CSV with one request per line: everything but the names of its columns. */
import type { ColumnOptions, LineParser, OpenedFormat, RequestFormat, RequestRow, TimeUnit } from './contract.ts';
import { cellsOf, columnIndex, numberOf, problem, tokensOf } from './csv.ts';
import { timeReader } from './time.ts';

/** Names (lower case) a column may have, the preferred first. */
export type RequestColumns = {
  readonly name: string;
  readonly time: readonly string[];
  readonly input?: readonly string[];
  readonly output?: readonly string[];
  readonly exec?: readonly string[];
  /** Of the time column; left out: as its first value and its name say. */
  readonly timeUnit?: TimeUnit;
  /** Example of a header, for messages. */
  readonly header: string;
};

type Found = { readonly time: number; readonly input: number; readonly output: number; readonly exec: number };

/** A format of these columns; further columns are passed over. */
export function csvRequests(columns: RequestColumns): RequestFormat {
  const find = (header: readonly string[], options: ColumnOptions): Found | null => {
    const named = options.timeColumn?.toLowerCase();
    const found = {
      time: columnIndex(header, named === undefined ? columns.time : [named]),
      input: columnIndex(header, columns.input ?? []),
      output: columnIndex(header, columns.output ?? []),
      exec: columnIndex(header, columns.exec ?? []),
    };
    const complete =
      found.time >= 0 && (columns.exec === undefined ? found.input >= 0 && found.output >= 0 : found.exec >= 0);
    return complete ? found : null;
  };
  return {
    kind: 'requests',
    name: columns.name,
    expected: `a header such as "${columns.header}"`,
    detect: (firstLine, options) => find(cellsOf(firstLine), options) !== null,
    open: (firstLine, options): OpenedFormat<RequestRow> | string => {
      const header = cellsOf(firstLine);
      const found = find(header, options);
      if (found === null) return problem(`a header such as "${columns.header}"`, firstLine);
      const unit = options.timeUnit ?? columns.timeUnit;
      return { headerLines: 1, parse: parserOf(found, { header, unit }) };
    },
  };
}

function parserOf(
  found: Found,
  { header, unit }: { header: readonly string[]; unit: TimeUnit | undefined },
): LineParser<RequestRow> {
  const readTime = timeReader(unit, header[found.time]);
  const wanted = Math.max(found.time, found.input, found.output, found.exec) + 1;
  return (line) => {
    const cells = cellsOf(line);
    if (cells.length < wanted) return problem(`${header.length} columns (${header.join(',').slice(0, 80)})`, line);
    const text = (index: number): string => `${header[index]}: ${cells[index]}`;
    const timeMs = readTime(cells[found.time] ?? '');
    if (Number.isNaN(timeMs)) return problem(unit === undefined ? 'a time' : `a time (${unit})`, text(found.time));
    const inputTokens = found.input < 0 ? 0 : tokensOf(cells[found.input] ?? '');
    if (Number.isNaN(inputTokens)) return problem('a whole number of tokens', text(found.input));
    const outputTokens = found.output < 0 ? 0 : tokensOf(cells[found.output] ?? '');
    if (Number.isNaN(outputTokens)) return problem('a whole number of tokens', text(found.output));
    if (found.exec < 0) return { timeMs, inputTokens, outputTokens };
    const exec = cells[found.exec] ?? '';
    // A request that was still waiting when the recording ended has no run time: it asked for a GPU, but nobody knows for how long.
    if (exec === '') return null;
    const execSec = numberOf(exec);
    if (!(execSec >= 0 && execSec <= EXEC_SEC_MAX)) return problem('a run time in seconds', text(found.exec));
    return { timeMs, inputTokens, outputTokens, execSec };
  };
}

/** A week: longer than any request [s]. */
const EXEC_SEC_MAX = 604_800;
