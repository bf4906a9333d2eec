import { Chain, type Found } from './chain.ts';
import { unitAt } from './characters.ts';
import type { Engine } from './engine.ts';
import { PieceMerger } from './merge-pieces.ts';
import { PieceQueue } from './piece-queue.ts';
import type { Rule } from './rule.ts';
import type { Piece, Run } from './run.ts';
import { finish, type Steps } from './steps.ts';
import type { Located, Tally } from './tally.ts';
import { newChange, nextChange } from './view.ts';
import { ViewReader } from './view-reader.ts';

/**
 * One text that comes in pieces, and leaves with the rules applied. Holds back only what could still become a match, and gives
 * it as soon as it cannot. However the text is cut, the same leaves as when it is at hand as a whole.
 *
 * The text is read as it stands and, from the first character on that could hide a match, in the view that undoes that; both
 * readings count.
 */
export class Lane {
  readonly #tally: Tally;
  readonly #at: Located | undefined;
  readonly #main: Reading;
  /** The text as it stands, once it differs from the view. */
  #literal: Reading | undefined;
  #view: ViewReader | undefined;
  #merger: PieceMerger | undefined;
  /** Units that are taken at once: the more rules, the fewer. */
  readonly #slice: number;
  /** Half of a surrogate pair, kept until the other half comes. */
  #half = '';
  /** Units taken, and not given yet. */
  #held = 0;
  /** Units that were given before they were decided. */
  #gone = 0;
  readonly #reported = new Map<Rule, number>();

  constructor(engine: Engine, tally: Tally, at?: Located) {
    this.#tally = tally;
    this.#at = at;
    this.#main = new Reading(Chain.of(engine), this.#report);
    this.#slice = Math.max(LEAST_SLICE, Math.floor(MOST_SLICE / (1 + this.#main.chain.length)));
  }

  /** Whether anything is held back. */
  get holds(): boolean {
    return this.#held > 0;
  }

  /** Takes what came next; gives what is decided now, in order. After a rule has blocked, nothing. */
  push(text: string): readonly Piece[] {
    this.#held += text.length;
    return text.length <= this.#slice ? this.#take(this.#whole(text), false) : finish(this.#pushLong(text));
  }

  /** The same for a text of any length. */
  *pushInSteps(text: string): Steps<readonly Piece[]> {
    this.#held += text.length;
    return yield* this.#pushLong(text);
  }

  /** The text is over: gives all that was left. */
  end(): readonly Piece[] {
    return finish(this.endInSteps());
  }

  /** The same, where much may have been held back. */
  *endInSteps(): Steps<readonly Piece[]> {
    const rest = this.#half;
    this.#half = '';
    return yield* this.#takeInSteps(rest, true);
  }

