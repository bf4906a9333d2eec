import { isUtf8 } from 'node:buffer';
import { asLatin1, decodeBytes, editBytes } from './bytes.ts';
import { applyEdits, type Edit, type Edits, NO_EDITS } from './edits.ts';
import type { Engine } from './engine.ts';
import { escapeJson, mapToJson, unescapeJson } from './escapes.ts';
import { formFields } from './form.ts';
import { type JsonToken, walkJson } from './json.ts';
import { parseMediaType, type Reader } from './media.ts';
import { multipartParts } from './multipart.ts';
import { mayHoldBuiltIn } from './prefilter.ts';
import type { Hit, Rule } from './rule.ts';
import { Scan } from './scan.ts';

/**
 * Why a body could not be read as what it claims to be.
 * `invalid_json`, `invalid_multipart`: it was scanned as plain text instead. `encoded_part`: a part of a multipart body has
 * a charset or transfer encoding that is not read here, and was not scanned.
 */
export type Unreadable = 'invalid_json' | 'invalid_multipart' | 'encoded_part';

export interface Inspection {
  /** The body to pass on; the same object when nothing was changed. Meaningless when blocked. */
  readonly bytes: Uint8Array;
  readonly hits: readonly Hit[];
  /** Name of the rule that says no. */
  readonly blockedBy: string | undefined;
  readonly unreadable: Unreadable | undefined;
}

/**
 * Runs the rules over a body in UTF-8 (or in bytes that are not: they survive). Only matched text changes; every other byte
 * stays. Time and memory are linear in the body, whatever is in it.
 */
export function inspect(engine: Engine, bytes: Uint8Array, contentType: string | undefined): Inspection {
  const { reader, boundary } = parseMediaType(contentType);
  if (bytes.length === 0 || reader === 'binary' || (!engine.isExtended && isPlainlyClean(bytes, reader))) {
    return { bytes, hits: NO_HITS, blockedBy: undefined, unreadable: undefined };
  }
  const job: Job = { scan: new Scan(engine, bytes.length), unreadable: undefined };
  const changed = readAs(job, bytes, reader, boundary);
  const { blockedBy, hits } = job.scan;
  return { bytes: blockedBy === undefined ? changed : bytes, hits, blockedBy, unreadable: job.unreadable };
}

const NO_HITS: readonly Hit[] = Object.freeze([]);

/** Whether it is plain from the bytes as they are that no built-in rule finds anything. Most bodies end here. */
function isPlainlyClean(bytes: Uint8Array, reader: Reader): boolean {
  if (reader === 'multipart') return false;
  const text = asLatin1(bytes);
  if (reader === 'form' && (text.includes('%') || text.includes('+'))) return false;
  return !mayHoldBuiltIn(text);
}

interface Job {
  readonly scan: Scan;
  unreadable: Unreadable | undefined;
}

function readAs(job: Job, bytes: Uint8Array, reader: Reader, boundary: string | undefined): Uint8Array {
  switch (reader) {
    case 'binary':
      return bytes;
    case 'multipart':
      return readMultipart(job, bytes, boundary);
    case 'form':
      // Many agents read JSON whatever the type says, and command line clients say `form` by default: both readings count.
      return readForm(job, looksLikeJson(bytes) ? (readJson(job, bytes, false) ?? bytes) : bytes);
    case 'json':
      return readJson(job, bytes, true) ?? readInvalidJson(job, bytes);
    case 'sniff':
      return isUtf8(bytes) ? readAs(job, bytes, 'text', undefined) : bytes;
    default:
      return (looksLikeJson(bytes) ? readJson(job, bytes, false) : undefined) ?? readPlain(job, bytes);
  }
}

function readPlain({ scan }: Job, bytes: Uint8Array): Uint8Array {
  const decoded = decodeBytes(bytes);
  return editBytes(bytes, decoded, scan.text(decoded.text, scan.candidates(decoded.text)));
}

/** Whether the first character that says anything could begin a JSON document that holds text. */
function looksLikeJson(bytes: Uint8Array): boolean {
  let i = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  while (bytes[i] === 32 || bytes[i] === 9 || bytes[i] === 10 || bytes[i] === 13) i++;
  return bytes[i] === 123 || bytes[i] === 91 || bytes[i] === 34;
}

