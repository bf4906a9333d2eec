import { unescapeInSteps, unescapeJson } from './escapes.ts';
import type { Thread } from './event-entry.ts';
import type { EventLanes } from './event-lanes.ts';
import { EventPlaces } from './event-places.ts';
import { EventTemplate, type Slot } from './event-template.ts';
import { type EventTexts, SHORT } from './event-texts.ts';
import type { HeldEvent } from './held-event.ts';
import { wholeNumber } from './json.ts';
import { NUMBER, STRING } from './json-tokens.ts';
import type { Place } from './scan.ts';
import { STEP, type Steps } from './steps.ts';

/** `123456789.0`: what is shorter is no whole number of a size that says anything. */
const SHORTEST_FLOAT = 11;
/** An event with more of them is not what streams for long. */
const MOST_TOKENS = 256;
/** Units of a step, in which anything may be found, and as many as a token is worth besides. */
const TURN = 4096;
const WORTH = 64;

/** Reads events that are JSON. */
export class JsonEvents {
  readonly #texts: EventTexts;
  readonly #places = new EventPlaces();
  /** Of the strings of the last event that go on in others. */
  #threads: (Thread | undefined)[] = [];
  #template: EventTemplate | undefined;
  /** Whole values of events that are alike: what they were in the last one that was taken apart; null: now this, now that. */
  readonly #varying = new Map<number, string | null>();

  constructor(texts: EventTexts) {
    this.#texts = texts;
  }

  /** Reads a short event that is like the last one that was taken apart; false when it is not. */
  readAlike(event: HeldEvent, lanes: EventLanes): boolean {
    const template = this.#template;
    const { text } = event;
    if (template === undefined || !template.matches(text)) return false;
    const { slots, starts, ends } = template;
    // Of what is in the slots; what is around them was found to be clean.
    event.mayMatch = true;
    for (let i = 0; i < slots.length && !this.#texts.isBlocked; i++) {
      // For each slot there are a start and an end.
      const { isNumber, thread, at } = slots[i] as Slot;
      const written = [starts[i] as number, ends[i] as number];
      const raw = text.slice(starts[i], ends[i]);
      if (isNumber) this.number(event, lanes, raw, written, at);
      else {
        const string = template.escaped[i] === true ? unescapeJson(raw).text : raw;
        if (thread === undefined) lanes.single(event, 'json', string, written, at);
        else lanes.push(event, 'json', string, written, thread);
      }
    }
    return true;
  }

  /** A number is read as it is written, and as digits alone. */
  number(
    event: HeldEvent,
    lanes: EventLanes,
    raw: string,
    written: readonly number[],
    at: () => Place | undefined,
  ): void {
    if (event.mayMatch && lanes.single(event, 'number', raw, written, at)) return;
    if (raw.length >= SHORTEST_FLOAT) lanes.single(event, 'number', wholeNumber(raw) ?? '', written, at);
  }

  /** The same for a number of any length. */
  *numberInSteps(
    event: HeldEvent,
    lanes: EventLanes,
    raw: string,
    written: readonly number[],
    at: () => Place | undefined,
  ): Steps<void> {
    if (raw.length <= SHORT) this.number(event, lanes, raw, written, at);
    else if (event.mayMatch) yield* lanes.singleInSteps(event, 'number', raw, written, at);
  }

  /** Whether the text is one number or literal. */
  isScalar(source: string, from: number, to: number): Steps<boolean> {
    return this.#places.isScalar(source, from, to);
  }

