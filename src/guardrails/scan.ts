import { applyEdits, composeEdits, type Edits, NO_EDITS } from './edits.ts';
import type { Engine } from './engine.ts';
import type { Hit, Rule, Work } from './rule.ts';

/** What one inspection has found so far. */
export class Scan {
  readonly #engine: Engine;
  readonly #work: Work;
  readonly #counts = new Map<Rule, { count: number; path: string | undefined }>();
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

  /** The rules that may find something in `text`. */
  candidates(text: string, joined = false): readonly Rule[] {
    return this.#engine.screen(text, joined);
  }

  /**
   * Runs rules over one text and gives the edits that redact it. `candidates` are those that can find something in the text
   * as it is. Rules that redact see what earlier ones left. Rules that block or warn judge the text as it arrived, and when
   * earlier rules changed it, what they left as well; a block comes before everything else.
   */
  text(text: string, candidates: readonly Rule[], path?: () => string): Edits {
    for (const rule of candidates) {
      if (rule.action === 'block' && this.#judge(rule, text, path)) return NO_EDITS;
    }
    let current = text;
    let edits = NO_EDITS;
    let rules = candidates;
    for (let i = 0; i < rules.length; i++) {
      // i is within the rules.
      const rule = rules[i] as Rule;
      if (rule.action === 'redact') {
        const spans = rule.find(current, this.#work);
        if (spans.length === 0) continue;
        this.#count(rule, spans.length / 2, path);
        const found: Edits = Array.from({ length: spans.length / 2 }, (_, k) => ({
          start: spans[2 * k] as number,
          end: spans[2 * k + 1] as number,
          text: rule.replace,
        }));
        edits = composeEdits(edits, found);
        current = applyEdits(current, found);
        // From here on the text is another one, and any later rule may find something in it.
        rules = this.#engine.rules;
        i = rule.index;
      } else if (rule.action === 'warn') {
        if (!this.#judge(rule, text, path) && current !== text) this.#judge(rule, current, path);
      } else if (current !== text && this.#judge(rule, current, path)) {
        return NO_EDITS;
      }
    }
    return edits;
  }

  #judge(rule: Rule, text: string, path: (() => string) | undefined): boolean {
    const matches = rule.find(text, this.#work).length / 2;
    if (matches === 0) return false;
    this.#count(rule, matches, path);
    if (rule.action === 'block') this.#blockedBy = rule;
    return true;
  }

  #count(rule: Rule, matches: number, path: (() => string) | undefined): void {
    this.#matches += matches;
    const known = this.#counts.get(rule);
    if (known === undefined) this.#counts.set(rule, { count: matches, path: path?.() });
    else known.count += matches;
  }
}
