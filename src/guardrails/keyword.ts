import { type Find, type FindIn, NO_SPANS } from './rule.ts';

/**
 * One folding for words and texts, code unit by code unit so that places stay the same: to upper case and back, which also
 * joins the two sigmas and the long s. Letters whose other case has another length are left as they are.
 */
function foldUnit(unit: number): number {
  const upper = String.fromCharCode(unit).toUpperCase();
  const lower = (upper.length === 1 ? upper : String.fromCharCode(unit)).toLowerCase();
  return lower.length === 1 ? lower.charCodeAt(0) : unit;
}

/** Made once, on first use: 65,536 foldings. */
let foldings: Uint16Array | undefined;

function fold(): Uint16Array {
  return (foldings ??= Uint16Array.from({ length: 65_536 }, (_, unit) => foldUnit(unit)));
}

/** The words of a keyword rule: separated by commas, trimmed, empty ones dropped. */
export function parseKeywords(pattern: string): string[] {
  return pattern
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}

/**
 * Finds every occurrence of any of many words, in words too, without regard to case, in one pass over the text (Aho and
 * Corasick, 1975). Occurrences that overlap are one match, so that no part of a word is left over.
 */
export class Keywords {
  /** Class of each code unit, folding included; 0: in no word. */
  readonly #classOf: Uint16Array;
  readonly #classes: number;
  /** Transitions, an open hash table: key is state × classes + class, -1 where free. */
  #keys: Float64Array;
  #targets: Int32Array;
  /** Transitions out of the root, where clean text stays. */
  readonly #root: Int32Array;
  readonly #fail: Int32Array;
  /** Length of the longest word that ends in a state; 0: none. */
  readonly #wordLength: Int32Array;
  readonly #longest: number;

  constructor(words: readonly string[]) {
    const folding = fold();
    this.#longest = words.reduce((longest, word) => Math.max(longest, word.length), 0);
    const units = new Map<number, number>();
    let length = 0;
    for (const word of words) {
      length += word.length;
      for (let i = 0; i < word.length; i++) {
        // folding has a value for every code unit.
        const unit = folding[word.charCodeAt(i)] as number;
        if (!units.has(unit)) units.set(unit, units.size + 1);
      }
    }
    this.#classes = units.size + 1;
    this.#classOf = folding.map((unit) => units.get(unit) ?? 0);
    const slots = 2 ** Math.ceil(Math.log2(2 * length + 2));
    this.#keys = new Float64Array(slots).fill(-1);
    this.#targets = new Int32Array(slots);
    const states = this.#addWords(words, length + 1);
    this.#wordLength = states.wordLength;
    this.#fail = new Int32Array(states.count);
    this.#root = Int32Array.from({ length: this.#classes }, (_, cls) => Math.max(0, this.#child(0, cls)));
    this.#linkFailures(states);
  }

  /** Whether any word occurs. */
  test(text: string): boolean {
    let state = 0;
    for (let i = 0; i < text.length; i++) {
      state = this.#step(state, text.charCodeAt(i));
      if (state !== 0 && this.#wordLength[state] !== 0) return true;
    }
    return false;
  }

  readonly find: Find = (text) => {
    const spans: number[] = [];
    this.findIn(text, 0, text.length, spans);
    return spans.length > 0 ? spans : NO_SPANS;
  };

  /** By where the words end. What a state knows does not reach further back than the longest word. */
  readonly findIn: FindIn = (text, from, to, spans) => {
    let state = 0;
    for (let i = Math.max(0, from - this.#longest); i < to; i++) {
      state = this.#step(state, text.charCodeAt(i));
      if (state === 0 || i < from) continue;
      const length = this.#wordLength[state] as number;
      if (length > 0) join(spans, i + 1 - length, i + 1);
    }
    return to;
  };

  #step(from: number, unit: number): number {
    const cls = this.#classOf[unit] as number;
    for (let state = from; state !== 0; state = this.#fail[state] as number) {
      const next = this.#child(state, cls);
      if (next >= 0) return next;
    }
    return this.#root[cls] as number;
  }

  #child(state: number, cls: number): number {
    const slot = this.#slot(state * this.#classes + cls);
    return this.#keys[slot] === -1 ? -1 : (this.#targets[slot] as number);
  }

  /** Where `key` is, or where it would go. The table is never more than half full. */
  #slot(key: number): number {
    const mask = this.#keys.length - 1;
    let slot = Math.imul(key ^ (key / 2 ** 21), 0x9e37_79b1) & mask;
    while (this.#keys[slot] !== -1 && this.#keys[slot] !== key) slot = (slot + 1) & mask;
    return slot;
  }

  #addWords(words: readonly string[], capacity: number): States {
    const states: States = {
      count: 1,
      parent: new Int32Array(capacity),
      classIn: new Int32Array(capacity),
      depth: new Int32Array(capacity),
      wordLength: new Int32Array(capacity),
    };
    for (const word of words) {
      let state = 0;
      for (let i = 0; i < word.length; i++) {
        const cls = this.#classOf[word.charCodeAt(i)] as number;
        const key = state * this.#classes + cls;
        const slot = this.#slot(key);
        if (this.#keys[slot] === -1) {
          const made = states.count++;
          this.#keys[slot] = key;
          this.#targets[slot] = made;
          states.parent[made] = state;
          states.classIn[made] = cls;
          states.depth[made] = i + 1;
        }
        state = this.#targets[slot] as number;
      }
      states.wordLength[state] = word.length;
    }
    return states;
  }

  /** For each state the longest proper suffix that is a state as well; shallow ones first, as deeper ones rest on them. */
  #linkFailures({ count, parent, classIn, depth, wordLength }: States): void {
    const order = Int32Array.from({ length: count }, (_, state) => state).sort(
      (a, b) => (depth[a] as number) - (depth[b] as number),
    );
    for (const state of order) {
      const above = parent[state] as number;
      if (state === 0 || above === 0) continue;
      let fail = this.#fail[above] as number;
      while (fail !== 0 && this.#child(fail, classIn[state] as number) < 0) fail = this.#fail[fail] as number;
      const target = Math.max(0, this.#child(fail, classIn[state] as number));
      this.#fail[state] = target;
      if (wordLength[state] === 0) wordLength[state] = wordLength[target] as number;
    }
  }
}

/** The trie before its failure links; arrays are indexed by state. */
interface States {
  count: number;
  readonly parent: Int32Array;
  readonly classIn: Int32Array;
  readonly depth: Int32Array;
  readonly wordLength: Int32Array;
}

/** Adds an occurrence; occurrences come in order of their ends. Those it overlaps become one with it. */
function join(spans: number[], start: number, end: number): void {
  let from = start;
  while (spans.length > 0 && from < (spans[spans.length - 1] as number)) {
    spans.pop();
    from = Math.min(from, spans.pop() as number);
  }
  spans.push(from, end);
}
