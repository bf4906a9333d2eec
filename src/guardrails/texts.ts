import { asLatin1, decodeInSteps } from './bytes.ts';
import { unescapeInSteps } from './escapes.ts';
import { FormReader } from './form.ts';
import { JsonReader } from './json.ts';
import { parseMediaType, type Reader } from './media.ts';
import { multipartParts } from './multipart.ts';
import { looksLikeJson, looksLikeText } from './peek.ts';
import { STEP, type Steps } from './steps.ts';

/**
 * The texts of a body in UTF-8, decoded, in their order and without empty ones, for whoever judges a body and is no rule of the
 * engine. JSON (NDJSON too): each string, object key and number. Forms: each name and value. Multipart: the header of each part,
 * and the texts of its content. Else all of it, as one text. Nothing of what is binary.
 */
export function* textsOf(bytes: Uint8Array, contentType: string | undefined): Steps<string[]> {
  const { reader, boundary } = parseMediaType(contentType);
  const texts: string[] = [];
  yield* collect(texts, bytes, reader === 'binary' && looksLikeText(bytes) ? 'sniff' : reader, boundary);
  return texts;
}

function* collect(texts: string[], bytes: Uint8Array, reader: Reader, boundary?: string): Steps<void> {
  if (bytes.length === 0 || reader === 'binary') return;
  if (reader === 'multipart' && (yield* collectParts(texts, bytes, boundary))) return;
  const { text } = yield* decodeInSteps(bytes);
  if ((reader === 'json' || looksLikeJson(text)) && (yield* collectJson(texts, text))) return;
  if (reader === 'form') yield* collectForm(texts, asLatin1(bytes));
  else texts.push(text);
}

/** False, with nothing collected, when the text is not JSON. */
function* collectJson(texts: string[], text: string): Steps<boolean> {
  const before = texts.length;
  const reader = new JsonReader(text);
  let paused = 0;
  for (let event = reader.next(); event !== 'valid'; event = reader.next()) {
    if (event === 'invalid') {
      texts.length = before;
      return false;
    }
    if (reader.end - paused > STEP || event === 'pause') {
      paused = reader.end;
      yield;
    }
    if (event === 'pause' || reader.end === reader.start) continue;
    const raw = text.slice(reader.start, reader.end);
    texts.push(reader.escaped ? (yield* unescapeInSteps(raw)).text : raw);
  }
  return true;
}

function* collectForm(texts: string[], form: string): Steps<void> {
  const reader = new FormReader(form);
  let paused = 0;
  while (yield* reader.nextInSteps()) {
    if (reader.end - paused > STEP) {
      paused = reader.end;
      yield;
    }
    const text = yield* reader.textInSteps();
    if (text !== '') texts.push(text);
  }
}

/** False, with nothing collected, when the bytes are no such body. */
function* collectParts(texts: string[], bytes: Uint8Array, boundary: string | undefined): Steps<boolean> {
  if (!boundary) return false;
  const before = texts.length;
  const parts = multipartParts(bytes, boundary);
  for (;;) {
    const { done, value: part } = parts.next();
    if (done) {
      if (part < 0) texts.length = before;
      return part >= 0;
    }
    yield;
    if (part === undefined) continue;
    texts.push(asLatin1(bytes.subarray(part.headerStart, part.start)).trim());
    const content = bytes.subarray(part.start, part.end);
    const { reader } = parseMediaType(part.contentType);
    if (reader === 'binary' && part.isFile && !looksLikeText(content)) continue;
    // What is inside of a part is not parted further.
    yield* collect(texts, content, reader === 'json' || reader === 'form' ? reader : 'text');
  }
}
