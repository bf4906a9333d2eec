import { asLatin1, ByteWriter, decodeInSteps, editInSteps } from './bytes.ts';
import { guessWide } from './charset.ts';
import { editList } from './edits.ts';
import { FormReader } from './form.ts';
import { isJsonInSteps } from './json-check.ts';
import { parseMediaType, type Reader } from './media.ts';
import { multipartParts, type Part } from './multipart.ts';
import { looksLikeText, PEEK } from './peek.ts';
import { mayHoldBuiltInBytes } from './prefilter.ts';
import { readJson } from './read-json.ts';
import type { Scan } from './scan.ts';
import { STEP, type Steps } from './steps.ts';
import type { Unreadable } from './unreadable.ts';

/** One inspection under way. */
export interface Job {
  readonly scan: Scan;
  unreadable: Unreadable | undefined;
}

export function* readAs(job: Job, bytes: Uint8Array, reader: Reader, boundary?: string): Steps<Uint8Array> {
  switch (reader) {
    case 'binary':
      return bytes;
    case 'multipart':
      return yield* readMultipart(job, bytes, boundary);
    case 'form':
      // Many agents read JSON whatever the type says, and command line clients say `form` by default: both readings count.
      return yield* readForm(job, beginsLikeJson(bytes) ? yield* readText(job, bytes) : bytes);
    case 'json': {
      const read = yield* readJson(job.scan, bytes, true);
      if (read !== undefined) return read;
      note(job, 'invalid_json');
      return yield* readPlain(job, bytes);
    }
    default:
      return yield* readText(job, bytes);
  }
}

/** As JSON when it is JSON, as plain text otherwise. */
function* readText(job: Job, bytes: Uint8Array): Steps<Uint8Array> {
  const read = beginsLikeJson(bytes) ? yield* readJson(job.scan, bytes, false) : undefined;
  return read ?? (yield* readPlain(job, bytes));
}

function* readPlain({ scan }: Job, bytes: Uint8Array): Steps<Uint8Array> {
  const decoded = yield* decodeInSteps(bytes);
  return yield* editInSteps(bytes, decoded, yield* scan.plainInSteps(decoded.text));
}

/** What is binary, and known to be, says the least. */
function note(job: Job, reason: Unreadable): void {
  if (job.unreadable === undefined || job.unreadable === 'binary') job.unreadable = reason;
}

/** Whether the first character that says anything could begin a JSON document that holds text. */
function beginsLikeJson(bytes: Uint8Array): boolean {
  let i = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  while (bytes[i] === 32 || bytes[i] === 9 || bytes[i] === 10 || bytes[i] === 13) i++;
  return bytes[i] === 123 || bytes[i] === 91 || bytes[i] === 34;
}

function* readForm({ scan }: Job, bytes: Uint8Array): Steps<Uint8Array> {
  const form = asLatin1(bytes);
  const edits = editList();
  const reader = new FormReader(form);
  let paused = 0;
  let spent = 0;
  while (scan.tally.blockedBy === undefined && (yield* reader.nextInSteps())) {
    if (reader.end - paused + spent > STEP / 4) {
      paused = reader.end;
      spent = 0;
      yield;
    }
    if (reader.end - reader.start < scan.shortest) continue;
    spent += scan.worth;
    const text = yield* reader.textInSteps();
    yield* reader.mapInSteps(text, yield* scan.plainInSteps(text), edits);
  }
  return yield* editInSteps(bytes, { text: form, byteForUnit: true }, edits);
}

function* readMultipart(job: Job, bytes: Uint8Array, boundary: string | undefined): Steps<Uint8Array> {
  const { scan } = job;
  const before = scan.tally.mark();
  const out = new Splice(bytes);
  const parts = multipartParts(bytes, boundary ?? '');
  let epilogue = boundary ? 0 : -1;
  let isFirst = true;
  for (let paused = 0; epilogue >= 0 && scan.tally.blockedBy === undefined; ) {
    const { done, value } = parts.next();
    if (done) {
      epilogue = value;
      if (epilogue >= 0) out.put(epilogue, bytes.length, yield* readAround(job, bytes.subarray(epilogue)));
      break;
    }
    if (value === undefined) {
      yield;
      continue;
    }
    const header = bytes.subarray(value.headerStart, value.start);
    if (isFirst) out.put(0, value.delimiterStart, yield* readAround(job, bytes.subarray(0, value.delimiterStart)));
    isFirst = false;
    if (value.end - paused > STEP / 4) {
      paused = value.end;
      yield;
    }
    out.put(value.headerStart, value.start, yield* readAround(job, header));
    const content = bytes.subarray(value.start, value.end);
    out.put(value.start, value.end, yield* readPart(job, content, value));
  }
  if (scan.tally.blockedBy !== undefined) return bytes;
  if (epilogue >= 0) return out.end();
  // What a lenient reader makes of it is not known: only what needs no decoding may pass.
  scan.tally.rewind(before);
  note(job, hidesEncodedPart(bytes) ? 'encoded_part' : 'invalid_multipart');
  return yield* readPlain(job, bytes);
}

