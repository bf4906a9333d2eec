import { applyEdits, composeEdits } from './edits.ts';
import { dropDecided, type Entry, isToRead, markSeen, newEntry, share, type Thread } from './event-entry.ts';
import { mayBeConstant } from './event-members.ts';
import { type EventTexts, SHORT, type TextLane } from './event-texts.ts';
import type { HeldEvent, Token, TokenForm } from './held-event.ts';
import type { Piece } from './run.ts';
import type { Place } from './scan.ts';
import { finish, type Steps } from './steps.ts';

/** Texts that are followed at the same time, and strings of one event that may be part of them; beyond, a quiet one is over. */
const MOST_LANES = 256;
/** Of texts that one event has at the same place: members with the same name. */
const MOST_SAME = 4;
/** Events with other texts between two pieces of one that could be whole. */
const MOST_BETWEEN = 32;
/** Of pieces that were the same, those that may still be the beginning of a match. */
const MOST_RECALLED = 4;
/** Strings that are decided in one step. */
const TURN = 64;

/** The texts that run through the events of a stream. Decides the tokens of events, and tells the events. */
export class EventLanes {
  readonly #texts: EventTexts;
  readonly #entries = new Map<string, Entry>();
  #turn = 0;
  /** Pieces in the current event, and the scopes of their texts. */
  #pushed = 0;
  readonly #scopes = new Set<string>();
  /** Events that had any. */
  #told = 0;
  /** A text went on after it was said to be over. */
  #distrustsEnds = false;
  /** Texts that turned out to be over, and are to be closed. */
  #over: Entry[] = [];

  constructor(texts: EventTexts) {
    this.#texts = texts;
  }

  /** The event has had as many strings that go on as one may have; others are whole. */
  get isFull(): boolean {
    return this.#pushed >= MOST_LANES;
  }

  /** What comes now is another event. */
  beginEvent(): void {
    this.#turn++;
    this.#pushed = 0;
    this.#scopes.clear();
  }

