import type { RE2JS } from 're2js';

/** What an instruction of a program does. */
export const FAIL = 0;
/** Goes on at `out` first, then at `arg`. */
export const ALT = 1;
/** Goes on at `out` where all conditions in `arg` hold. */
export const EMPTY = 2;
/** Takes a character and goes on at `out`. */
export const RUNE = 3;
export const MATCH = 4;

/**
 * A compiled expression: a machine in the manner of Thompson and Pike (Russ Cox, "Regular Expression Matching: the Virtual
 * Machine Approach"). Arrays are indexed by instruction.
 */
export interface Program {
  readonly start: number;
  /** FAIL, ALT, EMPTY, RUNE or MATCH. The conditions of an EMPTY are those of regex-conditions.ts. */
  readonly op: Uint8Array;
  readonly out: Int32Array;
  readonly arg: Int32Array;
  /** For RUNE: 128 × the place of its set in `ascii`. */
  readonly set: Int32Array;
  /** For each distinct set, 128 times whether it holds the ASCII character. */
  readonly ascii: Uint8Array;
  /** For RUNE: whether it takes a character outside of ASCII. 0: none, 1: ask `takes`, 2: all. */
  readonly beyond: Uint8Array;
  /** Whether the RUNE at `pc` takes a character (code point) outside of ASCII. */
  readonly takes: (pc: number, rune: number) => boolean;
  /** How many RUNEs there are. */
  readonly runes: number;
}

const RE2_ALT = 1;
const RE2_ALT_MATCH = 2;
const RE2_CAPTURE = 3;
const RE2_EMPTY_WIDTH = 4;
const RE2_FAIL = 5;
const RE2_MATCH = 6;
const RE2_NOP = 7;
const RE2_RUNE = 8;
const RE2_RUNE1 = 9;
const RE2_RUNE_ANY = 10;
const RE2_RUNE_ANY_NOT_NL = 11;

/** What is read of an instruction of RE2JS. */
interface Instruction {
  readonly op: number;
  readonly out: number;
  readonly arg: number;
  readonly runes: ArrayLike<number>;
  readonly matchRune: (rune: number) => boolean;
}

/**
 * Reads the program that RE2JS makes of an expression, which is the same as Go's. RE2JS does not promise its form, so all of
 * it is checked: throws an Error when it is another one, or uses what only RE2JS has (look-behind).
 */
export function readProgram(compiled: RE2JS): Program {
  const { inst, start } = checkedProgram(compiled);
  const size = inst.length;
  const program = {
    start: 0,
    op: new Uint8Array(size),
    out: new Int32Array(size),
    arg: new Int32Array(size),
    set: new Int32Array(size),
    ascii: new Uint8Array(0),
    beyond: new Uint8Array(size),
    takes: (pc: number, rune: number) => (inst[pc] as Instruction).matchRune(rune),
    runes: 0,
  };
  // Captures are of no interest: instructions that do nothing else are passed over.
  const skip = (from: number): number => {
    let pc = from;
    for (let steps = 0; steps <= size; steps++) {
      const { op, out } = inst[pc] as Instruction;
      if (op !== RE2_NOP && op !== RE2_CAPTURE) return pc;
      pc = out;
    }
    throw new Error(`${UNKNOWN_FORM}: a circle of instructions that do nothing`);
  };
  program.start = skip(start);
  const sets = new Map<string, number>();
  const rows: Uint8Array[] = [];
  for (const [pc, instruction] of inst.entries()) {
    const { op, out, arg } = instruction;
    program.out[pc] = op === RE2_FAIL || op === RE2_MATCH ? 0 : skip(out);
    switch (op) {
      case RE2_ALT:
      case RE2_ALT_MATCH:
        program.op[pc] = ALT;
        program.arg[pc] = skip(arg);
        break;
      case RE2_EMPTY_WIDTH:
        program.op[pc] = EMPTY;
        program.arg[pc] = arg;
        break;
      case RE2_MATCH:
        program.op[pc] = MATCH;
        break;
      case RE2_RUNE:
      case RE2_RUNE1:
      case RE2_RUNE_ANY:
      case RE2_RUNE_ANY_NOT_NL: {
        const row = asciiOf(instruction);
        const key = row.join('');
        const place = sets.get(key) ?? rows.push(row) - 1;
        sets.set(key, place);
        program.op[pc] = RUNE;
        program.set[pc] = 128 * place;
        program.beyond[pc] = beyondOf(instruction);
        program.runes++;
        break;
      }
      default:
        // FAIL, and what is passed over.
        program.op[pc] = FAIL;
    }
  }
  program.ascii = new Uint8Array(128 * rows.length);
  for (const [place, row] of rows.entries()) program.ascii.set(row, 128 * place);
  return program;
}

