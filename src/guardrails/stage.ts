import { unitAt } from './characters.ts';
import type { Follower } from './follower.ts';
import type { Rule } from './rule.ts';
import type { Run } from './run.ts';

/** Text units, and runs, that are passed on at once. */
const MOST_PASSED = 2048;
/** Runs that are held before they are made into fewer. */
const MANY_RUNS = 32;

/** One rule on the way of a text that comes in pieces: takes what the stage before lets through, and passes on what is decided. */
export class Stage {
  readonly rule: Rule;
  /** Place in its chain. */
  readonly place: number;
  readonly #follower: Follower;
  /** Taken and not passed on, but for those before `#head`; its text begins at the place `#at`, of all text taken. */
  #held: Run[] = [];
  #head = 0;
  #at = 0;
  #end = 0;
  /** What stands before this place may be passed on. */
  #decided = 0;
  /** Matches that are not replaced yet; those before `#nextSpan` are. */
  #spans: readonly number[] = NO_SPANS;
  #nextSpan = 0;
  /** Of the match that is being replaced. */
  #text = '';
  #raw = '';

  constructor(rule: Rule, place: number, follower: Follower = rule.follow()) {
    this.rule = rule;
    this.place = place;
    this.#follower = follower;
  }

  clone(): Stage {
    const copy = new Stage(this.rule, this.place, this.#follower.clone());
    copy.#held = this.#held.slice(this.#head);
    copy.#at = this.#at;
    copy.#end = this.#end;
    copy.#decided = this.#decided;
    copy.#spans = this.#spans.slice(this.#nextSpan);
    return copy;
  }

  /**
   * Takes `runs`, whose text is `text`; gives what may be passed on, or the first of it. `found` is told how many matches there
   * were. Last call when `ended`. A rule that redacts puts something in their place; one that blocks lets nothing through that
   * may still be part of one; one that warns only looks.
   */
  push(
    runs: readonly Run[],
    text: string,
    ended: boolean,
    found: (stage: Stage, matches: number) => void,
  ): readonly Run[] {
    const spans: number[] = [];
    this.#end += text.length;
    let decided = this.#follower.push(text, spans);
    if (ended) {
      this.#follower.end(spans);
      decided = this.#end;
    }
    if (spans.length > 0) found(this, spans.length / 2);
    const { action } = this.rule;
    const isHeld = this.#held.length > this.#head;
    if (action === 'warn' || (!isHeld && spans.length === 0 && decided === this.#end)) {
      this.#at = this.#end;
      this.#decided = this.#end;
      return runs;
    }
    for (const run of runs) this.#hold(run);
    this.#decided = decided;
    if (decided === this.#at && spans.length === 0 && this.#held[this.#head]?.text !== '') return NO_RUNS;
    if (action === 'redact' && spans.length > 0) this.#spans = spans;
    return this.more();
  }

  /** Whether not all that may be passed on has been: `more` is to be called before `push` is again. */
  get hasMore(): boolean {
    if (this.#at < this.#decided || this.#nextSpan < this.#spans.length) return true;
    return this.#head < this.#held.length && (this.#held[this.#head] as Run).text === '';
  }

  /** Gives what may be passed on, or the next of it. */
  more(): readonly Run[] {
    const out: Run[] = [];
    const spans = this.#spans;
    const stop = this.#at + MOST_PASSED;
    while (this.#nextSpan < spans.length) {
      // Spans come in pairs.
      const start = spans[this.#nextSpan] as number;
      this.#pass(start, stop, out);
      if (this.#at < start || this.#at >= stop || out.length >= MOST_PASSED) return out;
      if (!this.#replace(spans[this.#nextSpan + 1] as number, stop, out)) return out;
      this.#nextSpan += 2;
    }
    if (spans.length > 0) this.#spans = NO_SPANS;
    this.#nextSpan = 0;
    this.#pass(this.#decided, stop, out);
    return out;
  }

  /** Units of text that are held back. */
  get heldUnits(): number {
    return this.#end - this.#at;
  }

  /** Whether a rule before has put something in the place of what is held back. */
  get holdsEdit(): boolean {
    return this.#held.some(({ edited }, place) => edited && place >= this.#head);
  }

  /** The text that is held back. */
  get held(): string {
    return textOf(this.#held.slice(this.#head));
  }

  /** What is what it seems can be cut anywhere, and so be put together as well. */
  #hold(run: Run): void {
    const held = this.#held;
    if (held.length - this.#head >= MANY_RUNS && !run.edited && run.raw === run.text) {
      const last = held[held.length - 1] as Run;
      if (!last.edited && last.raw === last.text) {
        const text = last.text + run.text;
        held[held.length - 1] = { text, raw: text, edited: false };
        return;
      }
    }
    held.push(run);
  }

  /** Passes on what stands before the place `target`, or less: nothing behind `stop`, and not too many runs. */
  #pass(target: number, stop: number, out: Run[]): void {
    const held = this.#held;
    const to = Math.min(target, stop);
    for (; this.#head < held.length && out.length < MOST_PASSED; this.#head++) {
      const run = held[this.#head] as Run;
      if (this.#at + run.text.length > to) {
        const size = to < target ? wholeUnits(run.text, to - this.#at) : to - this.#at;
        if (size > 0) {
          const [before, after] = cut(run, size);
          this.#at += size;
          out.push(before);
          held[this.#head] = after;
        }
        break;
      }
      this.#at += run.text.length;
      out.push(run);
    }
    this.#drop();
  }

  /** Puts the rule's replacement in the place of what stands before the place `to`; false when that goes beyond `stop`. */
  #replace(to: number, stop: number, out: Run[]): boolean {
    const { replace } = this.rule;
    const held = this.#held;
    while (this.#at < to && this.#at < stop) {
      // A match is held until it is replaced.
      let run = held[this.#head] as Run;
      if (this.#at + run.text.length > to) {
        const [before, after] = cut(run, to - this.#at);
        held[this.#head] = after;
        run = before;
      } else {
        this.#head++;
      }
      if (typeof replace !== 'string') this.#text += run.text;
      this.#raw += run.raw;
      this.#at += run.text.length;
    }
    this.#drop();
    if (this.#at < to) return false;
    out.push({ text: typeof replace === 'string' ? replace : replace(this.#text), raw: this.#raw, edited: true });
    this.#text = '';
    this.#raw = '';
    return true;
  }

  /** Runs that are passed on are dropped when they are many: one large cut is cheaper than many small ones. */
  #drop(): void {
    if (this.#head === this.#held.length) {
      if (this.#head === 0) return;
      this.#held = [];
    } else if (this.#head > MANY_RUNS && 2 * this.#head > this.#held.length) {
      this.#held = this.#held.slice(this.#head);
    } else {
      return;
    }
    this.#head = 0;
  }
}

const NO_SPANS: readonly number[] = Object.freeze([]);
const NO_RUNS: readonly Run[] = Object.freeze([]);

/** `size`, or one less when that would part a pair of surrogates. */
function wholeUnits(text: string, size: number): number {
  const c = unitAt(text, size - 1);
  const next = unitAt(text, size);
  return c >= 0xd800 && c < 0xdc00 && next >= 0xdc00 && next < 0xe000 ? size - 1 : size;
}

/** What was put in by a rule stands, as a whole, for what came: the latter goes with its last part. */
function cut({ text, raw, edited }: Run, at: number): [Run, Run] {
  return [
    { text: text.slice(0, at), raw: edited ? '' : raw.slice(0, at), edited },
    { text: text.slice(at), raw: edited ? raw : raw.slice(at), edited },
  ];
}

export function textOf(runs: readonly Run[]): string {
  if (runs.length === 1) return (runs[0] as Run).text;
  let text = '';
  for (const run of runs) text += run.text;
  return text;
}
