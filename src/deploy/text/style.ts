import { column } from './lines.ts';
import { children, isBlock, type Tree } from './tree.ts';

/** How a file writes what it holds, so that what is new is written likewise. */
export interface Style {
  readonly eol: '\n' | '\r\n';
  /** One level. */
  readonly indent: string;
  /** Columns by which the dashes of a list stand behind the key of the list. */
  readonly dash: number;
  /** JSON, and nothing but JSON. */
  readonly json: boolean;
  /** What stands between a `:` or `,` and what follows on the same line. */
  readonly space: '' | ' ';
  /** Columns that a line of JSON is not to exceed; Infinity where everything stands on one line. */
  readonly width: number;
}

/** The style that most of the documents are written in. */
export function styleOf(
  text: string,
  roots: readonly { text: string; root: Tree | undefined }[],
  json: boolean,
): Style {
  const crlf = text.split('\r\n').length - 1;
  const eol = crlf * 2 > text.split('\n').length - 1 ? '\r\n' : '\n';
  const width = json && text.trim().includes('\n') ? 100 : Infinity;
  if (json) return { eol, indent: jsonIndent(text), dash: 0, json, space: /":\S/.test(text) ? '' : ' ', width };
  const steps: number[] = [];
  const dashes: number[] = [];
  for (const { text: source, root } of roots) if (root !== undefined) measure(source, root, steps, dashes);
  const step = mostCommon(steps) ?? 2;
  return { eol, indent: ' '.repeat(step), dash: mostCommon(dashes) ?? step, json, space: ' ', width };
}

function jsonIndent(text: string): string {
  return /^\s*[[{]\r?\n([ \t]+)/.exec(text)?.[1] ?? '  ';
}

function measure(text: string, tree: Tree, steps: number[], dashes: number[]): void {
  if (tree.kind === 'map' && !tree.flow) {
    for (const { start, value } of tree.entries) {
      const [first] = children(value);
      if (first === undefined || !isBlock(value) || text.indexOf('\n', start) > first.start) continue;
      const offset = column(text, first.start) - column(text, start);
      if (value.kind === 'seq') dashes.push(offset);
      else if (offset > 0) steps.push(offset);
    }
  }
  for (const { value } of children(tree)) measure(text, value, steps, dashes);
}

function mostCommon(values: readonly number[]): number | undefined {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0];
}
