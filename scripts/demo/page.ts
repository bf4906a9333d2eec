import { styleText } from 'node:util';

/** What the tour prints: 100 columns, in colours only on a terminal, and not with NO_COLOR. */
export interface Page {
  heading(text: string): void;
  /** A command as a person would type it. Pieces are what a long one is broken between. */
  command(...pieces: string[]): void;
  /** What came back. At most `lines` lines are shown, long ones are wrapped. */
  output(text: string, lines?: number): void;
  tick(text: string): void;
  cross(text: string, saw: string): void;
  skip(why: string): void;
  plain(text: string): void;
}

const COLUMNS = 100;
const INDENT = '    ';

export function pageOn(stream: NodeJS.WriteStream): Page {
  const style = (format: Parameters<typeof styleText>[0], text: string): string => styleText(format, text, { stream });
  const line = (text = ''): void => void stream.write(`${text}\n`);
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
      const wrapped = text
        .trimEnd()
        .split('\n')
        .flatMap((whole) => whole.match(new RegExp(`.{1,${COLUMNS - INDENT.length}}`, 'gsu')) ?? ['']);
      const shown = wrapped.slice(0, lines);
      if (wrapped.length > lines) shown.push(`${shown.pop()?.slice(0, COLUMNS - INDENT.length - 2) ?? ''} …`);
      for (const one of shown) line(INDENT + style('dim', one));
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
  const width = COLUMNS - INDENT.length - 4;
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
