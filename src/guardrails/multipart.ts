import { asLatin1 } from './bytes.ts';
import { parameter } from './media.ts';

/** One part of a multipart body: its content is from `start` up to `end`, in bytes. */
export interface Part {
  readonly start: number;
  readonly end: number;
  readonly contentType: string | undefined;
  /** `Content-Transfer-Encoding`, lower case. */
  readonly encoding: string | undefined;
  readonly isFile: boolean;
}

const MAX_PART_HEADER = 16_384;

/**
 * The parts of a multipart body (RFC 2046 §5.1). Lenient as readers are: lines may end in LF alone. Undefined when the text
 * is not such a body: no delimiter, no end, or a part's header without an end.
 */
export function multipartParts(bytes: Uint8Array, boundary: string): Part[] | undefined {
  const text = asLatin1(bytes);
  const mark = `--${Buffer.from(boundary, 'utf8').toString('latin1')}`;
  const parts: Part[] = [];
  let content = -1;
  let header: Omit<Part, 'end'> | undefined;
  for (let at = delimiterAt(text, mark, 0); at >= 0; at = delimiterAt(text, mark, content)) {
    if (header !== undefined) parts.push({ ...header, end: Math.max(header.start, beforeLineEnd(text, at)) });
    if (text.startsWith('--', at + mark.length)) return parts;
    header = readHeader(text, at + mark.length);
    if (header === undefined) return undefined;
    content = header.start;
  }
  return undefined;
}

/** The next delimiter at the beginning of a line, from `from` on. */
function delimiterAt(text: string, mark: string, from: number): number {
  for (let at = text.indexOf(mark, from); at >= 0; at = text.indexOf(mark, at + 1)) {
    if (at !== 0 && text[at - 1] !== '\n') continue;
    // A longer line is another boundary of which this one is the beginning.
    if (/^(--)?[ \t]{0,64}(\r?\n|$)/.test(text.slice(at + mark.length, at + mark.length + 70))) return at;
  }
  return -1;
}

function beforeLineEnd(text: string, at: number): number {
  return text[at - 2] === '\r' ? at - 2 : at - 1;
}

function readHeader(text: string, from: number): Omit<Part, 'end'> | undefined {
  const lineEnd = text.indexOf('\n', from);
  if (lineEnd < 0) return undefined;
  const block = text.slice(lineEnd, lineEnd + MAX_PART_HEADER);
  const blank = /\n\r?\n/.exec(block);
  if (blank === null) return undefined;
  const lines = block.slice(1, blank.index + 1).replace(/\r?\n[ \t]+/g, ' ');
  const field = (name: string): string | undefined =>
    new RegExp(`^${name}[ \\t]*:(.*)$`, 'im').exec(lines)?.[1]?.trim();
  const disposition = field('content-disposition') ?? '';
  return {
    start: lineEnd + blank.index + blank[0].length,
    contentType: field('content-type'),
    encoding: field('content-transfer-encoding')?.toLowerCase(),
    isFile: parameter(disposition, 'filename') !== undefined || parameter(disposition, 'filename*') !== undefined,
  };
}