  /**
   * False when `source`, from `from` up to `to`, which begins like JSON, is none. `lines`: where the lines stand in the event that it
   * was joined of.
   */
  *read(
    event: HeldEvent,
    lanes: EventLanes,
    source: string,
    from: number,
    to: number,
    name: string,
    lines: JoinedLines | undefined,
  ): Steps<boolean> {
    const places = this.#places;
    if (!(yield* places.read(source, from, to, name))) return false;
    const { tokens } = places;
    if (!places.isLikeLast) this.#threads = [];
    const isAlike = places.isLikeLast && lines === undefined && !event.mayMatch;
    if (!isAlike) this.#varying.clear();
    this.#template = undefined;
    let spent = 0;
    for (let i = 0; i < tokens.count; i++) {
      if (spent > TURN) {
        spent = 0;
        yield;
      }
      spent++;
      const type = tokens.types[i] as number;
      const joins = type === STRING && !lanes.isFull && isText(places, i);
      // Tokens are in these arrays.
      const start = tokens.starts[i] as number;
      const end = tokens.ends[i] as number;
      if (!joins && (type > NUMBER || !(event.mayMatch || (type === NUMBER && end - start >= SHORTEST_FLOAT))))
        continue;
      const shift = lines === undefined ? 0 : lines.shiftAt(start);
      const written = [start + shift, end + shift];
      const raw = source.slice(start, end);
      spent += WORTH + raw.length;
      if (type === NUMBER) {
        yield* this.numberInSteps(event, lanes, raw, written, () => this.#at(i));
        continue;
      }
      const isLong = raw.length > STEP && tokens.escaped[i] === 1;
      const text = isLong ? (yield* unescapeInSteps(raw)).text : tokens.escaped[i] === 1 ? unescapeJson(raw).text : raw;
      if (joins) {
        const thread = (this.#threads[i] ??= this.#thread(i));
        if (event.isShort) lanes.push(event, 'json', text, written, thread);
        else yield* lanes.pushInSteps(event, 'json', text, written, thread);
      } else if (text.length <= SHORT) lanes.single(event, 'json', text, written, () => this.#at(i));
      else yield* lanes.singleInSteps(event, 'json', text, written, () => this.#at(i));
      if (this.#texts.isBlocked) return true;
    }
    if (isAlike && !places.isEnd && places.finished.length === 0) this.#keepTemplate(event.text);
    for (const container of places.finished) {
      yield* lanes.finish(places.scope(container));
      if (places.finished.length > 1) yield;
    }
    if (places.isEnd) yield* lanes.finish(places.wholeScope);
    return true;
  }

  /** Of an event that is like the one before. What differs between them, or has differed before, is not part of it. */
  #keepTemplate(text: string): void {
    const places = this.#places;
    const { tokens } = places;
    if (tokens.count > MOST_TOKENS) return;
    const slots: Slot[] = [];
    for (let i = 0; i < tokens.count; i++) {
      const type = tokens.types[i];
      const start = tokens.starts[i] as number;
      const end = tokens.ends[i] as number;
      if (type !== STRING && type !== NUMBER) continue;
      const thread = this.#threads[i];
      if (thread === undefined) {
        if (places.tells(i)) continue;
        const raw = text.slice(start, end);
        const before = this.#varying.get(i);
        this.#varying.set(i, before === undefined || before === raw ? raw : null);
        if (before === undefined || before === raw) continue;
      }
      // What is read here is another event by the time that they are asked.
      const place = thread?.at() ?? this.#at(i);
      slots.push({ start, end, isNumber: type === NUMBER, thread, at: () => place });
    }
    this.#template = new EventTemplate(text, slots);
  }

  #thread(token: number): Thread {
    const places = this.#places;
    const holder = places.tokens.holders[token] as number;
    let place: Place | undefined;
    return {
      key: places.key(token),
      scope: places.scope(holder),
      holder,
      isPiece: places.isPiece(token),
      mayBeConstant: places.classOf(token) === 'other',
      at: () => (place ??= this.#at(token)),
    };
  }

  #at(token: number): Place {
    return this.#places.place(token, (key) => !this.#texts.mayMatch(key, false));
  }
}

/** Whether a string is, or may be, part of a text that other events go on with. */
function isText(places: EventPlaces, token: number): boolean {
  const cls = places.classOf(token);
  return cls === 'other' || cls === 'text' || cls === 'piece';
}

/** The values of several `data` lines, as one text. */
export class JoinedLines {
  readonly text: string;
  readonly #places: readonly number[];
  #line = 0;
  /** Place in the joined text of the line's value. */
  #base = 0;

  private constructor(text: string, places: readonly number[]) {
    this.text = text;
    this.#places = places;
  }

  /** `places`: start and end of each value. */
  static *of(event: string, places: readonly number[]): Steps<JoinedLines> {
    const values: string[] = [];
    for (let i = 0; i < places.length; i += 2) {
      values.push(event.slice(places[i], places[i + 1]));
      if (i % TURN === TURN - 2) yield;
    }
    return new JoinedLines(values.join('\n'), places);
  }

  /** Place in the event minus place in the joined text, for what is at this place; is asked from left to right. */
  shiftAt(place: number): number {
    for (;;) {
      // Values have a start and an end.
      const start = this.#places[this.#line] as number;
      const end = this.#places[this.#line + 1] as number;
      if (place <= this.#base + end - start || this.#line + 2 >= this.#places.length) return start - this.#base;
      this.#base += end - start + 1;
      this.#line += 2;
    }
  }
}

/** Whether this could be JSON that holds text and other things than a number. */
export function beginsLikeJson(text: string, from: number, to: number): boolean {
  let at = from;
  while (at < to && isBlank(text.charCodeAt(at))) at++;
  const c = text.charCodeAt(at);
  return at < to && (c === 123 || c === 91 || c === 34);
}

/** White space of JSON, and the record separator. */
export function isBlank(c: number): boolean {
  return c === 32 || c === 10 || c === 13 || c === 9 || c === 30;
}
