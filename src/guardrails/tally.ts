import type { Hit, Rule } from './rule.ts';

/** Something that knows its JSON path. */
export interface Located {
  path(): string;
}

type Counts = Map<Rule, { count: number; path: string | undefined }>;

/** What a tally held at some time. */
export interface Mark {
  readonly counts: Counts;
  readonly matches: number;
}

/** What was found in one body, or one direction of a stream, so far. Never holds any of the text. */
export class Tally {
  #counts: Counts = new Map();
  #blockedBy: Rule | undefined;
  #matches = 0;

  /** Name of the rule that has blocked; nothing needs to be looked at after that. */
  get blockedBy(): string | undefined {
    return this.#blockedBy?.name;
  }

  /** Matches of all rules. */
  get matches(): number {
    return this.#matches;
  }

  /** In the order of the rules. A rule that blocked makes all other findings moot: nothing was rewritten nor let through. */
  get hits(): readonly Hit[] {
    if (this.#matches === 0) return NO_HITS;
    const rules = this.#blockedBy === undefined ? [...this.#counts.keys()] : [this.#blockedBy];
    return rules.sort((a, b) => a.index - b.index).map((rule) => this.#hit(rule));
  }

  /** All that was found before a rule blocked, in the order of the rules: in a stream it was rewritten, and has gone out. */
  get allHits(): readonly Hit[] {
    return [...this.#counts.keys()].sort((a, b) => a.index - b.index).map((rule) => this.#hit(rule));
  }

  count(found: Rule, matches: number, at: Located | undefined): void {
    const rule = found.base ?? found;
    this.#matches += matches;
    const known = this.#counts.get(rule);
    if (known === undefined) this.#counts.set(rule, { count: matches, path: at?.path() });
    else known.count += matches;
  }

  block(rule: Rule): void {
    this.#blockedBy ??= rule.base ?? rule;
  }

  mark(): Mark {
    return { counts: new Map([...this.#counts].map(([rule, found]) => [rule, { ...found }])), matches: this.#matches };
  }

  /** Forgets what was found since. */
  rewind({ counts, matches }: Mark): void {
    this.#counts = counts;
    this.#matches = matches;
    this.#blockedBy = undefined;
  }

  #hit(rule: Rule): Hit {
    const { count = 0, path } = this.#counts.get(rule) ?? {};
    const hit = { rule: rule.name, action: rule.action, count };
    return path === undefined ? hit : { ...hit, path };
  }
}

const NO_HITS: readonly Hit[] = Object.freeze([]);
