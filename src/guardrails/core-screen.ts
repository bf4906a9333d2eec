import { isWord, WORD_BOUNDARY } from './regex-conditions.ts';
import { COMPLETE, type Core, type CoreEdge, type CoreNode } from './required.ts';

/** Kinds of characters: those of ASCII, each by itself, and then these. */
const NOT_ASCII = 128;
/** End of the text: nothing takes it, and it is no part of a word. */
const END = 129;
/** Any character outside of ASCII that may be taken wherever one can be. */
const ANY_OTHER = 130;
/** From here on: characters outside of ASCII, those together that the same nodes take. */
const OTHERS = 131;
const KINDS = 147;

/** Characters outside of ASCII whose kinds are kept. */
const MOST_KNOWN = 10_000;

/** States that are kept; beyond, they are made anew. */
const MOST_STATES = 4096;
/** Transitions that may be made for one text, and more with its length; beyond, the text is too odd to be worth it. */
const MOST_MADE = 1024;
const MADE_PER_UNIT = 1 / 32;
/** A transition that follows this many edges more takes as long as two. */
const EDGES_OF_ONE = 32;

/** What an entry of the table says, when it is not the row of the next state. */
const UNKNOWN = -1;
/** Less than that: the row of a state with findings is `FINDS - entry`. */
const FINDS = -2;

/** How a node waits: for any character, for one of a word, or for one of none. */
const ANY = 0;
const WORD = 1;
const NO_WORD = 2;
const WAYS = 3;

interface State {
  /** WAYS × the node that may take the next character, plus how; in order. Those that begin anywhere are not among them. */
  readonly waits: readonly number[];
  /** Cores that are complete with this state. */
  readonly found: readonly number[];
  /** Whether the unit before is part of a word. */
  readonly inWord: boolean;
}

/**
 * Looks for many cores in one pass: a finite automaton whose states and transitions are made when a text first needs them, and
 * kept for the next ones.
 */
export class CoreScreen {
  readonly #nodes: CoreNode[] = [];
  /** By node: the core whose end it is, with its condition met, -1 for others. */
  readonly #completes: number[] = [];
  readonly #heads: CoreEdge[] = [];
  /** Whether it matters for what begins if the unit before is part of a word. */
  readonly #minds: boolean;
  /** Nodes that take some characters outside of ASCII. */
  readonly #beyond: readonly number[];
  /** By kind of character from OTHERS on: which nodes take it. */
  readonly #takers: ReadonlySet<number>[] = [];
  readonly #kinds = new Map<number, number>();
  /** By kind of character, twice: outside of words and in them. */
  readonly #fromHeads: (State | undefined)[] = [];
  #states: State[] = [];
  #rows = new Map<string, number>();
  /** Edges that were followed. */
  #followed = 0;
  /** By state and kind. */
  #table = new Int32Array(16 * KINDS);

  constructor(cores: readonly Core[]) {
    for (const [index, core] of cores.entries()) {
      const base = this.#nodes.length;
      const end = base + core.nodes.length;
      const moved = ({ to, when }: CoreEdge): CoreEdge => ({ to: to === COMPLETE ? end : base + to, when });
      this.#heads.push(...core.heads.map(moved));
      for (const node of core.nodes) {
        this.#nodes.push({ ...node, next: node.next.map(moved) });
        this.#completes.push(-1);
      }
      this.#nodes.push(NOTHING);
      this.#completes.push(index);
    }
    this.#minds = this.#heads.some(({ when }) => when !== 0);
    this.#beyond = this.#nodes.flatMap(({ beyond }, place) => (beyond === undefined ? [] : [place]));
    this.#clear();
  }

