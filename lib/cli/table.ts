/** Aligned columns for terminals; colours are added by the caller after padding. */

export type Column<Row> = {
  readonly title: string;
  readonly align?: 'left' | 'right';
  readonly cell: (row: Row) => string;
  /** Paints the padded cell. */
  readonly paint?: (padded: string, row: Row) => string;
};

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
