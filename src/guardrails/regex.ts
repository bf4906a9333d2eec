import { RE2JS } from 're2js';
import type { Follower } from './follower.ts';
import { RegexFollower } from './regex-follow.ts';
import { type Program, readProgram } from './regex-program.ts';
import { newSearch } from './regex-search.ts';
import { Machine } from './regex-vm.ts';
import { type Find, NO_SPANS, type Spans } from './rule.ts';
import { STEP, type Steps } from './steps.ts';

/** An operator's expression. */
export interface Expression {
  readonly pattern: string;
  readonly program: Program;
  /** All matches that are not empty, as RE2 finds them one after the other. Linear. */
  readonly find: Find;
  /** The same; a step takes well under a millisecond. */
  readonly findInSteps: (text: string) => Steps<Spans>;
  readonly follow: () => Follower;
  /** Whether the expression matches anywhere, be it only the empty string. Linear. */
  readonly test: (text: string) => boolean;
  /**
   * True when a match in a text is still a match after the text was set between two `"`, or any other characters outside
   * `\w`, in a longer one. False for expressions that look at the ends of the text or of lines.
   */
  readonly survivesJoining: boolean;
}

/** Instructions of a step. */
const EFFORT = 2 ** 16;

/** Compiles RE2 syntax. Throws an Error that says what is wrong. Flags are those in the pattern: `(?i)`, `(?s)`, `(?m)`. */
export function compileExpression(pattern: string): Expression {
  const compiled = RE2JS.compile(pattern);
  const program = readProgram(compiled);
  const machine = new Machine(program);
  return {
    pattern,
    program,
    find: (text) => {
      if (machine.isClean(text)) return NO_SPANS;
      const search = newSearch();
      machine.run(search, text, 0, true);
      machine.finish(search);
      return search.found.length > 0 ? search.found : NO_SPANS;
    },
    findInSteps: (text) => findInSteps(machine, text),
    follow: () => new RegexFollower(machine),
    test: (text) => compiled.test(text),
    survivesJoining: !looksAtEnds(pattern),
  };
}

/** The pattern that matches this text and nothing else. */
export function quoted(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

function* findInSteps(machine: Machine, text: string): Steps<Spans> {
  const search = newSearch();
  for (let at = 0; at < text.length; ) {
    if (at > 0) yield;
    const to = Math.min(at + STEP, text.length);
    at += machine.run(search, text.slice(at, to), 0, to === text.length, EFFORT);
  }
  machine.finish(search);
  return search.found.length > 0 ? search.found : NO_SPANS;
}

/** Whether the pattern may hold `^`, `$`, `\A` or `\z`. Says yes when in doubt. */
function looksAtEnds(pattern: string): boolean {
  for (let i = 0; i < pattern.length; i++) {
    const c = pattern[i];
    if (c === '\\') {
      i++;
      if (/[AzZQ]/.test(pattern[i] ?? '')) return true;
    } else if (c === '$' || (c === '^' && pattern[i - 1] !== '[')) {
      return true;
    } else if (c === '^' && pattern[i - 2] === '\\') {
      // `\[^` is a bracket and the beginning of the text, unless that backslash is itself escaped: no matter.
      return true;
    }
  }
  return false;
}