/** Undefined when the bytes are not JSON and there may be something to find. `claimed`: they are said to be. */
function readJson({ scan }: Job, bytes: Uint8Array, claimed: boolean): Uint8Array | undefined {
  const decoded = decodeBytes(bytes);
  const { text } = decoded;
  const view = unescapeJson(text).text;
  const candidates = scan.candidates(view, true);
  // The other readings, should this be no JSON, are of the same text: nobody finds anything there either.
  if (candidates.length === 0 && (claimed || view === text)) return bytes;
  if (walkJson(text, () => true) === 'invalid') return undefined;
  const edits: Edit[] = [];
  walkJson(text, (token) => {
    for (const edit of scanToken(scan, text, token, candidates)) edits.push(edit);
    return scan.blockedBy === undefined;
  });
  return editBytes(bytes, decoded, edits);
}

function scanToken(scan: Scan, text: string, token: JsonToken, candidates: readonly Rule[]): Edits {
  const raw = text.slice(token.start, token.end);
  const unescaped = token.escaped ? unescapeJson(raw) : { text: raw, escapes: [] };
  const before = scan.matches;
  const edits = scan.text(unescaped.text, candidates, () => token.path());
  if (token.kind === 'key' && scan.matches > before) token.hide();
  if (edits.length === 0) return NO_EDITS;
  if (token.kind !== 'number') return mapToJson(unescaped, edits, token.start);
  // What is left of a number is none any more.
  return [{ start: token.start, end: token.end, text: `"${escapeJson(applyEdits(raw, edits))}"` }];
}

/**
 * What becomes of JSON that is none: it is one text, its escapes decoded. A policy that refuses such bodies would stand here.
 */
function readInvalidJson(job: Job, bytes: Uint8Array): Uint8Array {
  job.unreadable = 'invalid_json';
  const decoded = decodeBytes(bytes);
  const unescaped = unescapeJson(decoded.text);
  const edits = job.scan.text(unescaped.text, job.scan.candidates(unescaped.text));
  return editBytes(bytes, decoded, mapToJson(unescaped, edits, 0));
}

function readForm({ scan }: Job, bytes: Uint8Array): Uint8Array {
  const form = asLatin1(bytes);
  const edits: Edit[] = [];
  for (const field of formFields(form)) {
    if (scan.blockedBy !== undefined) break;
    for (const edit of field.map(scan.text(field.text, scan.candidates(field.text)))) edits.push(edit);
  }
  return editBytes(bytes, { text: form, byteForUnit: true }, edits);
}

/** Charsets in which the ASCII characters are the ASCII bytes. */
const LIKE_ASCII = /^(utf-?8|us-ascii|ascii|iso-8859-\d+|latin1|windows-125\d)$/;

function readMultipart(job: Job, bytes: Uint8Array, boundary: string | undefined): Uint8Array {
  const parts = boundary ? multipartParts(bytes, boundary) : undefined;
  if (parts === undefined) {
    job.unreadable = 'invalid_multipart';
    return readPlain(job, bytes);
  }
  const out: Uint8Array[] = [];
  let done = 0;
  for (const part of parts) {
    if (job.scan.blockedBy !== undefined) break;
    const { reader, charset } = parseMediaType(part.contentType);
    if (reader === 'binary') continue;
    if (/^(base64|quoted-printable)/.test(part.encoding ?? '') || !LIKE_ASCII.test(charset ?? 'utf-8')) {
      job.unreadable = 'encoded_part';
      continue;
    }
    const content = bytes.subarray(part.start, part.end);
    // A field is text unless it says otherwise; a file may be anything. What is inside of a part is not parted further.
    const readAsText = reader === 'multipart' || (reader === 'sniff' && !part.isFile);
    const changed = readAs(job, content, readAsText ? 'text' : reader, undefined);
    if (changed === content) continue;
    out.push(bytes.subarray(done, part.start), changed);
    done = part.end;
  }
  return out.length === 0 ? bytes : Buffer.concat([...out, bytes.subarray(done)]);
}
