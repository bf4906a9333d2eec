import { applyEdits, composeEdits, type Edits, NO_EDITS } from './edits.ts';
import type { Engine } from './engine.ts';
import type { Hit, Rule, Spans, Work } from './rule.ts';
import { finish, STEP, type Steps } from './steps.ts';

/** Something that knows its JSON path. */
export interface Located {
  path(): string;
}

type Counts = Map<Rule, { count: number; path: string | undefined }>;

/** What a scan had found at some time. */
export interface Mark {
  readonly counts: Counts;
  readonly matches: number;
}

/** What one inspection has found so far. */
export class Scan {
  readonly #engine: Engine;
  readonly #work: Work;
  #counts: Counts = new Map();
  #blockedBy: Rule | undefined;
  #matches = 0;

  /** `size`: length of all texts together; what searches may spend grows with it. */
  constructor(engine: Engine, size: number) {
    this.#engine = engine;
    this.#work = { left: 2 ** 20 + 32 * size };
  }

  /** Name of the rule that has blocked; nothing needs to be scanned after that. */
  get blockedBy(): string | undefined {
    return this.#blockedBy?.name;
  }

  /** In the order of the rules. A rule that blocked makes all other findings moot: nothing was rewritten nor let through. */
  get hits(): readonly Hit[] {
    const rules = this.#blockedBy === undefined ? [...this.#counts.keys()] : [this.#blockedBy];
    return rules
      .sort((a, b) => a.index - b.index)
      .map((rule) => {
        const { count = 0, path } = this.#counts.get(rule) ?? {};
        const hit = { rule: rule.name, action: rule.action, count };
        return path === undefined ? hit : Object.assign(hit, { path });
      });
  }

  /** Matches of all rules. */
  get matches(): number {
    return this.#matches;
  }

  /** Length of the shortest text in which anything may be found. */
  get shortest(): number {
    return this.#engine.shortest;
  }

  /** Whether there are rules besides the built-in ones. */
  get isExtended(): boolean {
    return this.#engine.isExtended;
  }

  /** The rules that may find something in `text`. */
  candidates(text: string, joined = false): readonly Rule[] {
    // The built-in rules go through a long text in steps; the quick look does not.
    if (!this.#isShort(text) && !this.#engine.isExtended) return this.#engine.rules;
    return this.#engine.screen(text, joined);
  }

  mark(): Mark {
    return { counts: new Map([...this.#counts].map(([rule, found]) => [rule, { ...found }])), matches: this.#matches };
  }

  /** Forgets what was found since, all but the work that it took. */
  rewind({ counts, matches }: Mark): void {
    this.#counts = counts;
    this.#matches = matches;
    this.#blockedBy = undefined;
  }

  /** As `textInSteps`, for short texts. */
  text(text: string, candidates: readonly Rule[], at?: Located): Edits {
    if (candidates.length === 0) return NO_EDITS;
    return this.#engine.isExtended ? finish(this.textInSteps(text, candidates, at)) : this.#redact(text, at);
  }

  /** The built-in rules all redact. */
  #redact(text: string, at: Located | undefined): Edits {
    const { rules } = this.#engine;
    let current = text;
    let edits = NO_EDITS;
    for (const rule of rules) {
      const spans = rule.find(current, this.#work);
      if (spans.length === 0) continue;
      this.#count(rule, spans.length / 2, at);
      const found = replaced(spans, rule.replace);
      edits = edits === NO_EDITS ? found : finish(composeEdits(edits, found));
      if (rule.index + 1 < rules.length) current = finish(applyEdits(current, found));
    }
    return edits;
  }

  /**
   * Runs rules over one text and gives the edits that redact it. `candidates` are those that can find something in the text
   * as it is. Rules that redact see what earlier ones left. Rules that block or warn judge the text as it arrived, and when
   * earlier rules changed it, what they left as well; a block comes before everything else.
   */
  *textInSteps(text: string, candidates: readonly Rule[], at?: Located): Steps<Edits> {
    for (const rule of candidates) {
      if (rule.action === 'block' && (yield* this.#judge(rule, text, at))) return NO_EDITS;
    }
    let current = text;
    let edits = NO_EDITS;
    let rules = candidates;
    for (let i = 0; i < rules.length; i++) {
      // i is within the rules.
      const rule = rules[i] as Rule;
      if (rule.action === 'redact') {
        const spans = this.#isShort(current) ? rule.find(current, this.#work) : yield* this.#find(rule, current);
        if (spans.length === 0) continue;
        this.#count(rule, spans.length / 2, at);
        const found = replaced(spans, rule.replace);
        edits = edits === NO_EDITS ? found : yield* composeEdits(edits, found);
        // From here on the text is another one, and any later rule may find something in it.
        rules = this.#engine.rules;
        i = rule.index;
        if (i + 1 < rules.length) current = yield* applyEdits(current, found);
      } else if (rule.action === 'warn') {
        if (!(yield* this.#judge(rule, text, at)) && current !== text) yield* this.#judge(rule, current, at);
      } else if (current !== text && (yield* this.#judge(rule, current, at))) {
        return NO_EDITS;
      }
    }
    return edits;
  }

  #isShort(text: string): boolean {
    return text.length <= STEP;
  }

  *#find({ find, findIn }: Rule, text: string): Steps<Spans> {
    if (this.#isShort(text) || findIn === undefined) return find(text, this.#work);
    const spans: number[] = [];
    for (let from = 0; from < text.length; ) {
      from = findIn(text, from, Math.min(from + STEP, text.length), spans);
      yield;
    }
    return spans;
  }

  *#judge(rule: Rule, text: string, at: Located | undefined): Steps<boolean> {
    const matches = (yield* this.#find(rule, text)).length / 2;
    if (matches === 0) return false;
    this.#count(rule, matches, at);
    if (rule.action === 'block') this.#blockedBy = rule;
    return true;
  }

  #count(rule: Rule, matches: number, at: Located | undefined): void {
    this.#matches += matches;
    const known = this.#counts.get(rule);
    if (known === undefined) this.#counts.set(rule, { count: matches, path: at?.path() });
    else known.count += matches;
  }
}

function replaced(spans: Spans, text: string): Edits {
  return { places: spans, texts: spans.length === 2 ? [text] : Array<string>(spans.length / 2).fill(text) };
}
