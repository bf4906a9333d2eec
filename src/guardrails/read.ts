import { asLatin1, ByteWriter, decodeInSteps, editInSteps } from './bytes.ts';
import { guessWide } from './charset.ts';
import {
  addEdit,
  addEdits,
  addInSteps,
  applyEdits,
  composeEdits,
  type EditList,
  type Edits,
  editList,
  NO_EDITS,
} from './edits.ts';
import { escapeJson, mapToJson, mayHoldEscapedAscii, unescapeInSteps, unescapeJson } from './escapes.ts';
import { FormReader } from './form.ts';
import { JsonReader } from './json.ts';
import { parseMediaType, type Reader } from './media.ts';
import { multipartParts, type Part } from './multipart.ts';
import { looksLikeJson, looksLikeText, PEEK } from './peek.ts';
import { mayHoldBuiltIn } from './prefilter.ts';
import type { Rule } from './rule.ts';
import type { Scan } from './scan.ts';
import { finish, STEP, type Steps } from './steps.ts';

/**
 * Why a body could not be read as what it claims to be.
 * `invalid_json`, `invalid_multipart`: it was scanned as plain text instead. `encoded_part`: a part of a multipart body has
 * a charset or transfer encoding that is not read here, and was not scanned. `ambiguous_part`: a part says twice what it is.
 */
export type Unreadable = 'invalid_json' | 'invalid_multipart' | 'encoded_part' | 'ambiguous_part';

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
      const read = yield* readJson(job, bytes, true);
      if (read !== undefined) return read;
      job.unreadable ??= 'invalid_json';
      return yield* readPlain(job, bytes);
    }
    default:
      return yield* readText(job, bytes);
  }
}

/** As JSON when it is JSON, as plain text otherwise. */
function* readText(job: Job, bytes: Uint8Array): Steps<Uint8Array> {
  const read = beginsLikeJson(bytes) ? yield* readJson(job, bytes, false) : undefined;
  return read ?? (yield* readPlain(job, bytes));
}

function* readPlain(job: Job, bytes: Uint8Array): Steps<Uint8Array> {
  const decoded = yield* decodeInSteps(bytes);
  return yield* editInSteps(bytes, decoded, yield* editsOf(job, decoded.text));
}

/**
 * Text that holds escaped characters, or nearly is JSON, may be taken by its reader for what the escapes stand for, or as it
 * stands: both readings count.
 */
function* editsOf({ scan }: Job, text: string): Steps<Edits> {
  let first = NO_EDITS;
  let current = text;
  if (text.includes('\\') && (looksLikeJson(text) || mayHoldEscapedAscii(text))) {
    const unescaped = yield* unescapeInSteps(text);
    first = yield* mapToJson(unescaped, yield* scan.textInSteps(unescaped.text, scan.candidates(unescaped.text)), 0);
    if (scan.blockedBy !== undefined) return NO_EDITS;
    if (first !== NO_EDITS) current = yield* applyEdits(text, first);
  }
  return yield* composeEdits(first, yield* scan.textInSteps(current, scan.candidates(current)));
}

/** Whether the first character that says anything could begin a JSON document that holds text. */
function beginsLikeJson(bytes: Uint8Array): boolean {
  let i = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  while (bytes[i] === 32 || bytes[i] === 9 || bytes[i] === 10 || bytes[i] === 13) i++;
  return bytes[i] === 123 || bytes[i] === 91 || bytes[i] === 34;
}

/** Undefined when the bytes are not JSON and there may be something to find. `claimed`: they are said to be. */
function* readJson({ scan }: Job, bytes: Uint8Array, claimed: boolean): Steps<Uint8Array | undefined> {
  const decoded = yield* decodeInSteps(bytes);
  const { text } = decoded;
  if (text.length <= STEP) {
    const view = unescapeJson(text).text;
    // The other readings, should this be no JSON, are of the same text: nobody finds anything there either.
    if (scan.candidates(view, true).length === 0 && (claimed || view === text)) return bytes;
  }
  const before = scan.mark();
  const reader = new JsonReader(text);
  const edits = editList();
  let screened = 0;
  let candidates: readonly Rule[] = [];
  let paused = 0;
  for (let event = reader.next(); event !== 'valid'; event = reader.next()) {
    if (event === 'invalid') {
      scan.rewind(before);
      return undefined;
    }
    if (reader.end - paused > STEP || event === 'pause') {
      paused = reader.end;
      yield;
    }
    const { start, end } = reader;
    if (event === 'pause' || end - start < scan.shortest) continue;
    if (end - start > STEP) {
      yield* readLongToken(scan, text, reader, edits);
    } else {
      if (end >= screened) {
        // The tokens of the next stretch, all at once, each with the character before and after it.
        screened = Math.max(start + STEP, end + 1);
        const stretch = text.slice(Math.max(0, start - 1), screened);
        candidates = scan.candidates(scan.isExtended ? unescapeJson(stretch).text : stretch, true);
      }
      if (candidates.length > 0) readToken(scan, text, reader, candidates, edits);
    }
    if (scan.blockedBy !== undefined) return bytes;
  }
  return yield* editInSteps(bytes, decoded, edits);
}

