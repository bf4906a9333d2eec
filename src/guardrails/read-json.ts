import { asLatin1, decodeInSteps, editInSteps } from './bytes.ts';
import { addEdit, addEdits, addInSteps, applyEdits, type EditList, type Edits, editList } from './edits.ts';
import { escapeJson, mapToJson, unescapeInSteps, unescapeJson } from './escapes.ts';
import { JsonReader, wholeNumber } from './json.ts';
import { isJsonInSteps } from './json-check.ts';
import { mayHoldNumberBetween } from './prefilter.ts';
import type { Rule } from './rule.ts';
import type { Scan } from './scan.ts';
import { finish, STEP, type Steps } from './steps.ts';
import { mayHide } from './view.ts';

/** Undefined, with nothing found, when the bytes are not JSON and there may be something to find, or they are said to be. */
export function* readJson(scan: Scan, bytes: Uint8Array, claimed: boolean): Steps<Uint8Array | undefined> {
  const decoded = yield* decodeInSteps(bytes);
  const { text } = decoded;
  const stretch = new Stretch(scan, text, decoded.byteForUnit);
  if (text.length <= STEP && isClean(stretch, text, claimed)) {
    return !claimed || (yield* isJsonInSteps(bytes, asLatin1(bytes))) ? bytes : undefined;
  }
  const before = scan.tally.mark();
  const reader = new JsonReader(text);
  const edits = editList();
  let paused = 0;
  // Many short texts take longer than one that is as long as all of them.
  let spent = 0;
  for (let event = reader.next(); event !== 'valid'; event = reader.next()) {
    if (event === 'invalid') {
      scan.tally.rewind(before);
      return undefined;
    }
    if (reader.end - paused + spent > STEP || event === 'pause') {
      paused = reader.end;
      spent = 0;
      yield;
    }
    const { start, end } = reader;
    if (event === 'pause' || end - start < scan.shortest) continue;
    if (end - start > scan.longestShort) {
      yield* readLongToken(scan, text, reader, edits);
    } else {
      stretch.reach(start, end);
      if (stretch.candidates.length > 0) {
        readToken(scan, text, reader, stretch, edits);
        spent += scan.worth;
      }
      if (reader.kind === 'number') readNumber(scan, text, reader, edits);
    }
    if (scan.tally.blockedBy !== undefined) return bytes;
  }
  return yield* editInSteps(bytes, decoded, edits);
}

/** A number that is written with a fraction or an exponent, and may be a whole one. */
const FLOAT = /(?:^|[[:,\s])-?\d+(?:\.\d+)?(?:[eE]|\.0|(?<=\d{13})\.)/;

/** Whether nobody finds anything, in the strings or in all of it as plain text. */
function isClean(stretch: Stretch, text: string, claimed: boolean): boolean {
  // As plain text it is as it stands.
  if (!claimed && unescapeJson(text).text !== text) return false;
  stretch.reach(0, text.length);
  return stretch.candidates.length === 0 && !FLOAT.test(text);
}

/** What is looked at before a stretch: more than the longest key that tells what a value is. */
const BEFORE = 256;

/** The tokens of some stretch of the text, looked at all at once, each with the character before and after it. */
class Stretch {
  readonly #scan: Scan;
  readonly #text: string;
  readonly #isAscii: boolean;
  #end = 0;
  /** Whether characters are spelt out as `\uXXXX`. */
  #isSpelled = false;
  /** The first `@` from some token on. */
  #at = -1;
  /** The rules that may find something in one of them. */
  candidates: readonly Rule[] = [];
  /** Whether the view of one of them may be another text. */
  hides = false;

  constructor(scan: Scan, text: string, isAscii: boolean) {
    this.#scan = scan;
    this.#text = text;
    this.#isAscii = isAscii;
  }

  /** Makes it the one that has the token with these places. */
  reach(start: number, end: number): void {
    if (end < this.#end) return;
    this.#end = Math.max(start + STEP, end + 1);
    // The key before it may tell what it is.
    const raw = this.#text.slice(Math.max(0, start - BEFORE), this.#end);
    this.#isSpelled = raw.includes('\\u');
    const mayHideAny = !this.#isAscii || this.#isSpelled || raw.includes('\\\\');
    const plain = mayHideAny || this.#scan.isExtended ? unescapeJson(raw).text : raw;
    this.hides = mayHideAny && mayHide(plain);
    this.candidates = this.#scan.candidates(plain, true, this.hides);
  }

  /** A quick look at a token: whether any rule may find something in it. Short escapes stand for nothing of a match. */
  mayHold(start: number, end: number): boolean {
    if (this.#scan.isExtended || this.hides || this.#isSpelled) return true;
    if (this.#at < start) this.#at = this.#text.indexOf('@', start);
    if (this.#at < 0) this.#at = this.#text.length;
    return this.#at < end || mayHoldNumberBetween(this.#text, start, end);
  }
}

function readToken(scan: Scan, text: string, reader: JsonReader, stretch: Stretch, out: EditList): void {
  const { start, end } = reader;
  if (!stretch.mayHold(start, end)) return;
  const raw = text.slice(start, end);
  const unescaped = reader.escaped ? unescapeJson(raw) : undefined;
  const before = scan.tally.matches;
  const edits = scan.text(unescaped?.text ?? raw, stretch.candidates, stretch.hides, reader);
  if (scan.tally.matches === before) return;
  if (reader.kind === 'key') reader.hide();
  const { places, texts } = edits;
  if (texts.length === 0) return;
  if (reader.kind === 'number') {
    addNumber(raw, edits, start, out);
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

/** The same number as digits alone. Only when nothing was found in it as it stands. */
function readNumber(scan: Scan, text: string, reader: JsonReader, out: EditList): void {
  const { start, end } = reader;
  const raw = text.slice(start, end);
  const whole = out.places.at(-1) === end || !/[.eE]/.test(raw) ? undefined : wholeNumber(raw);
  if (whole === undefined) return;
  const edits = scan.text(whole, scan.candidates(whole, true, false), false, reader);
  if (edits.texts.length > 0) addEdit(out, start, end, `"${escapeJson(finish(applyEdits(whole, edits)))}"`);
}

/** What is left of a number is none any more. */
function addNumber(text: string, edits: Edits, start: number, out: EditList): void {
  addEdit(out, start, start + text.length, `"${escapeJson(finish(applyEdits(text, edits)))}"`);
}

function* readLongToken(scan: Scan, text: string, reader: JsonReader, out: EditList): Steps<void> {
  const { start, end, kind } = reader;
  const raw = text.slice(start, end);
  const unescaped = yield* unescapeInSteps(raw);
  const before = scan.tally.matches;
  const edits = yield* scan.longInSteps(unescaped.text, reader);
  if (kind === 'key' && scan.tally.matches > before) reader.hide();
  if (edits.texts.length === 0) return;
  if (kind === 'number') addEdit(out, start, end, `"${escapeJson(yield* applyEdits(raw, edits))}"`);
  else yield* addInSteps(out, yield* mapToJson(unescaped, edits, start));
}
