import { applyEdits, composeEdits, type Edits, NO_EDITS } from './edits.ts';
import type { Engine } from './engine.ts';
import { hintedRules } from './hints.ts';
import { type Position, rulesAt } from './path-filter.ts';
import type { Rule, Spans, Work } from './rule.ts';
import { finish, STEP, type Steps } from './steps.ts';
import { type Located, Tally } from './tally.ts';
import { uniteEdits } from './unite-edits.ts';
import { mapFromView, mayHide, viewInSteps } from './view.ts';

/** A value of a JSON document. */
export interface Place extends Located {
  position(): Position;
}

/** Units of a step: of each text that the rules are run over, and of each rule that is run over it. */
const TEXT_WORTH = 128;
const RULE_WORTH = 10;
/** Units of a text that is short whatever the rules. */
const LEAST_SHORT = 512;

/** Told what a rule finds in one reading of a text. */
type Found = (rule: Rule, matches: number) => void;

/**
 * Runs the rules over the texts of one body. Each text is read as it stands, and in the view that undoes what may hide a match;
 * what either reading finds counts.
 */
export class Scan {
  readonly #engine: Engine;
  readonly #work: Work;
  /** Outside of JSON. */
  readonly #plainRules: readonly Rule[];

  /** Units of the longest text that the rules are run over in one step: the more rules, the fewer. */
  readonly longestShort: number;
  readonly tally: Tally;

  /** `size`: length of all texts together; what searches may spend grows with it. */
  constructor(engine: Engine, size: number, tally = new Tally()) {
    this.#engine = engine;
    this.#work = { left: 2 ** 20 + 32 * size };
    this.#plainRules = engine.hasPaths ? rulesAt(engine.rules, undefined) : engine.rules;
    this.longestShort = engine.isExtended
      ? Math.max(LEAST_SHORT, Math.floor((2 * STEP) / Math.max(2, engine.weight)))
      : STEP;
    this.tally = tally;
  }

  /** Length of the shortest text in which anything may be found. */
  get shortest(): number {
    return this.#engine.shortest;
  }

  /** Whether there is more than the default rules. */
  get isExtended(): boolean {
    return this.#engine.isExtended;
  }

  /** What running the rules over one short text is worth in units of a step, however short it is. */
  get worth(): number {
    return TEXT_WORTH + RULE_WORTH * this.#engine.weight;
  }