/** What stands around the contents: headers, and text before and after the parts. */
function* readAround(job: Job, bytes: Uint8Array): Steps<Uint8Array> {
  if (bytes.length < job.scan.shortest) return bytes;
  if (!job.scan.isExtended && bytes.length <= STEP && !mayHoldBuiltInBytes(bytes, asLatin1(bytes))) return bytes;
  return yield* readPlain(job, bytes);
}

/** Charsets in which the ASCII characters are the ASCII bytes. */
const LIKE_ASCII = /^(utf-?8|us-ascii|ascii|iso-8859-\d+|latin1|windows-125\d)$/;

function* readPart(job: Job, content: Uint8Array, part: Part): Steps<Uint8Array> {
  const { reader, charset, isAmbiguous } = parseMediaType(part.contentType);
  const isPlain = /^(7bit|8bit|binary)?$/.test(part.encoding ?? '');
  if (part.isAmbiguous || isAmbiguous) {
    job.unreadable = 'ambiguous';
    return content;
  }
  // Readers take a part without a file name for a field, whatever its type.
  if (reader === 'binary' && part.isFile && isBinary(content, isPlain, part.encoding)) {
    job.unreadable ??= 'binary';
    return content;
  }
  const isWide = guessWide(content.subarray(0, PEEK), true) !== undefined;
  if (
    !isPlain ||
    isWide ||
    !LIKE_ASCII.test(charset ?? 'utf-8') ||
    (reader === 'multipart' && hidesEncodedPart(content))
  ) {
    if (job.unreadable !== 'ambiguous') job.unreadable = 'encoded_part';
    return content;
  }
  if (reader !== 'json' && content.length < job.scan.shortest) return content;
  if (
    !job.scan.isExtended &&
    content.length <= STEP &&
    reader !== 'form' &&
    !mayHoldBuiltInBytes(content, asLatin1(content))
  ) {
    if (reader === 'json' && !(yield* isJsonInSteps(content, asLatin1(content)))) note(job, 'invalid_json');
    return content;
  }
  // A field is text unless it says otherwise; what is inside of a part is not parted further.
  return yield* readAs(job, content, reader === 'json' || reader === 'form' ? reader : 'text');
}

function isBinary(content: Uint8Array, isPlain: boolean, encoding: string | undefined): boolean {
  if (isPlain) return !looksLikeText(content);
  return encoding === 'base64' && !looksLikeText(Buffer.from(asLatin1(content.subarray(0, PEEK)), 'base64'));
}

/** Whether parts in there may be encoded in a way that is not read here. */
function hidesEncodedPart(bytes: Uint8Array): boolean {
  return /content-transfer-encoding[ \t]*:\s*(?!7bit|8bit|binary)\S|charset\*?\s*=\s*"?utf-?(16|32|7)/i.test(
    asLatin1(bytes),
  );
}

/** Puts changed stretches, in order, in the place of what they were. */
class Splice {
  readonly #bytes: Uint8Array;
  #out: ByteWriter | undefined;
  #done = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  put(start: number, end: number, changed: Uint8Array): void {
    // What was not changed is a view of the same memory.
    if (changed.buffer === this.#bytes.buffer && changed.byteOffset === this.#bytes.byteOffset + start) return;
    this.#out ??= new ByteWriter(this.#bytes.length + 256);
    this.#out.bytes(this.#bytes, this.#done, start);
    this.#out.bytes(changed, 0, changed.length);
    this.#done = end;
  }

  end(): Uint8Array {
    if (this.#out === undefined) return this.#bytes;
    this.#out.bytes(this.#bytes, this.#done, this.#bytes.length);
    return this.#out.end();
  }
}
