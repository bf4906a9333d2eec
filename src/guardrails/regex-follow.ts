import type { Follower } from './follower.ts';
import { newSearch, type Search } from './regex-search.ts';
import type { Machine } from './regex-vm.ts';

/** Matches that were given away may pile up before they are dropped: one large cut is cheaper than many small ones. */
const SLACK = 1024;

/**
 * Follows a text with an expression. What may still become a match is held back, be it without end: `(?s)x.*y` waits for the
 * last `y` from the first `x` on.
 */
export class RegexFollower implements Follower {
  readonly #machine: Machine;
  #search: Search = newSearch();
  /** First half of a surrogate pair. */
  #half = '';

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  push(text: string, spans: number[]): number {
    const next = this.#half === '' ? text : this.#half + text;
    const taken = this.#machine.run(this.#search, next, 0, false);
    this.#half = taken === next.length ? '' : next.slice(taken);
    const decided = this.#machine.decided(this.#search);
    this.#give(decided, spans);
    return decided;
  }

  end(spans: number[]): void {
    this.#machine.run(this.#search, this.#half, 0, true);
    this.#half = '';
    this.#machine.finish(this.#search);
    this.#give(this.#search.at, spans);
  }

  clone(): RegexFollower {
    const copy = new RegexFollower(this.#machine);
    const { pcs, starts, found, ...rest } = this.#search;
    copy.#search = { ...rest, pcs: pcs.slice(), starts: starts.slice(), found: [...found] };
    copy.#half = this.#half;
    return copy;
  }

  #give(decided: number, spans: number[]): void {
    const { found } = this.#search;
    let { given } = this.#search;
    if (found.length === 0) return;
    // Start and end come in pairs.
    for (; given < found.length && (found[given] as number) < decided; given += 2) {
      spans.push(found[given] as number, found[given + 1] as number);
    }
    if (given === found.length || given > SLACK) {
      found.splice(0, given);
      given = 0;
    }
    this.#search.given = given;
  }
}
