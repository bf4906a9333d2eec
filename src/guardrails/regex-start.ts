import { BEGIN_TEXT, WORD_BOUNDARY } from './regex-conditions.ts';
import { ALT, EMPTY, MATCH, type Program, RUNE } from './regex-program.ts';

/** Characters of a prefix that are of use. */
const LONGEST_PREFIX = 16;
/** All conditions that there are. */
const ALL = 63;

/** Where matches of a program can begin, so that a search need not try at every character. */
export class Start {
  /** For each ASCII character, whether a match can begin with it. */
  readonly first = new Uint8Array(128);
  /** Whether a match can begin with a character outside of ASCII. */
  readonly firstBeyond: boolean;
  /** Whether a match can begin at the beginning of the text only. */
  readonly atTextStart: boolean;
  /** Whether a match can begin at the edge of a word only. */
  readonly atWordEdge: boolean;
  /** With what every match begins; empty when that is not one text. */
  readonly prefix: string;
  readonly #program: Program;
  /** By conditions: what a match can begin with where these hold. */
  readonly #leaves: (Int32Array | undefined)[] = [];
  /** By conditions, then ASCII character: where to go on after it. */
  readonly #targets: (Int32Array | undefined)[][] = [];

  constructor(program: Program) {
    this.#program = program;
    const leaves = closure(program, program.start, ALL, false);
    for (const pc of leaves) {
      // A RUNE has a set.
      const set = program.set[pc] as number;
      for (let c = 0; c < 128; c++) if (program.ascii[set + c] === 1) this.first[c] = 1;
    }
    this.firstBeyond = leaves.some((pc) => program.beyond[pc] !== 0);
    this.atTextStart = closure(program, program.start, ALL & ~BEGIN_TEXT, false).length === 0;
    this.atWordEdge = closure(program, program.start, ALL & ~WORD_BOUNDARY, false).length === 0;
    this.prefix = prefixOf(program);
  }

  /** Where to go on, in order, when a match begins with the ASCII character `c`, in a place where `conditions` hold. */
  targets(conditions: number, c: number): Int32Array {
    const byCharacter = (this.#targets[conditions] ??= []);
    return (byCharacter[c] ??= this.#targetsOf(conditions, c));
  }

  /** What a match can begin with in a place where `conditions` hold, in order. */
  leaves(conditions: number): Int32Array {
    return (this.#leaves[conditions] ??= Int32Array.from(
      closure(this.#program, this.#program.start, conditions, true),
    ));
  }

  #targetsOf(conditions: number, c: number): Int32Array {
    const { set, ascii, out } = this.#program;
    return this.leaves(conditions)
      .filter((pc) => ascii[(set[pc] as number) + c] === 1)
      .map((pc) => out[pc] as number);
  }
}

/**
 * The RUNEs that are reached from `from` without taking a character where `conditions` hold, in order of preference.
 * `preferred`: only those that come before a match.
 */
function closure(program: Program, from: number, conditions: number, preferred: boolean): number[] {
  const { op, out, arg } = program;
  const seen = new Set<number>();
  const leaves: number[] = [];
  const stack = [from];
  for (let pc = stack.pop(); pc !== undefined; pc = stack.pop()) {
    if (seen.has(pc)) continue;
    seen.add(pc);
    // Instructions lead to instructions.
    if (op[pc] === RUNE) leaves.push(pc);
    else if (op[pc] === ALT) stack.push(arg[pc] as number, out[pc] as number);
    else if (op[pc] === EMPTY && ((arg[pc] as number) & ~conditions) === 0) stack.push(out[pc] as number);
    else if (op[pc] === MATCH && preferred) break;
  }
  return leaves;
}

function prefixOf(program: Program): string {
  let prefix = '';
  let pc = program.start;
  while (program.op[pc] === EMPTY) pc = program.out[pc] as number;
  while (prefix.length < LONGEST_PREFIX) {
    const c = program.op[pc] === RUNE ? onlyCharacter(program, pc) : -1;
    if (c < 0) break;
    prefix += String.fromCharCode(c);
    pc = program.out[pc] as number;
  }
  return prefix;
}

/** The ASCII character that a RUNE takes when it takes no other, else -1. */
function onlyCharacter({ set, ascii, beyond }: Program, pc: number): number {
  if (beyond[pc] !== 0) return -1;
  const at = set[pc] as number;
  const c = ascii.indexOf(1, at) - at;
  return c >= 0 && c < 128 && !ascii.subarray(at + c + 1, at + 128).includes(1) ? c : -1;
}
