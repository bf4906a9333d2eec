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

/** States whose transitions are in a plain table as well: those near the root, where most text stays. */
const DENSE = 1024;
/** A row of that table, as a power of two: one entry for each unit up to 254, and one for all others. */
const ROW_BITS = 8;
const OTHERS = 255;

/** The words of an automaton (Aho and Corasick, 1975), folded. States are numbers in order of depth; 0 is the root. */
export class Trie {
  /** Length of the longest word. */
  readonly longest: number;
  /** Length of the longest word that ends in a state; 0: none. */
  readonly wordLength: Int32Array;
  /** How many of the units before a state may still become part of a word that has not ended. */
  readonly live: Int32Array;
  /** Class of each code unit, folding included, in pages of 256; 0: in no word. */
  readonly #pages: readonly Uint16Array[];
  readonly #classes: number;
  /** By row and unit: the row of the next state, or -1 when a word ends there or the table does not say. */
  readonly #dense: Int32Array;
  readonly #denseStates: number;
  readonly #children: Children;
  readonly #fail: Int32Array;

  constructor(words: readonly string[]) {
    const classOf = classesOf(words);
    this.longest = words.reduce((longest, word) => Math.max(longest, word.length), 0);
    this.#pages = pagesOf(classOf);
    this.#classes = classOf.reduce((most, cls) => Math.max(most, cls), 0) + 1;
    const nodes = nodesOf(words, classOf, this.#classes);
    this.#children = nodes.children;
    this.wordLength = nodes.wordLength.slice(0, nodes.count);
    this.live = new Int32Array(nodes.count);
    this.#fail = new Int32Array(nodes.count);
    this.#denseStates = Math.min(nodes.count, DENSE);
    this.#dense = new Int32Array(this.#denseStates << ROW_BITS).fill(-1);
    this.#link(nodes);
    this.#fillDense();
  }

  step(from: number, unit: number): number {
    if (from < this.#denseStates && unit < OTHERS) {
      const row = this.#dense[(from << ROW_BITS) + unit] as number;
      if (row >= 0) return row >> ROW_BITS;
    }
    return this.#next(from, this.#classOf(unit));
  }

  /** The state after the units from `from` to `to`, -1 when a word ended there. */
  runToWord(state: number, text: string, from: number, to: number): number {
    const dense = this.#dense;
    let current = state;
    for (let i = from; i < to; ) {
      if (current < this.#denseStates) {
        let row = current << ROW_BITS;
        for (; i < to; i++) {
          const unit = text.charCodeAt(i);
          const next = dense[row + (unit < OTHERS ? unit : OTHERS)] as number;
          if (next < 0) break;
          row = next;
        }
        current = row >> ROW_BITS;
        if (i === to) break;
      }
      current = this.#next(current, this.#classOf(text.charCodeAt(i++)));
      if (this.wordLength[current] !== 0) return -1;
    }
    return current;
  }

  #classOf(unit: number): number {
    // There are 256 pages of 256 units.
    return (this.#pages[unit >> 8] as Uint16Array)[unit & 255] as number;
  }

  #next(from: number, cls: number): number {
    if (cls === 0) return 0;
    for (let state = from; ; state = this.#fail[state] as number) {
      const next = this.#children.get(state * this.#classes + cls);
      if (next >= 0) return next;
      if (state === 0) return 0;
    }
  }

  /** For each state the longest proper suffix that is a state as well; shallow ones first, as deeper ones rest on them. */
  #link({ count, parent, classIn, depth, isParent }: Nodes): void {
    for (let state = 0; state < count; state++) {
      const above = parent[state] as number;
      const fail = above === 0 ? 0 : this.#next(this.#fail[above] as number, classIn[state] as number);
      this.#fail[state] = fail;
      if (this.wordLength[state] === 0) this.wordLength[state] = this.wordLength[fail] as number;
      this.live[state] = (isParent[state] === 1 ? depth[state] : this.live[fail]) as number;
    }
  }

  #fillDense(): void {
    for (let state = 0; state < this.#denseStates; state++) {
      for (let unit = 0; unit < OTHERS; unit++) {
        const next = this.#next(state, this.#classOf(unit));
        if (next < this.#denseStates && this.wordLength[next] === 0) {
          this.#dense[(state << ROW_BITS) + unit] = next << ROW_BITS;
        }
      }
    }
  }
}

