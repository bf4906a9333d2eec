import { NO_WORD_BOUNDARY, WORD_BOUNDARY } from './regex-conditions.ts';
import { ALT, EMPTY, MATCH, type Program, RUNE } from './regex-program.ts';

/**
 * What every match of an expression holds: an automaton whose nodes each take one character. It may hold too much, never too
 * little: conditions on the ends of lines and of the text are left out.
 */
export interface Core {
  readonly nodes: readonly CoreNode[];
  readonly heads: readonly CoreEdge[];
  /** Whether it is the whole expression, and not a part that every match has. */
  readonly isWhole: boolean;
  /** Characters that it takes at most; infinite when it has circles. */
  readonly longest: number;
  /** How often its first character is seen, for each character of ordinary text. */
  readonly begins: number;
}

export interface CoreNode {
  /** For each ASCII character, 1 when the node takes it. */
  readonly ascii: Uint8Array;
  /** Whether it takes a character (code point) outside of ASCII; undefined when it takes none. */
  readonly beyond: ((rune: number) => boolean) | undefined;
  readonly next: readonly CoreEdge[];
}

export interface CoreEdge {
  /** The node that takes the next character, or COMPLETE. */
  readonly to: number;
  /** WORD_BOUNDARY or NO_WORD_BOUNDARY where the edge passes only such a place, else 0. */
  readonly when: number;
}

/** Nothing more is needed. */
export const COMPLETE = -1;

/** Characters of a part at most: the number of states to be told apart grows with it. */
const LONGEST_PART = 8;
/** Characters of a whole expression that is no more trouble than a part. */
export const LONGEST_CORE = 32;
/** How often a part may be seen, for each character of a text, were each character by chance; rarer is of no more use. */
const RARE = 1e-8;
/** Where parts are more frequent, a short expression is looked for as a whole. */
const FREQUENT = 1e-5;
/** Where they are more frequent than this, parts say nothing. */
const USELESS = 2e-3;
/** Larger ones are not worth their states. */
const MOST_NODES = 4096;
/** Beyond that many characters in an expression, only what its matches begin with is looked at. */
const MOST_RUNES = 200;

/** The most telling core of an expression; undefined when it has none of a reasonable size. */
export function coreOf(program: Program): Core | undefined {
  const graph = new Graph(program);
  let best: Candidate | undefined;
  for (const heads of graph.cuts()) {
    const candidate = graph.estimate(heads);
    if (best === undefined || candidate.chance < best.chance) best = candidate;
  }
  if (best === undefined) return undefined;
  const part = best.chance > USELESS ? undefined : graph.part(best);
  if (part !== undefined && best.chance <= FREQUENT) return part;
  const whole = graph.whole();
  return part === undefined || (whole !== undefined && whole.longest <= LONGEST_CORE) ? whole : part;
}

interface Candidate {
  readonly heads: readonly Step[];
  readonly length: number;
  /** Of being seen at a place in ordinary text. */
  readonly chance: number;
}

/** A RUNE, or COMPLETE, and the condition on the way to it. */
type Step = CoreEdge;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** The RUNEs of a program and which can come after which. */
class Graph {
  readonly #program: Program;
  readonly #steps = new Map<number, readonly Step[]>();

  constructor(program: Program) {
    this.#program = program;
  }

  /** Sets of RUNEs such that every match that is not empty passes through one of the set. */
  cuts(): Step[][] {
    const first = this.#first();
    if (first.length === 0) return [];
    const runes = first.map(({ to }) => to);
    const needed =
      this.#program.runes > MOST_RUNES ? [] : this.#all(runes).filter((rune) => this.#isNeeded(rune, runes));
    return [first, ...needed.map((to) => [{ to, when: 0 }])];
  }

