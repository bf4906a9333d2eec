import { type DecodedText, decodeBytes, decodeInSteps, editInSteps } from './bytes.ts';
import { addEdit, addInSteps, applyEdits, type EditList, type Edits, editList } from './edits.ts';
import { escapeJson, mapToJson, unescapeInSteps, unescapeJson } from './escapes.ts';
import { finish, STEP, type Steps } from './steps.ts';

/**
 * How a token is written. `json`: the inside of a JSON string. `number`: a JSON number. `line`: plain text on one line. `field`: a
 * line of an event stream that may be no field at all. `data`: plain text on one or several `data` lines.
 */
export type TokenForm = 'json' | 'number' | 'line' | 'field' | 'data';

/** A text in an event. */
export interface Token {
  readonly event: HeldEvent;
  readonly form: TokenForm;
  /** What it says. */
  readonly text: string;
  /** Where it is written, start and end in the text of the event; for `data`, of each line. */
  readonly places: readonly number[];
  /** Whether it may be a text by itself, and so is read as one too. */
  readonly mayBeWhole: boolean;
  /** Units of `text` that are decided. */
  done: number;
  /** Something was found in it. */
  isSeen: boolean;
  /** Of `text`. */
  edits: Edits | undefined;
}

/** An event, whole, that waits until all of its texts are decided. */
export class HeldEvent {
  readonly bytes: Uint8Array;
  readonly #decoded: DecodedText;
  /** Tokens that are not decided. */
  waits = 0;
  /** Neither it nor what it may let go is large: it is read at once. */
  isShort = false;
  /** Whether anything may be found in a text of the event by itself. */
  mayMatch = false;
  #changed: Token[] | undefined;

  constructor(bytes: Uint8Array, decoded: DecodedText = decodeBytes(bytes)) {
    this.bytes = bytes;
    this.#decoded = decoded;
  }

  /** The same, of any size. */
  static *inSteps(bytes: Uint8Array): Steps<HeldEvent> {
    return new HeldEvent(bytes, yield* decodeInSteps(bytes));
  }

  get text(): string {
    return this.#decoded.text;
  }

  /** A token of it was edited. */
  changed(token: Token): void {
    (this.#changed ??= []).push(token);
  }

  /** The bytes to pass on. */
  render(): Uint8Array {
    return this.#changed === undefined ? this.bytes : finish(this.renderInSteps());
  }

  *renderInSteps(): Steps<Uint8Array> {
    if (this.#changed === undefined) return this.bytes;
    const out = editList();
    let spent = 0;
    // Each token that was edited has at least one place. They mostly come in order.
    for (const token of this.#changed.sort((a, b) => (a.places[0] as number) - (b.places[0] as number))) {
      yield* addToken(this.text, token, out);
      if (++spent % TURN === 0) yield;
    }
    return yield* editInSteps(this.bytes, this.#decoded, inOrder(out));
  }
}

/** Tokens, or edits in one, that are written in one step. */
const TURN = 256;

function* addToken(event: string, { form, text, places, edits }: Token, out: EditList): Steps<void> {
  if (edits === undefined) return;
  // Tokens have a start and an end.
  const start = places[0] as number;
  const end = places[1] as number;
  switch (form) {
    case 'json': {
      const raw = event.slice(start, end);
      const unescaped = raw.length > STEP ? yield* unescapeInSteps(raw) : unescapeJson(raw);
      yield* addInSteps(out, yield* mapToJson(unescaped, edits, start));
      return;
    }
    case 'number':
      // What is left of a number is none any more.
      addEdit(out, start, end, `"${escapeJson(yield* applyEdits(text, edits))}"`);
      return;
    case 'data':
      yield* addData(event, places, edits, out);
      return;
    case 'field': {
      const left = yield* applyEdits(text, edits);
      // It must not become the end of the event, nor a field that it was not.
      if (left === '' || FIELD.test(left)) addEdit(out, start, start, ':');
      yield* addLine(start, edits, out);
      return;
    }
    default:
      yield* addLine(start, edits, out);
  }
}

function* addLine(start: number, { places, texts }: Edits, out: EditList): Steps<void> {
  for (let i = 0; i < texts.length; i++) {
    if (i % TURN === TURN - 1) yield;
    // Edits have two places each.
    addEdit(out, start + (places[2 * i] as number), start + (places[2 * i + 1] as number), oneLine(texts[i] as string));
  }
}

/** A text on several lines may have another one between them. */
function inOrder(edits: EditList): EditList {
  const { places, texts } = edits;
  const startOf = (i: number): number => places[2 * i] as number;
  if (texts.every((_, i) => i === 0 || startOf(i - 1) <= startOf(i))) return edits;
  const sorted = editList();
  for (const i of Array.from(texts.keys()).sort((a, b) => startOf(a) - startOf(b))) {
    addEdit(sorted, startOf(i), places[2 * i + 1] as number, texts[i] as string);
  }
  return sorted;
}

const FIELD = /^(?:data|event|id|retry)(?::|$)/;
const LINE_END = /\r\n|\r|\n/g;
/** What stands between the values of two `data` lines, when nothing else does. */
const NEXT_DATA = /^(?:\r\n|\r|\n)data(?:: ?)?$/;

function oneLine(text: string): string {
  return text.replace(LINE_END, ' ');
}

/** Edits of the values of `data` lines, joined by line feeds. A replacement with line ends becomes several such lines. */
function* addData(
  event: string,
  places: readonly number[],
  { places: spans, texts }: Edits,
  out: EditList,
): Steps<void> {
  const lines = places.length >> 1;
  // Edits have two places each, and so have lines.
  const valueAt = (line: number): number => places[2 * line] as number;
  const sizeOf = (line: number): number => (places[2 * line + 1] as number) - valueAt(line);
  let line = 0;
  /** Place of the line's value in the joined text. */
  let base = 0;
  let spent = 0;
  for (let i = 0; i < texts.length; i++) {
    if (++spent % TURN === 0) yield;
    const start = spans[2 * i] as number;
    const end = spans[2 * i + 1] as number;
    for (; line + 1 < lines && start > base + sizeOf(line); line++) {
      if (++spent % TURN === 0) yield;
      base += sizeOf(line) + 1;
    }
    let text = (texts[i] as string).replace(LINE_END, '\ndata: ');
    let from = valueAt(line) + start - base;
    let opens = start === base;
    for (; line + 1 < lines && end > base + sizeOf(line); line++) {
      if (++spent % TURN === 0) yield;
      const to = valueAt(line) + sizeOf(line);
      base += sizeOf(line) + 1;
      // A line end goes with the match when the next line is of the same text.
      if (NEXT_DATA.test(event.slice(to, valueAt(line + 1)))) continue;
      addDataEdit(event, from, to, text, opens, out);
      text = '';
      from = valueAt(line + 1);
      opens = true;
    }
    addDataEdit(event, from, valueAt(line) + end - base, text, opens, out);
  }
}

/** `opens`: at the beginning of a value, where one space is no part of it. */
function addDataEdit(event: string, from: number, to: number, text: string, opens: boolean, out: EditList): void {
  if (from === to && text === '') return;
  const before = event[from - 1];
  let separator = '';
  if (opens && before !== ' ') {
    if (before !== ':') separator = ': ';
    else if ((text === '' ? event[to] : text[0]) === ' ') separator = ' ';
  }
  addEdit(out, from, to, separator + text);
}
