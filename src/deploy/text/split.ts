/**
 * The text of each document of a stream, in order; together they are the whole text. A line that begins with `---` or `...`
 * ends a document wherever it stands (YAML 1.2.2, 9.1.2), so no parser is needed. Comments behind a document are its own.
 */
export function splitDocuments(text: string): string[] {
  const starts: number[] = [];
  let state: 'before' | 'within' | 'ended' = 'before';
  let start = 0;
  // A document's first line, where comments and directives already stood before it.
  let opened = false;
  for (const { index, line } of linesOf(text)) {
    if (/^---(\s|$)/.test(line)) {
      if (state === 'within' || opened) {
        starts.push(start);
        start = index;
      }
      opened = true;
      state = 'within';
    } else if (/^\.\.\.(\s|$)/.test(line)) {
      state = 'ended';
    } else if (state === 'ended') {
      // What follows `...` is another document once it holds more than comments.
      starts.push(start);
      start = index;
      opened = false;
      state = isNothing(line) ? 'before' : 'within';
    } else if (state === 'before' && !isNothing(line)) {
      state = 'within';
    }
  }
  starts.push(start);
  const parts = starts.map((from, index) => text.slice(from, starts[index + 1]));
  const last = parts.at(-1) ?? '';
  // Behind the last `...`: comments, but no document.
  if (parts.length > 1 && state === 'before') parts.splice(-2, 2, (parts.at(-2) ?? '') + last);
  return parts;
}

function* linesOf(text: string): Generator<{ index: number; line: string }> {
  for (let index = 0; index < text.length; ) {
    const end = text.indexOf('\n', index);
    const next = end === -1 ? text.length : end + 1;
    yield { index, line: text.slice(index, next) };
    index = next;
  }
}

/** Blank, a comment or a directive. */
function isNothing(line: string): boolean {
  return /^(\s*(#|$)|%)/.test(line);
}

/** The document that an offset is in, from 1. */
export function documentAt(text: string, offset: number): number {
  let end = 0;
  return splitDocuments(text).findIndex((part) => (end += part.length) > offset) + 1 || 1;
}
