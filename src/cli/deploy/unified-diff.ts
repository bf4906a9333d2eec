import { styleText } from 'node:util';
import { createTwoFilesPatch } from 'diff';

/** Two texts that have nothing in common must not keep anybody waiting. */
const LONGEST_MS = 5_000;

export interface DiffSides {
  readonly from: { readonly name: string; readonly text: string };
  readonly to: { readonly name: string; readonly text: string };
}

/**
 * What differs, in the unified form that `patch` takes; coloured as far as the stream and `NO_COLOR` allow. `shown` is what
 * becomes of each line before that.
 */
export function unifiedDiff(
  { from, to }: DiffSides,
  stream: NodeJS.WritableStream,
  shown: (line: string) => string = (line) => line,
): string {
  const patch = createTwoFilesPatch(from.name, to.name, from.text, to.text, undefined, undefined, {
    context: 3,
    timeout: LONGEST_MS,
    headerOptions: { includeIndex: false, includeUnderline: false, includeFileHeaders: true },
  });
  if (patch === undefined) return `${from.name} and ${to.name} differ in too many lines to show\n`;
  const lines = patch.split('\n');
  return lines.map((line, index) => coloured(shown(line), index < 2, stream)).join('\n');
}

function coloured(line: string, isHeader: boolean, stream: NodeJS.WritableStream): string {
  if (isHeader) return line === '' ? line : styleText('bold', line, { stream });
  if (line.startsWith('@@')) return styleText('cyan', line, { stream });
  if (line.startsWith('+')) return styleText('green', line, { stream });
  return line.startsWith('-') ? styleText('red', line, { stream }) : line;
}
