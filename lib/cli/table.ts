/** Aligned columns for terminals; colours are added by the caller after padding. */

export type Column<Row> = {
  readonly title: string;
  readonly align?: 'left' | 'right';
  readonly cell: (row: Row) => string;
  /** Paints the padded cell. */
  readonly paint?: (padded: string, row: Row) => string;
};

/** One line for the titles and one per row, columns two spaces apart. */
export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string[] {
  const widths = columns.map((column) => Math.max(column.title.length, ...rows.map((row) => column.cell(row).length)));
  const pad = (text: string, index: number): string => {
    const width = widths[index] ?? 0;
    return columns[index]?.align === 'right' ? text.padStart(width) : text.padEnd(width);
  };
  const titles = columns.map((column, index) => pad(column.title, index)).join('  ');
  const body = rows.map((row) =>
    columns
      .map((column, index) => {
        const padded = pad(column.cell(row), index);
        return column.paint === undefined ? padded : column.paint(padded, row);
      })
      .join('  ')
      .trimEnd(),
  );
  return [titles.trimEnd(), ...body];
}
