import { styleText } from 'node:util';

/** What the tour prints: 100 columns, in colours only on a terminal, and not with NO_COLOR. */
export interface Page {
  heading(text: string): void;
  /** A command as a person would type it. Pieces are what a long one is broken between. */
  command(...pieces: string[]): void;
  /** What came back, wrapped to the page; of more than `lines` lines (3) the first ones. */
  output(text: string, lines?: number): void;
  /** The same with long lines cut, so that columns stay columns. */
  table(text: string, lines: number): void;
  tick(text: string): void;
  cross(text: string, saw: string): void;
  skip(why: string): void;
  plain(text: string): void;
}

const COLUMNS = 100;
const INDENT = '    ';
const WIDTH = COLUMNS - INDENT.length;
/** As much of a line as fits, up to its end, a space or a comma if there is one. */
const PART = new RegExp(`.{1,${WIDTH}}$|.{1,${WIDTH - 1}}[ ,]|.{1,${WIDTH}}`, 'gsu');

export function pageOn(stream: NodeJS.WriteStream): Page {
  const style = (format: Parameters<typeof styleText>[0], text: string): string => styleText(format, text, { stream });
  const line = (text = ''): void => void stream.write(`${text}\n`);
  const excerpt = (rows: readonly string[], most: number): void => {
    for (const row of rows.slice(0, most)) line(INDENT + style('dim', row));
    if (rows.length > most) line(INDENT + style('dim', `… ${rows.length - most} more lines`));
  };
  return {
    heading(text) {
      line();
      line(style('bold', text));
    },
    command(...pieces) {
      const [first = '', ...more] = broken(pieces);
      line(`${INDENT}${style('dim', '$')} ${style('cyan', first)}`);
      for (const rest of more) line(`${INDENT}  ${style('cyan', rest)}`);
    },
    output(text, lines = 3) {
      excerpt(
        text
          .trimEnd()
          .split('\n')
          .flatMap((whole) => whole.match(PART) ?? ['']),
        lines,
      );
    },
    table(text, lines) {
      const rows = text.trimEnd().split('\n');
      excerpt(
        rows.map((row) => shorten(row, WIDTH)),
        lines,
      );
    },
    tick: (text) => line(`  ${style('green', '✓')} ${text}`),
    cross(text, saw) {
      line(`  ${style('red', `✗ ${text}`)}`);
      for (const one of saw.split('\n').slice(0, 12)) line(`${INDENT}${style('red', shorten(one, COLUMNS * 3))}`);
    },
    skip: (why) => line(`  ${style('yellow', `– skipped: ${why}`)}`),
    plain: line,
  };
}

/** Lines of at most 94 columns, each but the last one continued with a backslash; a JSON text is broken after a comma. */
function broken(pieces: readonly string[]): string[] {
  const width = WIDTH - 4;
  const lines: string[] = [];
  let current = '';
  for (const piece of pieces) {
    if (current !== '' && current.length + piece.length + 1 > width) {
      lines.push(`${current} \\`);
      current = '  ';
    }
    current += current.trim() === '' ? piece : ` ${piece}`;
    while (current.length > width) {
      const at = current.lastIndexOf(',"', width);
      if (at < width / 3) break;
      lines.push(current.slice(0, at + 1));
      current = `    ${current.slice(at + 1)}`;
    }
  }
  return [...lines, current];
}

export function shorten(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}