  /**
   * All of the event was read. A text that could be whole is likely to be so when other texts came, and not its continuation;
   * what it holds back would hold up all of them. So it lets go what gives little away, and is over when many have come. Of
   * several texts that stream at the same time, another one tells nothing.
   */
  endEvent(): void {
    if (this.#pushed === 0) return;
    this.#told++;
    for (const entry of this.#entries.values()) {
      if (entry.turn === this.#turn || entry.isPiece || entry.head === entry.tokens.length) continue;
      if (entry.scope !== '' && !this.#scopes.has(entry.scope)) continue;
      if (entry.lane !== undefined) this.#decide(entry, entry.lane.release());
      if (entry.head < entry.tokens.length && this.#told - entry.told > MOST_BETWEEN) this.#over.push(entry);
    }
    if (this.#over.length > 0) finish(this.#closeOver());
  }

  /** How many events have come. */
  get turn(): number {
    return this.#turn;
  }

  /** A short string that may go on in another event. */
  push(event: HeldEvent, form: TokenForm, text: string, places: readonly number[], thread: Thread): void {
    if (text === '') return;
    const entry = this.#take(event, form, text, places, thread);
    if (this.#over.length > 0) finish(this.#closeOver());
    if (entry?.lane === undefined) {
      if (event.mayMatch) this.single(event, form, text, places, thread.at);
      return;
    }
    const before = this.#texts.matches;
    const pieces = entry.lane.push(text);
    if (this.#texts.matches > before) markSeen(entry);
    this.#decide(entry, pieces);
  }

  /** The same for a string of any length, also when much is held back. */
  *pushInSteps(
    event: HeldEvent,
    form: TokenForm,
    text: string,
    places: readonly number[],
    thread: Thread,
  ): Steps<void> {
    if (text === '') return;
    const entry = this.#take(event, form, text, places, thread);
    if (this.#over.length > 0) yield* this.#closeOver();
    if (entry?.lane === undefined) {
      if (event.mayMatch) yield* this.singleInSteps(event, form, text, places, thread.at);
      return;
    }
    const before = this.#texts.matches;
    const pieces = yield* entry.lane.pushInSteps(text);
    if (this.#texts.matches > before) markSeen(entry);
    yield* this.#decideInSteps(entry, pieces);
  }

  /** A short text that is whole. Gives whether something in it was changed. */
  single(
    event: HeldEvent,
    form: TokenForm,
    text: string,
    places: readonly number[],
    at: () => Place | undefined,
  ): boolean {
    if (text.length < this.#texts.shortest) return false;
    const place = at();
    if (!this.#texts.mayMatch(text, false) && !this.#texts.isNamed(place)) return false;
    const edits = this.#texts.read(text, place, false);
    if (edits.texts.length === 0) return false;
    event.changed({ event, form, text, places, mayBeWhole: true, done: text.length, isSeen: true, edits });
    return true;
  }

  /** The same for a text of any length. */
  *singleInSteps(
    event: HeldEvent,
    form: TokenForm,
    text: string,
    places: readonly number[],
    at: () => Place | undefined,
  ): Steps<boolean> {
    if (text.length <= SHORT) return this.single(event, form, text, places, at);
    const edits = yield* this.#texts.readInSteps(text, at(), false);
    if (edits.texts.length === 0) return false;
    event.changed({ event, form, text, places, mayBeWhole: true, done: text.length, isSeen: true, edits });
    return true;
  }

  /** The texts whose scope begins with this one are over. */
  *finish(scope: string): Steps<void> {
    if (this.#distrustsEnds) return;
    for (const entry of this.#entries.values()) {
      if (!entry.scope.startsWith(scope)) continue;
      entry.isFinished = true;
      if (entry.lane === undefined) continue;
      yield* this.#close(entry);
      yield;
    }
  }

  /** All texts are over. */
  *end(): Steps<void> {
    for (const entry of this.#entries.values()) {
      yield* this.#close(entry);
      yield;
    }
    this.#entries.clear();
  }

  /** Lets go what gives little away, of texts that have not gone on since the event `before`. */
  release(before: number): void {
    for (const entry of this.#entries.values()) {
      if (entry.lane !== undefined && entry.turn <= before) this.#decide(entry, entry.lane.release());
    }
  }

  /** Adds a string to the text that it belongs to; undefined when that is not followed. */
  #take(event: HeldEvent, form: TokenForm, text: string, places: readonly number[], thread: Thread): Entry | undefined {
    const entry = this.#entryFor(thread);
    if (entry === undefined) return undefined;
    this.#distrustsEnds ||= entry.isFinished;
    if (thread.mayBeConstant && this.#isConstant(entry, text)) {
      if (entry.lane !== undefined) this.#over.push(entry);
      return undefined;
    }
    this.#pushed++;
    this.#scopes.add(thread.scope);
    entry.isPiece = thread.isPiece;
    entry.told = this.#told;
    const mayBeWhole = !thread.isPiece;
    entry.tokens.push({ event, form, text, places, mayBeWhole, done: 0, isSeen: false, edits: undefined });
    event.waits++;
    entry.lane ??= this.#newLane(entry);
    return entry;
  }

  #newLane(entry: Entry): TextLane {
    const { constant, repeats, at } = entry;
    const lane = this.#texts.newLane(at);
    // What changes after all was text in pieces that were the same, and have left: they may be the beginning of what comes.
    if (constant === undefined || repeats === 0) return lane;
    entry.repeats = 0;
    const before = constant.repeat(Math.min(repeats + 1, MOST_RECALLED));
    entry.constant = undefined;
    if (this.#texts.mayMatch(before, false)) return lane;
    lane.push(before);
    lane.release();
    return lane.holds ? this.#texts.newLane(at) : lane;
  }

  /** Undefined when it is one too many. */
  #entryFor(thread: Thread): Entry | undefined {
    let { key } = thread;
    let entry = this.#entries.get(key);
    // A reader takes one of several members with the same name, mostly the last one: they do not go together.
    for (let same = 2; entry?.turn === this.#turn && entry.holder === thread.holder && thread.holder >= 0; same++) {
      if (same > MOST_SAME) return undefined;
      key = `${thread.key}\n\n${same}`;
      entry = this.#entries.get(key);
    }
    if (entry === undefined) {
      if (this.#entries.size >= MOST_LANES) this.#dropQuiet();
      entry = newEntry(thread, this.#turn);
      this.#entries.set(key, entry);
    }
    entry.turn = this.#turn;
    entry.holder = thread.holder;
    return entry;
  }

  /** Ends a text that has not gone on since it was looked at last. */
  #dropQuiet(): void {
    // What is set again comes round once more.
    for (const [key, entry] of this.#entries) {
      this.#entries.delete(key);
      if (entry.turn === entry.seen) {
        this.#over.push(entry);
        return;
      }
      entry.seen = entry.turn;
      this.#entries.set(key, entry);
    }
  }

  #isConstant(entry: Entry, text: string): boolean {
    if (entry.constant === '') {
      entry.constant = text;
    } else if (entry.constant !== undefined && entry.constant === text && mayBeConstant(text)) {
      entry.repeats++;
      return true;
    } else if (entry.repeats === 0) {
      entry.constant = undefined;
    }
    return false;
  }

  *#closeOver(): Steps<void> {
    const over = this.#over;
    this.#over = [];
    for (const entry of over) yield* this.#close(entry);
  }

  *#close(entry: Entry): Steps<void> {
    const { lane } = entry;
    if (lane === undefined) return;
    entry.lane = undefined;
    yield* this.#decideInSteps(entry, yield* lane.endInSteps());
    entry.carried = '';
  }

  /** Shares out what a lane gave to the tokens that it came from. */
  #decide(entry: Entry, pieces: readonly Piece[]): void {
    if (pieces.length === 0) return;
    const first = entry.head;
    for (const { raw, text } of pieces) {
      if (text !== undefined) entry.carried += text;
      let left = raw;
      do left = share(entry, left, text !== undefined);
      while (left > 0);
    }
    for (let i = first; i < entry.head; i++) this.#settle(entry.tokens[i] as Token, entry);
    dropDecided(entry);
  }

  /** The same for any number of them. */
  *#decideInSteps(entry: Entry, pieces: readonly Piece[]): Steps<void> {
    if (pieces.length === 0) return;
    const first = entry.head;
    let spent = 0;
    for (const { raw, text } of pieces) {
      if (text !== undefined) entry.carried += text;
      let left = raw;
      do {
        left = share(entry, left, text !== undefined);
        if (++spent % (16 * TURN) === 0) yield;
      } while (left > 0);
    }
    for (let i = first; i < entry.head; i++) {
      const token = entry.tokens[i] as Token;
      if (isToRead(token)) yield* this.#readWhole(token, entry);
      this.#settled(token);
      if (++spent % TURN === 0) yield;
    }
    dropDecided(entry);
  }

  #settle(token: Token, entry: Entry): void {
    if (isToRead(token)) {
      const { text, edits, isSeen } = token;
      if (edits === undefined && text.length <= SHORT) {
        if (text.length >= this.#texts.shortest) {
          const more = this.#texts.read(text, entry.at, isSeen);
          if (more.texts.length > 0) token.edits = more;
        }
      } else {
        finish(this.#readWhole(token, entry));
      }
    }
    this.#settled(token);
  }

  /** A string that may be whole is read by itself too: what stands beside it may not belong to it. */
  *#readWhole(token: Token, { at }: Entry): Steps<void> {
    const { text, edits, isSeen } = token;
    const left = edits === undefined ? text : yield* applyEdits(text, edits);
    if (left.length < this.#texts.shortest) return;
    const more = yield* this.#texts.readInSteps(left, at, isSeen);
    if (more.texts.length > 0) token.edits = edits === undefined ? more : yield* composeEdits(edits, more);
  }

  #settled(token: Token): void {
    if (token.edits !== undefined) token.event.changed(token);
    token.event.waits--;
  }
}
