/** What happens to a call in which a rule found something. */
export type Action = 'block' | 'redact' | 'warn';

/** A rule as an operator writes it, defaults in place. */
export interface RuleConfig {
  readonly name: string;
  /** `regex`: RE2 syntax. `keyword`: words separated by commas, found without regard to case, inside words too. */
  readonly type: 'regex' | 'keyword';
  readonly pattern: string;
  readonly action: Action;
  /** Stands in place of a match, literally: `$1` is two characters. */
  readonly replace: string;
}

/** What one rule found in one body. Never holds the text. */
export interface Hit {
  readonly rule: string;
  readonly action: Action;
  /** Matches found. For a rule that blocked: those in the string that decided. */
  readonly count: number;
  /** JSON path of the first match (`$.messages[0].content`); keys that are unusual or hold a match show as `*`. */
  readonly path?: string;
}

/**
 * Matches in a text, left to right and never overlapping, as flat pairs: start, end, start, end… in UTF-16 code units.
 * No match is empty.
 */
export type Spans = readonly number[];

export const NO_SPANS: Spans = Object.freeze([]);

/**
 * Finds matches in time linear in the text. `work` is what the whole inspection may still spend on searches that
 * have no linear bound of their own.
 */
export type Find = (text: string, work: Work) => Spans;

/**
 * Finds the matches that begin (for those that grow around a mark: whose mark is) from `from` on and before `to`, adds them
 * to `spans`, which holds those before, and gives the place to go on from. What is around is looked at as far as needed.
 */
export type FindIn = (text: string, from: number, to: number, spans: number[]) => number;

/** Steps left. Taken down by whoever counts them; shared by all texts of one inspection. */
export interface Work {
  left: number;
}

/** A rule ready to run. */
export interface Rule {
  /** Place in the order of the rules. */
  readonly index: number;
  readonly name: string;
  readonly action: Action;
  readonly replace: string;
  readonly find: Find;
  /** The same in steps, where the rule can do that. */
  readonly findIn?: FindIn;
}

export interface RuleFault {
  /** Place in the list that was given, from 0. */
  readonly index: number;
  readonly rule: string;
  readonly problem: string;
}

/** Some rules cannot be used. Thrown when an engine is made, with every fault, never while a call is inspected. */
export class RuleError extends Error {
  override readonly name = 'RuleError';
  readonly faults: readonly RuleFault[];

  constructor(faults: readonly RuleFault[]) {
    super(faults.map(({ rule, problem }) => `guardrail "${rule}": ${problem}`).join('\n'));
    this.faults = faults;
  }
}
