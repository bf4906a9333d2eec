import { asLatin1 } from './bytes.ts';
import { parameter } from './media.ts';
import type { Steps } from './steps.ts';

/** One part of a multipart body, in bytes: delimiter, header, and content from `start` up to `end`. */
export interface Part {
  readonly delimiterStart: number;
  readonly headerStart: number;
  readonly start: number;
  readonly end: number;
  readonly contentType: string | undefined;
  /** `Content-Transfer-Encoding`, lower case. */
  readonly encoding: string | undefined;
  readonly isFile: boolean;
  /** Whether a header that says how to read it is there twice. */
  readonly isAmbiguous: boolean;
}

type Header = Omit<Part, 'end' | 'delimiterStart'>;

const MAX_PART_HEADER = 16_384;

/**
 * The parts of a multipart body (RFC 2046 §5.1), one by one; undefined when there was none for long. Lenient as readers are: lines may end in LF alone. Returns
 * where the epilogue begins, -1 when the text is not such a body: no delimiter, no end, or a part's header without an end.
 */
export function* multipartParts(bytes: Uint8Array, boundary: string): Generator<Part | undefined, number, undefined> {
  const text = asLatin1(bytes);
  const mark = `--${Buffer.from(boundary, 'utf8').toString('latin1')}`;
  let content = 0;
  let header: Header | undefined;
  let delimiterStart = 0;
  for (;;) {
    const at = yield* delimiterAt(text, mark, content);
    if (at < 0) return -1;
    if (header !== undefined) yield { ...header, delimiterStart, end: Math.max(header.start, beforeLineEnd(text, at)) };
    if (text.startsWith('--', at + mark.length)) return at + mark.length + 2;
    header = readHeader(text, at + mark.length);
    if (header === undefined) return -1;
    delimiterStart = at;
    content = header.start;
  }
}

/** The next delimiter at the beginning of a line, from `from` on. */
function* delimiterAt(text: string, mark: string, from: number): Steps<number> {
  let lookalikes = 0;
  for (let at = text.indexOf(mark, from); at >= 0; at = text.indexOf(mark, at + 1)) {
    if (at !== 0 && text.charCodeAt(at - 1) !== LF) continue;
    // A longer line is another boundary of which this one is the beginning.
    let i = at + mark.length;
    if (text.startsWith('--', i)) i += 2;
    const most = i + 64;
    while (i < most && (text.charCodeAt(i) === 32 || text.charCodeAt(i) === 9)) i++;
    if (++lookalikes % 4096 === 0) yield;
    if (i === text.length || text.charCodeAt(i) === LF || text.startsWith('\r\n', i)) return at;
  }
  return -1;
}

const LF = 10;
const CR = 13;

function beforeLineEnd(text: string, at: number): number {
  return text.charCodeAt(at - 2) === CR ? at - 2 : at - 1;
}

/** Fields that say how to read a part. */
const TOLD = ['content-type', 'content-transfer-encoding', 'content-disposition'] as const;

function readHeader(text: string, from: number): Header | undefined {
  const lineEnd = text.indexOf('\n', from);
  if (lineEnd < 0) return undefined;
  const found: Record<(typeof TOLD)[number], string[]> = {
    'content-type': [],
    'content-transfer-encoding': [],
    'content-disposition': [],
  };
  const most = lineEnd + MAX_PART_HEADER;
  let line = '';
  const take = (): void => {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon)).trimEnd().toLowerCase();
    const told = TOLD.find((candidate) => candidate === name);
    if (told !== undefined) found[told].push(line.slice(colon + 1).trim());
  };
  for (let start = lineEnd + 1; start < most; ) {
    const end = text.indexOf('\n', start);
    if (end < 0 || end >= most) return undefined;
    const next = text.slice(start, text.charCodeAt(end - 1) === CR ? end - 1 : end);
    if (next === '' || end === start) {
      take();
      const disposition = found['content-disposition'][0] ?? '';
      return {
        headerStart: lineEnd + 1,
        start: end + 1,
        contentType: found['content-type'][0],
        encoding: found['content-transfer-encoding'][0]?.toLowerCase(),
        isFile: namesFile(disposition),
        isAmbiguous: Object.values(found).some(({ length }) => length > 1),
      };
    }
    const c = next.charCodeAt(0);
    if (c === 32 || c === 9) {
      line += ` ${next.trimStart()}`;
    } else {
      take();
      line = next;
    }
    start = end + 1;
  }
  return undefined;
}

function namesFile(disposition: string): boolean {
  if (!/filename/i.test(disposition)) return false;
  return parameter(disposition, 'filename') !== undefined || parameter(disposition, 'filename*') !== undefined;
}
