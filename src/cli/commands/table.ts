/** One column: its title, what it shows of a row, and whether that is a number (then it stands right). */
export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => unknown;
  readonly numeric?: boolean;
}

/** Longest cell; the rest of a longer one is cut. */
const MAX_CELL = 48;

/** Rows as a table for a terminal. Control characters are shown as `?`: what is shown came from outside. */
export function formatTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const cells = rows.map((row) => columns.map((column) => cell(column.value(row))));
  const titles = columns.map((column) => column.title.toUpperCase());
  const widths = titles.map((title, index) => Math.max(title.length, ...cells.map((row) => (row[index] ?? '').length)));
  const line = (row: readonly string[]): string =>
    row
      .map((text, index) =>
        columns[index]?.numeric ? text.padStart(widths[index] ?? 0) : text.padEnd(widths[index] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return `${[titles, ...cells].map(line).join('\n')}\n`;
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return '-';
  const text = (typeof value === 'string' ? value : JSON.stringify(value)).replace(/[\p{Cc}\p{Cf}]/gu, '?');
  return text.length > MAX_CELL ? `${text.slice(0, MAX_CELL - 1)}…` : text;
}
