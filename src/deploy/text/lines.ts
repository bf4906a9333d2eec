/** Offset of the line that an offset is on. */
export function lineStart(text: string, offset: number): number {
  return offset === 0 ? 0 : text.lastIndexOf('\n', offset - 1) + 1;
}

/** Behind the line end of the line that an offset is on. */
export function lineEnd(text: string, offset: number): number {
  const end = text.indexOf('\n', offset);
  return end === -1 ? text.length : end + 1;
}

/** The start of the line after that of an offset; the offset itself where it starts a line, behind a block scalar. */
export function nextLine(text: string, offset: number): number {
  return offset > 0 && text[offset - 1] === '\n' ? offset : lineEnd(text, offset);
}

/** The end of the line that an offset is on, without its line end. */
export function lineContentEnd(text: string, offset: number): number {
  const end = nextLine(text, offset);
  return text[end - 2] === '\r' ? end - 2 : end - 1;
}

/** From 0. */
export function column(text: string, offset: number): number {
  return offset - lineStart(text, offset);
}

/** How many lines end between two offsets. */
export function lineEnds(text: string, from: number, to: number): number {
  let count = 0;
  for (let at = text.indexOf('\n', from); at !== -1 && at < to; at = text.indexOf('\n', at + 1)) count += 1;
  return count;
}

/** The line of an offset, from 1. */
export function lineAt(text: string, offset: number): number {
  return 1 + lineEnds(text, 0, offset);
}

/** Offset of a line, from 1; the end of the text where there is no such line. */
export function lineOffset(text: string, line: number): number {
  let at = 0;
  for (let count = 1; count < line && at < text.length; count += 1) at = lineEnd(text, at);
  return at;
}
