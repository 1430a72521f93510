/** Aligned columns for terminals; colours are added by the caller after padding. */

export type Column<Row> = {
  readonly title: string;
  readonly align?: 'left' | 'right';
  readonly cell: (row: Row) => string;
  /** Paints the padded cell. */
  readonly paint?: (padded: string, row: Row) => string;
  /** May be left out where the terminal is too narrow: the highest goes first. */
  readonly optional?: number;
};

/** Of the last column: fewer characters of a sentence say nothing. */
const LAST_WIDTH_MIN = 24;

/** `text` without what would move the cursor or turn the direction of writing: control and format characters become blanks. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, ' ');
}

/** One line for the titles and one per row, columns two spaces apart. Cells are made {@link printable}: many hold words from outside. */
export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string[] {
  const cells = rows.map((row) => columns.map((column) => printable(column.cell(row))));
  const widths = columns.map((column, index) =>
    cells.reduce((width, row) => Math.max(width, row[index]?.length ?? 0), column.title.length),
  );
  const pad = (text: string, index: number): string => {
    const width = widths[index] ?? 0;
    return columns[index]?.align === 'right' ? text.padStart(width) : text.padEnd(width);
  };
  const titles = columns.map((column, index) => pad(column.title, index)).join('  ');
  const body = rows.map((row, at) =>
    columns
      .map((column, index) => {
        const padded = pad(cells[at]?.[index] ?? '', index);
        return column.paint === undefined ? padded : column.paint(padded, row);
      })
      .join('  ')
      .trimEnd(),
  );
  return [titles.trimEnd(), ...body];
}

/** A {@link table} for a terminal of `width` columns: optional columns are left out until the rest fits, and the last one is cut. Null: no terminal, nothing is cut. */
export function tableWithin<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  width: number | null,
): string[] {
  if (width === null) return table(rows, columns);
  let shown = columns;
  while (restOf(rows, { columns: shown, width }) < LAST_WIDTH_MIN) {
    const weakest = shown.reduce((least, { optional = 0 }) => Math.max(least, optional), 0);
    if (weakest === 0) break;
    shown = shown.filter(({ optional }) => optional !== weakest);
  }
  const last = shown.at(-1);
  if (last === undefined) return [];
  const room = Math.max(LAST_WIDTH_MIN, restOf(rows, { columns: shown, width }));
  return table(rows, [...shown.slice(0, -1), { ...last, cell: (row) => clip(last.cell(row), room) }]);
}

/** What is left for the last column. */
function restOf<Row>(
  rows: readonly Row[],
  { columns, width }: { readonly columns: readonly Column<Row>[]; readonly width: number },
): number {
  const before = columns
    .slice(0, -1)
    .map(({ title, align, cell }) => ({ title, cell, ...(align === undefined ? {} : { align }) }));
  const used = table(rows, [...before, { title: '|', cell: () => '|' }]).reduce(
    (most, line) => Math.max(most, line.length),
    0,
  );
  return width - used + 1;
}

/** At most `length` characters, with an ellipsis where something was cut; control characters are taken out. */
export function clip(text: string, length: number): string {
  const characters = Array.from(printable(text));
  if (characters.length <= length) return characters.join('');
  return length <= 0 ? '' : `${characters.slice(0, length - 1).join('')}…`;
}