  /**
   * The rules that may find something in a text, in either reading. `joined`: in any of the texts in there, which have characters
   * outside `\w` before and after them. `hides`: whether the view may be another text.
   */
  candidates(text: string, joined: boolean, hides: boolean): readonly Rule[] {
    const literal = this.#engine.screen(text, joined);
    if (!hides || literal.length === this.#engine.rules.length) return literal;
    const seen = this.#engine.screen(finish(viewInSteps(text)).text, joined);
    if (seen.length === 0 || literal.length === 0) return literal.length === 0 ? seen : literal;
    const both = new Set([...literal, ...seen]);
    return both.size === literal.length ? literal : this.#engine.rules.filter((rule) => both.has(rule));
  }

  /** A text that is not in JSON, of any length. */
  *plainInSteps(text: string): Steps<Edits> {
    if (text.length <= this.longestShort) {
      const hides = mayHide(text);
      return this.text(text, this.candidates(text, false, hides), hides);
    }
    return yield* this.longInSteps(text);
  }

  /** A text that is too long to look through it at once. */
  *longInSteps(text: string, at?: Place): Steps<Edits> {
    const rules = this.#rulesAt(at);
    let hides = false;
    for (let from = 0; from < text.length && !hides; from += STEP) {
      hides = mayHide(text.slice(from, from + STEP));
      yield;
    }
    const candidates = yield* this.#candidatesInSteps(text, rules, hides);
    if (candidates.length === 0) return NO_EDITS;
    if (hides) return yield* this.#bothReadings(text, rules, candidates, at);
    return yield* this.#reading(text, rules, candidates, (rule, matches) => this.tally.count(rule, matches, at));
  }

  *#candidatesInSteps(text: string, rules: readonly Rule[], hides: boolean): Steps<readonly Rule[]> {
    const found = new Set(yield* this.#engine.screenInSteps(text));
    if (hides) for (const rule of yield* this.#engine.screenInSteps((yield* viewInSteps(text)).text)) found.add(rule);
    return rules.filter((rule) => isHinted(rule) || found.has(rule));
  }

  /**
   * A short text, of which `candidates` may find something in one reading or the other; as may rules that know by its key what it
   * is, whatever the text alone says.
   */
  text(text: string, candidates: readonly Rule[], hides: boolean, at?: Place): Edits {
    if (candidates.length === 0 && (at === undefined || !this.#engine.hasHints)) return NO_EDITS;
    const rules = this.#rulesAt(at);
    if (candidates.length === 0 && !rules.some(isHinted)) return NO_EDITS;
    const isPlain = !hides || !mayHide(text);
    if (isPlain && !this.#engine.isExtended) return this.#redact(text, rules, at);
    const narrowed = narrow(candidates, this.#engine.rules, rules);
    if (!isPlain) return finish(this.#bothReadings(text, rules, narrowed, at));
    return finish(this.#reading(text, rules, narrowed, (rule, matches) => this.tally.count(rule, matches, at)));
  }

  #rulesAt(at: Place | undefined): readonly Rule[] {
    return at === undefined ? this.#plainRules : rulesFor(this.#engine, at);
  }

  /** The default rules all redact. */
  #redact(text: string, rules: readonly Rule[], at: Located | undefined): Edits {
    let current = text;
    let edits = NO_EDITS;
    for (const [i, rule] of rules.entries()) {
      const spans = rule.find(current, this.#work);
      if (spans.length === 0) continue;
      this.tally.count(rule, spans.length / 2, at);
      const found = replaced(spans, current, rule);
      edits = edits === NO_EDITS ? found : finish(composeEdits(edits, found));
      if (i + 1 < rules.length) current = finish(applyEdits(current, found));
    }
    return edits;
  }

  /** Mostly both find the same: of each rule, what the reading finds that finds more of it counts. */
  *#bothReadings(
    text: string,
    rules: readonly Rule[],
    candidates: readonly Rule[],
    at: Place | undefined,
  ): Steps<Edits> {
    const view = yield* viewInSteps(text);
    const most = new Map<Rule, number>();
    const found = (): Found => {
      const counts = new Map<Rule, number>();
      return (rule, matches) => {
        const count = (counts.get(rule) ?? 0) + matches;
        counts.set(rule, count);
        if (count > (most.get(rule) ?? 0)) most.set(rule, count);
      };
    };
    const literal = yield* this.#reading(text, rules, candidates, found());
    let edits = literal;
    if (view.text !== text && this.tally.blockedBy === undefined) {
      const seen = yield* mapFromView(view, yield* this.#reading(view.text, rules, candidates, found()));
      edits = yield* uniteEdits(seen, literal);
    }
    for (const [rule, count] of most) this.tally.count(rule, count, at);
    return this.tally.blockedBy === undefined ? edits : NO_EDITS;
  }

  /**
   * Runs rules over one text and gives the edits that redact it. `candidates` are those of `rules` that can find something in
   * the text as it is. Rules that redact see what earlier ones left. Rules that block or warn judge the text as it arrived, and
   * when earlier rules changed it, what they left as well; a block comes before everything else.
   */
  *#reading(text: string, rules: readonly Rule[], candidates: readonly Rule[], found: Found): Steps<Edits> {
    for (const rule of candidates) {
      if (rule.action !== 'block') continue;
      if (yield* this.#judge(rule, text, found)) return NO_EDITS;
      if (text.length > this.longestShort) yield;
    }
    let current = text;
    let edits = NO_EDITS;
    let inOrder = candidates;
    for (let i = 0; i < inOrder.length; i++) {
      if (current.length > this.longestShort) yield;
      // i is within the rules.
      const rule = inOrder[i] as Rule;
      if (rule.action === 'redact') {
        const spans = isShort(current) ? rule.find(current, this.#work) : yield* this.#find(rule, current);
        if (spans.length === 0) continue;
        found(rule, spans.length / 2);
        const made = replaced(spans, current, rule);
        edits = edits === NO_EDITS ? made : yield* composeEdits(edits, made);
        // From here on the text is another one, and any later rule may find something in it.
        i = rules.indexOf(rule);
        inOrder = rules;
        if (i + 1 < rules.length) current = yield* applyEdits(current, made);
      } else if (rule.action === 'warn') {
        if (!(yield* this.#judge(rule, text, found)) && current !== text) yield* this.#judge(rule, current, found);
      } else if (current !== text && (yield* this.#judge(rule, current, found))) {
        return NO_EDITS;
      }
    }
    return edits;
  }

  *#find(rule: Rule, text: string): Steps<Spans> {
    const { find, findIn, findInSteps } = rule;
    if (isShort(text)) return find(text, this.#work);
    if (findInSteps !== undefined) return yield* findInSteps(text);
    if (findIn === undefined) return find(text, this.#work);
    const spans: number[] = [];
    for (let from = 0; from < text.length; ) {
      from = findIn(text, from, Math.min(from + STEP, text.length), spans);
      yield;
    }
    return spans;
  }

  *#judge(rule: Rule, text: string, found: Found): Steps<boolean> {
    const matches = (yield* this.#find(rule, text)).length / 2;
    if (matches === 0) return false;
    found(rule, matches);
    if (rule.action === 'block') this.tally.block(rule);
    return true;
  }
}

/** The rules that are applied to a value of a JSON document. */
export function rulesFor({ rules, hasPaths, hasHints }: Engine, at: Place): readonly Rule[] {
  if (!hasPaths && !hasHints) return rules;
  const position = at.position();
  const limited = hasPaths ? rulesAt(rules, position) : rules;
  return hasHints ? hintedRules(limited, position) : limited;
}

function narrow(candidates: readonly Rule[], all: readonly Rule[], rules: readonly Rule[]): readonly Rule[] {
  return rules === all ? candidates : rules.filter((rule) => isHinted(rule) || candidates.includes(rule));
}

/** Whether a rule has its form for values whose key tells what they are. */
export function isHinted({ base }: Rule): boolean {
  return base !== undefined;
}

function isShort(text: string): boolean {
  return text.length <= STEP;
}

function replaced(spans: Spans, text: string, { replace }: Rule): Edits {
  if (typeof replace === 'string') {
    return { places: spans, texts: spans.length === 2 ? [replace] : Array<string>(spans.length / 2).fill(replace) };
  }
  // Spans come in pairs.
  const texts = Array.from({ length: spans.length / 2 }, (_, i) => replace(text.slice(spans[2 * i], spans[2 * i + 1])));
  return { places: spans, texts };
}