  /**
   * Nothing has come for a while: gives what is held back, when that gives little away. What comes then is still seen as the
   * continuation of it; of a match, what has not left yet is redacted.
   */
  release(): readonly Piece[] {
    if (this.#held === 0 || this.#tally.blockedBy !== undefined) return NO_PIECES;
    const isLittle = this.#main.chain.holdsLittle && (this.#literal?.chain.holdsLittle ?? true);
    // What a rule has put in waits for a later one, or for the other reading.
    if (!isLittle || this.#merger?.hasEdits === true || this.#endsInMatch()) return NO_PIECES;
    const raw = this.#held;
    this.#gone += raw;
    this.#held = 0;
    return [{ raw, text: undefined }];
  }

  /** Whether something would be found in what is held back if the text were over, or may be. */
  #endsInMatch(): boolean {
    if (this.#half !== '' || (this.#view?.held ?? 0) > 0) return true;
    let isFound = false;
    for (const reading of [this.#main, this.#literal]) {
      reading?.probe(() => {
        isFound = true;
      });
    }
    return isFound;
  }

  /** What is complete of what came: half of a pair waits. */
  #whole(text: string): string {
    const next = this.#half + text;
    const last = unitAt(next, next.length - 1);
    const isHalf = last >= 0xd800 && last < 0xdc00;
    this.#half = isHalf ? next.slice(-1) : '';
    return isHalf ? next.slice(0, -1) : next;
  }

  *#pushLong(text: string): Steps<readonly Piece[]> {
    const out: Piece[] = [];
    for (let from = 0; from < text.length; from += this.#slice) {
      if (from > 0) yield;
      const next = this.#whole(text.slice(from, from + this.#slice));
      for (const piece of yield* this.#takeInSteps(next, false)) out.push(piece);
    }
    return out;
  }

  #take(text: string, ended: boolean): readonly Piece[] {
    this.#begin(text, ended);
    while (this.#hasMore) this.#goOn();
    return this.#collect();
  }

  *#takeInSteps(text: string, ended: boolean): Steps<readonly Piece[]> {
    this.#begin(text, ended);
    if (!this.#hasMore) return this.#collect();
    const out: Piece[] = [];
    for (;;) {
      for (const piece of this.#collect()) out.push(piece);
      if (!this.#hasMore) return out;
      yield;
      this.#goOn();
    }
  }

  #begin(text: string, ended: boolean): void {
    if (this.#tally.blockedBy !== undefined || (text === '' && !ended)) return;
    if (this.#view === undefined && hides(text)) {
      this.#view = new ViewReader();
      this.#literal = this.#main.clone();
      this.#merger = new PieceMerger(this.#main.out, this.#literal.out);
    }
    const plain: readonly Run[] = text === '' ? NO_RUNS : [{ text, raw: text, edited: false }];
    if (this.#view === undefined || this.#literal === undefined) {
      this.#main.push(plain, ended);
      return;
    }
    this.#literal.push(plain, ended);
    const runs = this.#view.push(text);
    this.#main.push(ended ? [...runs, ...this.#view.end()] : runs, ended);
  }

  /** What was begun is not done. */
  get #hasMore(): boolean {
    if (this.#tally.blockedBy !== undefined) return false;
    return this.#main.chain.hasMore || this.#literal?.chain.hasMore === true;
  }

  #goOn(): void {
    if (this.#literal?.chain.hasMore === true) this.#literal.goOn();
    else this.#main.goOn();
  }

  #collect(): readonly Piece[] {
    if (this.#tally.blockedBy !== undefined) return NO_PIECES;
    return this.#give(this.#merger === undefined ? this.#main.out.takeAll() : this.#merger.take());
  }

  /** Leaves out what has been given before. */
  #give(pieces: readonly Piece[]): readonly Piece[] {
    if (this.#gone === 0) {
      for (const { raw } of pieces) this.#held -= raw;
      return pieces;
    }
    const out: Piece[] = [];
    for (const { raw, text } of pieces) {
      const skipped = Math.min(raw, this.#gone);
      this.#gone -= skipped;
      this.#held -= raw - skipped;
      if (text !== undefined || raw > skipped) out.push({ raw: raw - skipped, text });
    }
    return out;
  }

  /** The two readings find the same things, mostly: the one that finds more counts. */
  readonly #report = (rule: Rule, inReading: number): void => {
    const known = this.#reported.get(rule) ?? 0;
    if (inReading > known) {
      this.#tally.count(rule, inReading - known, this.#at);
      this.#reported.set(rule, inReading);
    }
    if (rule.action === 'block') this.#tally.block(rule);
  };
}

/** Told how many matches of a rule there are in a reading. */
type Report = (rule: Rule, inReading: number) => void;

/** One way to read the text, with what it has decided. */
class Reading {
  readonly chain: Chain;
  /** Decided, and not given yet. */
  readonly out = new PieceQueue();
  /** Matches of each stage. A rule may have two: what it finds in the text as it came may be what is left for the other. */
  readonly #matches: number[] = [];

  readonly #report: Report;

  constructor(chain: Chain, report: Report) {
    this.chain = chain;
    this.#report = report;
  }

  /** To be made when all that was decided has been given. */
  clone(): Reading {
    const copy = new Reading(this.chain.clone(), this.#report);
    copy.#matches.push(...this.#matches);
    return copy;
  }

  push(runs: readonly Run[], ended: boolean): void {
    this.chain.push(runs, ended, this.#found, this.out);
  }

  /** Tells what is found if the text is over, and goes on as if it were not. */
  probe(report: Report): void {
    const copy = new Reading(this.chain.clone(), report);
    copy.push(NO_RUNS, true);
    while (copy.chain.hasMore) copy.goOn();
  }

  goOn(): void {
    this.chain.more(this.#found, this.out);
  }

  readonly #found: Found = ({ rule, place }, matches) => {
    const all = (this.#matches[place] ?? 0) + matches;
    this.#matches[place] = all;
    this.#report(rule, all);
  };
}

/** Units that are taken at once with many rules, and with few. */
const LEAST_SLICE = 256;
const MOST_SLICE = 8192;

const NO_PIECES: readonly Piece[] = Object.freeze([]);
const NO_RUNS: readonly Run[] = Object.freeze([]);

// oxlint-disable-next-line no-control-regex -- ASCII begins with them
const SUSPECT = /[^\u0000-\u005b\u005d-\u007f]/;

/** Whether the view of a text is another text, or may be, depending on what comes next. */
function hides(text: string): boolean {
  const from = text.search(SUSPECT);
  return from >= 0 && nextChange(text, from, text.length, false, newChange());
}
