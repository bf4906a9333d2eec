import type { Follower } from './follower.ts';
import type { Steps } from './steps.ts';

/** What happens to a call in which a rule found something. */
export type Action = 'block' | 'redact' | 'warn';

/** Where rules are applied: what callers send, what the agent replies, and both directions of its helpers. */
export type Surface = 'request' | 'response' | 'a2a' | 'mcp';

export const SURFACES: readonly Surface[] = ['request', 'response', 'a2a', 'mcp'];

/** What comes in the place of a match: a text, the match with all but its last characters masked, or a keyed hash of it. */
export type Style = 'replace' | 'mask' | 'hash';

export interface RuleOptions {
  readonly action: Action;
  /** Stands in place of a match, literally: `$1` is two characters. */
  readonly replace?: string | undefined;
  /** Default: `replace`. */
  readonly style?: Style | undefined;
  /** Default: everywhere. */
  readonly on?: readonly Surface[] | undefined;
  /** JSON paths to which the rule is limited; each covers what is below it. */
  readonly paths?: readonly string[] | undefined;
  /** JSON paths that the rule leaves alone. */
  readonly skip_paths?: readonly string[] | undefined;
}

/** A rule of the operator's own, defaults in place. */
export interface OwnRule extends RuleOptions {
  readonly name: string;
  /** `regex`: RE2 syntax. `keyword`: words separated by commas, found without regard to case, inside words too. */
  readonly type: 'regex' | 'keyword';
  readonly pattern: string;
}

/** Changes a built-in rule, or switches it on or off. */
export interface BuiltInRule extends Partial<RuleOptions> {
  readonly type: 'builtin';
  readonly name: string;
  readonly enabled: boolean;
}

/** Switches on a group of built-in rules. `keywords` (separated by commas) are added to `content_filter`. */
export interface PresetRule extends Partial<RuleOptions> {
  readonly type: 'preset';
  readonly name: 'pii_detection' | 'secrets' | 'content_filter';
  readonly keywords?: string | undefined;
}

export type RuleConfig = OwnRule | BuiltInRule | PresetRule;

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
  readonly kind: 'builtin' | 'regex' | 'keyword';
  readonly action: Action;
  readonly style: Style;
  /** What comes in the place of a match: always the same, or made of the match. */
  readonly replace: string | ((match: string) => string);
  readonly on: readonly Surface[];
  /** Undefined: everywhere. */
  readonly paths?: readonly string[] | undefined;
  readonly skipPaths?: readonly string[] | undefined;
  readonly find: Find;
  /** The same in steps, where the rule can do that. */
  readonly findIn?: FindIn | undefined;
  /** The same, for rules that go through a text from its beginning. */
  readonly findInSteps?: ((text: string) => Steps<Spans>) | undefined;
  /** Follows a text that comes in pieces. */
  readonly follow: () => Follower;
  /** The rule for values whose JSON key tells what they are. */
  readonly hinted?: { readonly key: RegExp; readonly rule: Rule } | undefined;
  /** Of such a rule: the one that it stands in for. */
  readonly base?: Rule | undefined;
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