/** By code unit; units that differ by case only are of one class. */
function classesOf(words: readonly string[]): Uint16Array {
  const folding = (foldings ??= Uint16Array.from({ length: 65_536 }, (_, unit) => foldUnit(unit)));
  const classes = new Map<number, number>();
  for (const word of words) {
    for (let i = 0; i < word.length; i++) {
      // There is a folding for every code unit.
      const unit = folding[word.charCodeAt(i)] as number;
      if (!classes.has(unit)) classes.set(unit, classes.size + 1);
    }
  }
  return folding.map((unit) => classes.get(unit) ?? 0);
}

const NO_CLASSES = new Uint16Array(256);

function pagesOf(classOf: Uint16Array): Uint16Array[] {
  return Array.from({ length: 256 }, (_, page) => {
    const units = classOf.slice(256 * page, 256 * page + 256);
    return units.some((cls) => cls !== 0) ? units : NO_CLASSES;
  });
}

/** Arrays are indexed by state. */
interface Nodes {
  readonly count: number;
  readonly parent: Int32Array;
  readonly classIn: Int32Array;
  readonly depth: Int32Array;
  readonly wordLength: Int32Array;
  readonly isParent: Uint8Array;
  readonly children: Children;
}

/** Adds the words level by level, so that states are in order of depth. */
function nodesOf(words: readonly string[], classOf: Uint16Array, classes: number): Nodes {
  const capacity = 1 + words.reduce((sum, word) => sum + word.length, 0);
  const parent = new Int32Array(capacity);
  const classIn = new Int32Array(capacity);
  const depths = new Int32Array(capacity);
  const wordLength = new Int32Array(capacity);
  const isParent = new Uint8Array(capacity);
  const children = new Children(capacity);
  let count = 1;
  let open = words.filter((word) => word !== '').map((word) => ({ word, state: 0 }));
  for (let depth = 1; open.length > 0; depth++) {
    for (const entry of open) {
      const cls = classOf[entry.word.charCodeAt(depth - 1)] as number;
      const key = entry.state * classes + cls;
      let state = children.get(key);
      if (state < 0) {
        state = count++;
        children.set(key, state);
        parent[state] = entry.state;
        classIn[state] = cls;
        depths[state] = depth;
        isParent[entry.state] = 1;
      }
      entry.state = state;
      if (entry.word.length === depth) wordLength[state] = depth;
    }
    open = open.filter(({ word }) => word.length > depth);
  }
  return { count, parent, classIn, depth: depths, wordLength, isParent, children };
}

/** A hash table of numbers, never more than half full. Keys are state × classes + class, beyond 32 bits at times. */
class Children {
  readonly #keys: Float64Array;
  readonly #states: Int32Array;

  constructor(capacity: number) {
    const slots = 2 ** Math.ceil(Math.log2(2 * capacity));
    this.#keys = new Float64Array(slots).fill(-1);
    this.#states = new Int32Array(slots).fill(-1);
  }

  /** -1 when there is none. */
  get(key: number): number {
    return this.#states[this.#slot(key)] as number;
  }

  set(key: number, state: number): void {
    const slot = this.#slot(key);
    this.#keys[slot] = key;
    this.#states[slot] = state;
  }

  /** Where `key` is, or where it would go. */
  #slot(key: number): number {
    const mask = this.#keys.length - 1;
    let slot = Math.imul(key ^ (key / 2 ** 21), 0x9e37_79b1) & mask;
    while (this.#keys[slot] !== -1 && this.#keys[slot] !== key) slot = (slot + 1) & mask;
    return slot;
  }
}
