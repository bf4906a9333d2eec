import { conditionsAfter, conditionsBetween, isWord, LOOKS_AHEAD } from './regex-conditions.ts';
import { ALT, EMPTY, MATCH, type Program, RUNE } from './regex-program.ts';
import { addMatch, type Search } from './regex-search.ts';
import { Start } from './regex-start.ts';

/** Prefixes are looked for natively in texts from this length on; the call has its price. */
const WORTH_A_CALL = 32;

/**
 * Runs a program over texts, in the manner of Pike: all matches that are under way take each character together, so that
 * time is linear in the text whatever the program.
 *
 * After a match that a preferred one may still replace, the search for the next ones goes on at once instead of coming back
 * later. That is sound, as of two threads at the same instruction only the preferred one counts: they share their future, and
 * when the preferred one comes to a match, all that the other could come to lies within it and is dropped.
 *
 * Holds room for one step at a time; what belongs to a text is in its `Search`.
 */
export class Machine {
  readonly #program: Program;
  readonly #start: Start;
  readonly #hasConditions: boolean;
  readonly #marks: Int32Array;
  #mark = 0;
  readonly #stack: Int32Array;
  #pcs: Int32Array;
  #starts: Float64Array;
  #nextPcs: Int32Array;
  #nextStarts: Float64Array;

  constructor(program: Program) {
    this.#program = program;
    this.#start = new Start(program);
    this.#hasConditions = program.op.includes(EMPTY);
    this.#marks = new Int32Array(program.op.length);
    this.#stack = new Int32Array(program.op.length + 1);
    // Each RUNE can be reached by a thread, and by the one that begins.
    const most = 2 * program.runes;
    this.#pcs = new Int32Array(most);
    this.#starts = new Float64Array(most);
    this.#nextPcs = new Int32Array(most);
    this.#nextStarts = new Float64Array(most);
  }

  /**
   * Takes the characters of `text` from `from` on. Stops after about `effort` instructions, and before a half of a surrogate
   * pair at its end unless the text is `last`. Gives the place in `text` up to which it came.
   */
  run(search: Search, text: string, from: number, last: boolean, effort = Number.POSITIVE_INFINITY): number {
    let at = from;
    if (search.threads === 0) {
      at = this.#skip(text, from, search.at === 0, search.before);
      if (at > from) {
        search.at += at - from;
        search.before = text.charCodeAt(at - 1);
      }
      if (at === text.length) return at;
    }
    const { op, out, arg, set, ascii, beyond, takes } = this.#program;
    const start = this.#start;
    const { first, firstBeyond } = start;
    const hasConditions = this.#hasConditions;
    const marks = this.#marks;
    const stack = this.#stack;
    let mark = this.#nextMark(text.length - from);
    let pcs = this.#pcs;
    let starts = this.#starts;
    let nextPcs = this.#nextPcs;
    let nextStarts = this.#nextStarts;
    let threads = search.threads;
    for (let i = 0; i < threads; i++) {
      // As many as were put there.
      pcs[i] = search.pcs[i] as number;
      starts[i] = search.starts[i] as number;
    }
    const base = search.at - at;
    const length = text.length;
    let left = effort;
    let before = search.before;
    while (at < length && left > 0) {
      if (threads === 0) {
        const skipped = this.#skip(text, at, base + at === 0, before);
        if (skipped > at) {
          left -= (skipped - at) >> 3;
          at = skipped;
          before = text.charCodeAt(at - 1);
          if (at === length) break;
        }
      }
      const c = text.charCodeAt(at);
      let rune = c;
      let width = 1;
      if ((c & 0xfc00) === 0xd800) {
        if (at + 1 < length) {
          const low = text.charCodeAt(at + 1);
          if ((low & 0xfc00) === 0xdc00) {
            rune = 0x1_0000 + ((c & 0x3ff) << 10) + (low & 0x3ff);
            width = 2;
          }
        } else if (!last) {
          break;
        }
      }
      const here = base + at;
      const conditions = hasConditions ? conditionsBetween(before, rune) : 0;
      let next = 0;
      mark++;
      for (let i = 0; i < threads; i++) {
        let pc = pcs[i] as number;
        let depth = 0;
        for (;;) {
          if (marks[pc] !== mark) {
            marks[pc] = mark;
            left--;
            const kind = op[pc];
            if (kind === RUNE) {
              const takesIt =
                rune < 128
                  ? ascii[(set[pc] as number) + rune] === 1
                  : beyond[pc] === 2 || (beyond[pc] === 1 && takes(pc, rune));
              if (takesIt) {
                nextPcs[next] = out[pc] as number;
                nextStarts[next++] = starts[i] as number;
              }
            } else if (kind === ALT) {
              stack[depth++] = arg[pc] as number;
              pc = out[pc] as number;
              continue;
            } else if (kind === EMPTY) {
              if (((arg[pc] as number) & ~conditions) === 0) {
                pc = out[pc] as number;
                continue;
              }
            } else if (kind === MATCH) {
              addMatch(search, starts[i] as number, here);
              // All that is less preferred than a match is dropped.
              threads = 0;
              break;
            }
          }
          if (depth === 0) break;
          pc = stack[--depth] as number;
        }
      }
      if (rune < 128) {
        if (first[rune] === 1) {
          const targets = start.targets(conditions, rune);
          for (let i = 0; i < targets.length; i++) {
            nextPcs[next] = targets[i] as number;
            nextStarts[next++] = here;
          }
          left -= targets.length;
        }
      } else if (firstBeyond) {
        for (const pc of start.leaves(conditions)) {
          if (beyond[pc] === 2 || (beyond[pc] === 1 && takes(pc, rune))) {
            nextPcs[next] = out[pc] as number;
            nextStarts[next++] = here;
          }
          left--;
        }
      }
      threads = next;
      const freePcs = pcs;
      pcs = nextPcs;
      nextPcs = freePcs;
      const freeStarts = starts;
      starts = nextStarts;
      nextStarts = freeStarts;
      left--;
      at += width;
      before = text.charCodeAt(at - 1);
    }
    this.#mark = mark;
    this.#pcs = pcs;
    this.#starts = starts;
    this.#nextPcs = nextPcs;
    this.#nextStarts = nextStarts;
    search.at = base + at;
    search.before = before;
    this.#keep(search, threads);
    return at;
  }