function readToken(scan: Scan, text: string, reader: JsonReader, candidates: readonly Rule[], out: EditList): void {
  const { start, end } = reader;
  const raw = text.slice(start, end);
  const unescaped = reader.escaped ? unescapeJson(raw) : undefined;
  const before = scan.matches;
  const edits = scan.text(unescaped?.text ?? raw, candidates, reader);
  if (scan.matches === before) return;
  if (reader.kind === 'key') reader.hide();
  const { places, texts } = edits;
  if (texts.length === 0) return;
  if (reader.kind === 'number') {
    // What is left of a number is none any more.
    addEdit(out, start, end, `"${escapeJson(finish(applyEdits(raw, edits)))}"`);
  } else if (unescaped !== undefined) {
    addEdits(out, finish(mapToJson(unescaped, edits, start)));
  } else {
    for (let i = 0; i < texts.length; i++) {
      // Edits have two places each.
      addEdit(
        out,
        start + (places[2 * i] as number),
        start + (places[2 * i + 1] as number),
        escapeJson(texts[i] as string),
      );
    }
  }
}

function* readLongToken(scan: Scan, text: string, reader: JsonReader, out: EditList): Steps<void> {
  const { start, end, kind } = reader;
  const raw = text.slice(start, end);
  const unescaped = yield* unescapeInSteps(raw);
  const before = scan.matches;
  const edits = yield* scan.textInSteps(unescaped.text, scan.candidates(unescaped.text), reader);
  if (kind === 'key' && scan.matches > before) reader.hide();
  if (edits.texts.length === 0) return;
  if (kind === 'number') addEdit(out, start, end, `"${escapeJson(yield* applyEdits(raw, edits))}"`);
  else yield* addInSteps(out, yield* mapToJson(unescaped, edits, start));
}

function* readForm(job: Job, bytes: Uint8Array): Steps<Uint8Array> {
  const { scan } = job;
  const form = asLatin1(bytes);
  const edits = editList();
  const reader = new FormReader(form);
  let paused = 0;
  while (scan.blockedBy === undefined && reader.next()) {
    if (reader.end - paused > STEP / 4) {
      paused = reader.end;
      yield;
    }
    if (reader.end - reader.start < scan.shortest) continue;
    const text = reader.text();
    if (text.length > STEP || text.includes('\\')) {
      yield* addInSteps(edits, reader.map(text, yield* editsOf(job, text)));
    } else {
      const found = scan.text(text, scan.candidates(text));
      if (found.texts.length > 0) addEdits(edits, reader.map(text, found));
    }
  }
  return yield* editInSteps(bytes, { text: form, byteForUnit: true }, edits);
}

function* readMultipart(job: Job, bytes: Uint8Array, boundary: string | undefined): Steps<Uint8Array> {
  const { scan } = job;
  const before = scan.mark();
  const out = new Splice(bytes);
  const parts = multipartParts(bytes, boundary ?? '');
  let epilogue = boundary ? 0 : -1;
  let isFirst = true;
  for (let paused = 0; epilogue >= 0 && scan.blockedBy === undefined; ) {
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
  if (scan.blockedBy !== undefined) return bytes;
  if (epilogue >= 0) return out.end();
  // What a lenient reader makes of it is not known: only what needs no decoding may pass.
  scan.rewind(before);
  job.unreadable = hidesEncodedPart(bytes) ? 'encoded_part' : (job.unreadable ?? 'invalid_multipart');
  return yield* readPlain(job, bytes);
}

/** What stands around the contents: headers, and text before and after the parts. */
function* readAround(job: Job, bytes: Uint8Array): Steps<Uint8Array> {
  if (bytes.length < job.scan.shortest) return bytes;
  if (!job.scan.isExtended && bytes.length <= STEP && !mayHoldBuiltIn(asLatin1(bytes))) return bytes;
  return yield* readPlain(job, bytes);
}

/** Charsets in which the ASCII characters are the ASCII bytes. */
const LIKE_ASCII = /^(utf-?8|us-ascii|ascii|iso-8859-\d+|latin1|windows-125\d)$/;

function* readPart(job: Job, content: Uint8Array, part: Part): Steps<Uint8Array> {
  const { reader, charset, isAmbiguous } = parseMediaType(part.contentType);
  const isPlain = /^(7bit|8bit|binary)?$/.test(part.encoding ?? '');
  if (part.isAmbiguous || isAmbiguous) {
    job.unreadable = 'ambiguous_part';
    return content;
  }
  // Readers take a part without a file name for a field, whatever its type.
  if (reader === 'binary' && part.isFile) {
    if (isPlain && !looksLikeText(content)) return content;
    if (part.encoding === 'base64' && !looksLikeText(Buffer.from(asLatin1(content.subarray(0, PEEK)), 'base64'))) {
      return content;
    }
  }
  const isWide = guessWide(content.subarray(0, PEEK), true) !== undefined;
  if (
    !isPlain ||
    isWide ||
    !LIKE_ASCII.test(charset ?? 'utf-8') ||
    (reader === 'multipart' && hidesEncodedPart(content))
  ) {
    if (job.unreadable !== 'ambiguous_part') job.unreadable = 'encoded_part';
    return content;
  }
  if (content.length < job.scan.shortest) return content;
  if (!job.scan.isExtended && content.length <= STEP && reader !== 'form' && !mayHoldBuiltIn(asLatin1(content))) {
    return content;
  }
  // A field is text unless it says otherwise; what is inside of a part is not parted further.
  return yield* readAs(job, content, reader === 'json' || reader === 'form' ? reader : 'text');
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