  /**
   * Which cores the text has between two places, by their index: 1 in `found`. False when it gave up: then any may be there.
   * A core across one of the places, other than the ends of the text, is not seen for sure.
   */
  look(text: string, from: number, to: number, found: Uint8Array): boolean {
    let left = MOST_MADE + (to - from) * MADE_PER_UNIT;
    let table = this.#table;
    let row = this.#minds && from > 0 && isWord(text.charCodeAt(from - 1)) ? this.#rowOf(IN_WORD) : 0;
    const end = to === text.length ? to + 1 : to;
    for (let i = from; i < end; i++) {
      for (; i < to; i++) {
        const c = text.charCodeAt(i);
        const next = table[row + (c < NOT_ASCII ? c : NOT_ASCII)] as number;
        if (next < 0) break;
        row = next;
      }
      if (i >= end) break;
      // What the table has no next state for.
      let kind = END;
      if (i < to) {
        const rune = text.codePointAt(i) as number;
        if (rune > 0xffff) i++;
        kind = rune < NOT_ASCII ? rune : this.#kindOf(rune);
      }
      let entry = table[row + kind] as number;
      if (entry === UNKNOWN) {
        if (left <= 0) return false;
        this.#followed = 0;
        entry = this.#make(row, kind);
        left -= 1 + this.#followed / EDGES_OF_ONE;
        table = this.#table;
      }
      row = entry <= FINDS ? FINDS - entry : entry;
      if (entry <= FINDS) for (const index of (this.#states[row / KINDS] as State).found) found[index] = 1;
    }
    return true;
  }

  #kindOf(rune: number): number {
    const known = this.#kinds.get(rune);
    if (known !== undefined) return known;
    const takers = this.#beyond.filter((place) => this.#nodes[place]?.beyond?.(rune));
    const isSame = (other: ReadonlySet<number>): boolean =>
      other.size === takers.length && takers.every((place) => other.has(place));
    let place = this.#takers.findIndex(isSame);
    if (place < 0 && OTHERS + this.#takers.length < KINDS) place = this.#takers.push(new Set(takers)) - 1;
    const kind = place < 0 ? ANY_OTHER : OTHERS + place;
    if (this.#kinds.size >= MOST_KNOWN) this.#kinds.clear();
    this.#kinds.set(rune, kind);
    return kind;
  }

  #takes(place: number, kind: number): boolean {
    const node = this.#nodes[place] as CoreNode;
    if (kind < NOT_ASCII) return node.ascii[kind] === 1;
    if (kind === ANY_OTHER) return node.beyond !== undefined;
    return kind !== END && (this.#takers[kind - OTHERS] as ReadonlySet<number>).has(place);
  }

  /** Where the heads lead, that is, what begins with a character. */
  #begin(kind: number, inWord: boolean): State {
    const key = 2 * kind + (inWord ? 1 : 0);
    return (this.#fromHeads[key] ??= this.#move(
      this.#heads.map((edge) => waitAt(edge, inWord)),
      kind,
    ));
  }

  /** The entry of the table for a state and a kind of character that has none yet. */
  #make(row: number, kind: number): number {
    // Rows are those of states.
    const state = this.#states[row / KINDS] as State;
    const moved = this.#move(state.waits, kind);
    const fromHeads = this.#begin(kind, state.inWord);
    const next: State = {
      waits: union(moved.waits, fromHeads.waits),
      found: union(moved.found, fromHeads.found),
      inWord: moved.inWord && this.#minds,
    };
    let from = row;
    if (this.#states.length >= MOST_STATES) {
      this.#clear();
      from = this.#rowOf({ ...state, found: [] });
    }
    const to = this.#rowOf(next);
    const entry = next.found.length > 0 ? FINDS - to : to;
    this.#table[from + kind] = entry;
    return entry;
  }

  #move(waits: readonly number[], kind: number): State {
    const inWord = isWord(kind);
    const next: number[] = [];
    const found: number[] = [];
    this.#followed += waits.length;
    for (const wait of waits) {
      const place = Math.floor(wait / WAYS);
      const way = wait % WAYS;
      const completes = this.#completes[place] as number;
      if (way !== ANY && (way === WORD) !== inWord) continue;
      if (completes >= 0) {
        found.push(completes);
      } else if (this.#takes(place, kind)) {
        const { next: edges } = this.#nodes[place] as CoreNode;
        this.#followed += edges.length;
        for (const edge of edges) {
          const to = waitAt(edge, inWord);
          const completed = this.#completes[edge.to] as number;
          if (completed >= 0 && to % WAYS === ANY) found.push(completed);
          else next.push(to);
        }
      }
    }
    return { waits: union(next, []), found: union(found, []), inWord };
  }

  #rowOf(state: State): number {
    const key = `${state.waits.join()}/${state.found.join()}/${state.inWord}`;
    const known = this.#rows.get(key);
    if (known !== undefined) return known;
    const row = KINDS * (this.#states.push(state) - 1);
    this.#rows.set(key, row);
    if (row + KINDS > this.#table.length) {
      const larger = new Int32Array(2 * this.#table.length);
      larger.set(this.#table);
      this.#table = larger;
    }
    this.#table.fill(UNKNOWN, row, row + KINDS);
    return row;
  }

  #clear(): void {
    this.#states = [];
    this.#rows.clear();
    this.#rowOf(OUTSIDE);
  }
}

/** Stands for the end of a core. */
const NOTHING: CoreNode = { ascii: new Uint8Array(128), beyond: undefined, next: [] };

const OUTSIDE: State = { waits: [], found: [], inWord: false };
const IN_WORD: State = { waits: [], found: [], inWord: true };

/** Where an edge leads after a character. */
function waitAt({ to, when }: CoreEdge, inWord: boolean): number {
  if (when === 0) return WAYS * to + ANY;
  return WAYS * to + ((when === WORD_BOUNDARY) === inWord ? NO_WORD : WORD);
}

/** In order, each once. */
function union(a: readonly number[], b: readonly number[]): number[] {
  return [...new Set([...a, ...b])].sort((x, y) => x - y);
}
