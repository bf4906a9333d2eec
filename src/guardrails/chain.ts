import type { Engine } from './engine.ts';
import type { PieceQueue } from './piece-queue.ts';
import type { Run } from './run.ts';
import { Stage, textOf } from './stage.ts';

/** Told what a stage has found. */
export type Found = (stage: Stage, matches: number) => void;

/**
 * All rules, one behind the other, on one reading of a text that comes in pieces. As on a text at hand: rules that block judge
 * the text as it came, and what the rules before them left; rules that redact see what those left; rules that warn, either.
 */
export class Chain {
  readonly #stages: readonly Stage[];
  #ended = false;
  /** Stages that know that the text is over. */
  #closed = 0;
  /** The last push, or what came of it, is not done. */
  hasMore = false;

  constructor(stages: readonly Stage[]) {
    this.#stages = stages;
  }

  static of({ rules }: Engine): Chain {
    const first = rules.findIndex(({ action }) => action === 'redact');
    const judges = rules.filter(({ action }) => action !== 'redact');
    // Behind no rule that redacts, the text still is as it came.
    const inOrder = rules.filter(({ action }, place) => action === 'redact' || (first >= 0 && place > first));
    return new Chain([...judges, ...inOrder].map((rule, place) => new Stage(rule, place)));
  }

  clone(): Chain {
    return new Chain(this.#stages.map((stage) => stage.clone()));
  }

  get length(): number {
    return this.#stages.length;
  }

  /**
   * Adds what is decided to `out`. A rule that held back much may let it go at once: when `hasMore` is set after it, `more` is
   * to be called until it is not.
   */
  push(runs: readonly Run[], ended: boolean, found: Found, out: PieceQueue): void {
    this.#ended ||= ended;
    this.#flow(0, runs, found, out);
  }

  /** Goes on with what the last push has let go. */
  more(found: Found, out: PieceQueue): void {
    // What is further on its way goes first.
    for (let i = this.#stages.length - 1; i >= 0; i--) {
      const stage = this.#stages[i] as Stage;
      if (!stage.hasMore) continue;
      this.#flow(i + 1, stage.more(), found, out);
      return;
    }
    this.hasMore = false;
    if (this.#ended) this.#flow(this.#closed, NO_RUNS, found, out);
  }

  #flow(from: number, runs: readonly Run[], found: Found, out: PieceQueue): void {
    const stages = this.#stages;
    let current = runs;
    let text = '';
    let seen: readonly Run[] | undefined;
    for (let i = from; i < stages.length; i++) {
      const isLast = this.#ended && i === this.#closed && (i === 0 || !(stages[i - 1] as Stage).hasMore);
      if (current.length === 0 && !isLast) return;
      if (current !== seen) {
        // Stages mostly pass on what they are given.
        text = textOf(current);
        seen = current;
      }
      const stage = stages[i] as Stage;
      const passed = stage.push(current, text, isLast, found);
      if (isLast) this.#closed++;
      if (passed === current) continue;
      if (stage.hasMore) this.hasMore = true;
      current = passed;
    }
    for (const { text, raw, edited } of current) {
      if (edited || raw.length > 0) out.add(raw.length, edited ? text : undefined);
    }
  }

  /**
   * Whether little would be given away if what is held back left now: at most four characters of anything, or a word that
   * could only become the beginning of an email address.
   */
  get holdsLittle(): boolean {
    return this.#stages.every((stage) => {
      if (stage.heldUnits > LONGEST_ADDRESS || stage.holdsEdit) return false;
      const { rule, held } = stage;
      if (held.includes('@')) return false;
      if (held.length <= LITTLE) return true;
      return rule.kind === 'builtin' && rule.name === 'email' && countDigits(held) <= LITTLE;
    });
  }
}

const NO_RUNS: readonly Run[] = Object.freeze([]);

const LITTLE = 4;
/** No address that is held back is longer. */
const LONGEST_ADDRESS = 1024;

function countDigits(text: string): number {
  return text.length - text.replace(/\d/g, '').length;
}