  /** How long a part that begins with `heads` should be, and how rare it is then. */
  estimate(heads: readonly Step[]): Candidate {
    let best: Candidate = { heads, length: 1, chance: Number.POSITIVE_INFINITY };
    let open = new Map(heads.map(({ to }) => [to, 1]));
    let ended = 0;
    for (let length = 1; length <= LONGEST_PART && open.size > 0 && best.chance > RARE; length++) {
      let chance = ended;
      const next = new Map<number, number>();
      for (const [rune, weight] of open) {
        const share = weight * this.#chanceOf(rune, length > 1);
        chance += share;
        const after = new Set(this.#after(rune).map(({ to }) => to));
        if (after.delete(COMPLETE)) ended += share;
        for (const to of after) next.set(to, (next.get(to) ?? 0) + share);
      }
      if (chance < best.chance) best = { heads, length, chance };
      open = next;
    }
    return best;
  }

  /** Undefined when it is too large. */
  part({ heads, length }: Candidate): Core | undefined {
    const nodes: Mutable<CoreNode>[] = [];
    const placesFor = (level: Map<number, number>, steps: readonly Step[]): CoreEdge[] =>
      steps.map(({ to, when }) => {
        const place = to === COMPLETE ? COMPLETE : (level.get(to) ?? this.#add(nodes, to));
        if (place !== COMPLETE) level.set(to, place);
        return { to: place, when };
      });
    let level = new Map<number, number>();
    const first = placesFor(level, heads);
    for (let depth = 1; depth <= length; depth++) {
      const below = new Map<number, number>();
      for (const [rune, place] of level) {
        // The place is that of a node.
        (nodes[place] as Mutable<CoreNode>).next =
          depth === length ? [{ to: COMPLETE, when: 0 }] : placesFor(below, this.#after(rune));
        if (nodes.length > MOST_NODES) return undefined;
      }
      level = below;
    }
    return { nodes, heads: first, isWhole: false, longest: length, begins: this.#chanceOfAny(heads) };
  }

  /** The expression itself. Undefined when it is too large, or only matches what is empty. */
  whole(): Core | undefined {
    const heads = this.#first();
    if (heads.length === 0) return undefined;
    const runes = this.#all(heads.map(({ to }) => to));
    if (runes.length > MOST_NODES) return undefined;
    const places = new Map(runes.map((rune, place) => [rune, place]));
    const edges = (steps: readonly Step[]): CoreEdge[] =>
      steps.map(({ to, when }) => ({ to: places.get(to) ?? COMPLETE, when }));
    const nodes: Mutable<CoreNode>[] = [];
    for (const rune of runes) {
      // A node was added.
      (nodes[this.#add(nodes, rune)] as Mutable<CoreNode>).next = edges(this.#after(rune));
    }
    return { nodes, heads: edges(heads), isWhole: true, longest: longestPath(nodes), begins: this.#chanceOfAny(heads) };
  }

  #add(nodes: Mutable<CoreNode>[], rune: number): number {
    const set = this.#program.set[rune] as number;
    const { ascii, beyond, takes } = this.#program;
    return (
      nodes.push({
        ascii: ascii.subarray(set, set + 128),
        beyond: beyond[rune] === 0 ? undefined : beyond[rune] === 2 ? () => true : (other) => takes(rune, other),
        next: [],
      }) - 1
    );
  }

  /** Whether no match that is not empty gets by without `rune`. */
  #isNeeded(rune: number, first: readonly number[]): boolean {
    const seen = new Set([rune]);
    const open = [...first];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (at === COMPLETE) return false;
      if (seen.has(at)) continue;
      seen.add(at);
      for (const { to } of this.#after(at)) open.push(to);
    }
    return true;
  }

  #all(first: readonly number[]): number[] {
    const seen = new Set<number>();
    const open = [...first];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (at === COMPLETE || seen.has(at)) continue;
      seen.add(at);
      for (const { to } of this.#after(at)) open.push(to);
    }
    return [...seen];
  }

  #first(): Step[] {
    return this.#reach(this.#program.start).filter(({ to }) => to !== COMPLETE);
  }

  #after(rune: number): readonly Step[] {
    const known = this.#steps.get(rune) ?? this.#reach(this.#program.out[rune] as number);
    this.#steps.set(rune, known);
    return known;
  }

  /** What is reached without taking a character. */
  #reach(from: number): Step[] {
    const { op, out, arg } = this.#program;
    const seen = new Set<number>();
    const steps: Step[] = [];
    const open: Step[] = [{ to: from, when: 0 }];
    for (let step = open.pop(); step !== undefined; step = open.pop()) {
      const { to: pc, when } = step;
      const key = pc * 64 + when;
      if (seen.has(key) || seen.has(pc * 64) || when === (WORD_BOUNDARY | NO_WORD_BOUNDARY)) continue;
      seen.add(key);
      // Instructions lead to instructions.
      if (op[pc] === RUNE) steps.push(step);
      else if (op[pc] === MATCH) steps.push({ to: COMPLETE, when });
      else if (op[pc] === ALT) open.push({ to: arg[pc] as number, when }, { to: out[pc] as number, when });
      else if (op[pc] === EMPTY) {
        const condition = (arg[pc] as number) & (WORD_BOUNDARY | NO_WORD_BOUNDARY);
        open.push({ to: out[pc] as number, when: when | condition });
      }
    }
    return steps;
  }

  #chanceOfAny(steps: readonly Step[]): number {
    return steps.reduce((sum, { to }) => sum + this.#chanceOf(to, false), 0);
  }

  #chanceOf(rune: number, continues: boolean): number {
    const set = this.#program.set[rune] as number;
    let chance = this.#program.beyond[rune] === 0 ? 0 : BEYOND;
    let size = 0;
    for (let c = 0; c < 128; c++) {
      if (this.#program.ascii[set + c] === 0) continue;
      chance += frequency(c);
      size++;
    }
    // Characters of a kind come in runs.
    return continues && size >= MANY ? Math.max(chance, 0.5) : chance;
  }
}

/** Nodes on the longest way through; infinite when there are circles. */
function longestPath(nodes: readonly CoreNode[]): number {
  const lengths = new Float64Array(nodes.length);
  const entered = new Uint8Array(nodes.length);
  const stack = nodes.map((_, place) => place);
  while (stack.length > 0) {
    const place = stack.at(-1) as number;
    const next = (nodes[place] as CoreNode).next.map(({ to }) => to).filter((to) => to !== COMPLETE);
    if (lengths[place] !== 0) {
      stack.pop();
    } else if (entered[place] === 0) {
      entered[place] = 1;
      for (const to of next) {
        // Entered and not left: it leads to itself.
        if (entered[to] === 1 && lengths[to] === 0) return Number.POSITIVE_INFINITY;
        if (lengths[to] === 0) stack.push(to);
      }
    } else {
      stack.pop();
      lengths[place] = 1 + next.reduce((most, to) => Math.max(most, lengths[to] as number), 0);
    }
  }
  return lengths.reduce((most, length) => Math.max(most, length), 0);
}

/** A set of that many characters is taken for a kind of them, such as digits. */
const MANY = 5;
/** Of all characters outside of ASCII together; which of them is not looked at. */
const BEYOND = 0.005;

/** Letters in English text, roughly, from the most frequent on. */
const LETTERS = ['e', 'taoin', 'srhl', 'dcumf', 'pgwyb', 'vkxjqz'];
const SHARES = [0.09, 0.055, 0.045, 0.02, 0.013, 0.004];

/** How often an ASCII character comes in text and JSON, roughly. */
function frequency(c: number): number {
  const character = String.fromCharCode(c);
  const rank = LETTERS.findIndex((letters) => letters.includes(character.toLowerCase()));
  if (rank >= 0) return (SHARES[rank] as number) * (character >= 'a' ? 1 : 0.08);
  if (character === ' ') return 0.14;
  if (character >= '0' && character <= '9') return 0.01;
  if (character === '"') return 0.04;
  return c < 32 ? 0.003 : 0.01;
}