function asciiOf({ op, matchRune }: Instruction): Uint8Array {
  return Uint8Array.from({ length: 128 }, (_, c) =>
    op === RE2_RUNE_ANY || (op === RE2_RUNE_ANY_NOT_NL && c !== 10) || (isSet(op) && matchRune(c)) ? 1 : 0,
  );
}

function isSet(op: number): boolean {
  return op === RE2_RUNE || op === RE2_RUNE1;
}

/** The only characters outside of ASCII that are letters of ASCII but for their case: Kelvin and the long s. */
const KELVIN = 0x212a;
const LONG_S = 0x17f;

function beyondOf({ op, runes, matchRune }: Instruction): number {
  if (!isSet(op)) return 2;
  // One character, or ranges from and to; a single one may stand for those that differ from it by case.
  const last = runes.length === 0 ? -1 : (runes[runes.length - 1] as number);
  if (runes.length > 1 && (runes[runes.length - 2] as number) <= 128 && last >= 0x10_ffff) return 2;
  return last > 127 || matchRune(KELVIN) || matchRune(LONG_S) ? 1 : 0;
}

const UNKNOWN_FORM = 'the program of re2js has a form that is not known here';

function checkedProgram(compiled: RE2JS): { inst: readonly Instruction[]; start: number } {
  // Declared as `any` there.
  const program: unknown = compiled.re2().prog;
  if (!isObject(program)) throw new Error(`${UNKNOWN_FORM}: none`);
  const { inst, start, numLb } = program;
  if (numLb !== 0) throw new Error('look-behind is not supported');
  if (!Array.isArray(inst)) throw new Error(`${UNKNOWN_FORM}: no instructions`);
  const list: readonly unknown[] = inst;
  const isPlace = (place: unknown): place is number =>
    typeof place === 'number' && Number.isInteger(place) && place >= 0 && place < list.length;
  if (!isPlace(start)) throw new Error(`${UNKNOWN_FORM}: no start`);
  const checked = list.map((entry): Instruction => {
    if (!isObject(entry)) throw new Error(`${UNKNOWN_FORM}: no instruction`);
    const { op, out, arg, runes, matchRune } = entry;
    const isKnown =
      typeof op === 'number' &&
      Number.isInteger(op) &&
      op >= RE2_ALT &&
      op <= RE2_RUNE_ANY_NOT_NL &&
      isPlace(out) &&
      typeof arg === 'number' &&
      ((op !== RE2_ALT && op !== RE2_ALT_MATCH) || isPlace(arg)) &&
      (op !== RE2_EMPTY_WIDTH || (arg > 0 && arg < 64)) &&
      runes instanceof Int32Array &&
      typeof matchRune === 'function';
    if (!isKnown) throw new Error(`${UNKNOWN_FORM}: an instruction`);
    // Bound to the instruction of RE2JS; that it gives a boolean is seen here once and for all.
    const takes = (rune: number): boolean => matchRune.call(entry, rune) === true;
    if (typeof matchRune.call(entry, 0) !== 'boolean') throw new Error(`${UNKNOWN_FORM}: a set of characters`);
    return { op, out, arg, runes, matchRune: takes };
  });
  return { inst: checked, start };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