  /**
   * The place before which all matches are final, given that more text may come. Adds a match that ends where the text has
   * come to, if that is sure already.
   */
  decided(search: Search): number {
    return search.threads === 0 ? search.at : this.#settle(search, conditionsAfter(search.before), LOOKS_AHEAD);
  }

  /** The text is over: adds the match that ends there. */
  finish(search: Search): void {
    if (search.threads > 0) this.#settle(search, conditionsBetween(search.before, -1), 0);
  }

  /**
   * Looks what the threads come to without another character: to a match, where `conditions` hold, or to something that has
   * to wait, when `open` conditions are not known yet. Gives where the first thread that waits began, else the present place.
   */
  #settle(search: Search, conditions: number, open: number): number {
    const { op, out, arg } = this.#program;
    const marks = this.#marks;
    const stack = this.#stack;
    const mark = this.#nextMark(1) + 1;
    this.#mark = mark;
    for (let i = 0; i < search.threads; i++) {
      const start = search.starts[i] as number;
      let depth = 0;
      for (let pc = search.pcs[i] as number; ; ) {
        if (marks[pc] !== mark) {
          marks[pc] = mark;
          const kind = op[pc];
          const second = arg[pc] as number;
          if (open !== 0 && (kind === RUNE || (kind === EMPTY && (second & open) !== 0))) return start;
          if (kind === MATCH) {
            addMatch(search, start, search.at);
            search.threads = 0;
            return search.at;
          }
          if (kind === ALT || (kind === EMPTY && (second & ~conditions) === 0)) {
            if (kind === ALT) stack[depth++] = second;
            pc = out[pc] as number;
            continue;
          }
        }
        if (depth === 0) break;
        pc = stack[--depth] as number;
      }
    }
    search.threads = 0;
    return search.at;
  }

  /** Whether a quick look tells that there is no match in a text. */
  isClean(text: string): boolean {
    return this.#skip(text, 0, true, -1) === text.length;
  }

  /** The first place from `from` on where a match can begin, as far as a quick look tells. */
  #skip(text: string, from: number, isTextStart: boolean, beforeFrom: number): number {
    const { first, firstBeyond, prefix, atTextStart, atWordEdge } = this.#start;
    const length = text.length;
    if (atTextStart && !isTextStart) return length;
    let at = from;
    if (prefix.length > 1 && length - at >= WORTH_A_CALL) {
      const found = text.indexOf(prefix, at);
      if (found >= 0) return found;
      at = Math.max(at, length - prefix.length + 1);
    }
    let before = at > from ? text.charCodeAt(at - 1) : beforeFrom;
    for (; at < length; at++) {
      const c = text.charCodeAt(at);
      if (c < 128 ? first[c] === 1 : firstBeyond) {
        if (!atWordEdge || isWord(before) !== isWord(c)) break;
      }
      before = c;
    }
    return at;
  }

  /** Marks stay below what an Int32Array holds. */
  #nextMark(needed: number): number {
    if (this.#mark + needed + 2 >= 0x7fff_ffff) {
      this.#marks.fill(0);
      this.#mark = 0;
    }
    return this.#mark;
  }

  #keep(search: Search, threads: number): void {
    if (search.pcs.length < threads) {
      search.pcs = new Int32Array(2 * threads);
      search.starts = new Float64Array(2 * threads);
    }
    for (let i = 0; i < threads; i++) {
      search.pcs[i] = this.#pcs[i] as number;
      search.starts[i] = this.#starts[i] as number;
    }
    search.threads = threads;
  }
}
