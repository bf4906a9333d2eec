import { CoreScreen } from './core-screen.ts';
import { Keywords } from './keyword.ts';
import type { Expression } from './regex.ts';
import { type Core, coreOf, LONGEST_CORE } from './required.ts';
import type { Rule } from './rule.ts';
import { STEP, type Steps } from './steps.ts';

/**
 * The rules that may find something in a text, in their order; most texts are clean, and this is how that is seen cheaply.
 * `joined`: the text holds many texts with a character outside `\w` before and after each, such as the quotes of JSON;
 * a rule that finds something in one of them is then among the result. Never leaves out a rule wrongly.
 */
export type Screen = (text: string, joined: boolean) => readonly Rule[];

/** The same for operators' rules alone. `inSteps` is for a long text, not joined; it takes a coarser look. */
export interface OwnScreen extends Screen {
  readonly inSteps: (text: string) => Steps<readonly Rule[]>;
}

const NONE: readonly Rule[] = Object.freeze([]);

export function createScreen(
  expressions: ReadonlyMap<Rule, Expression>,
  wordLists: ReadonlyMap<Rule, readonly string[]>,
): OwnScreen {
  const screens = [...screenKeywords(wordLists), ...screenExpressions(expressions)];
  const inOrder = (found: Rule[]): readonly Rule[] => found.sort((a, b) => a.index - b.index);
  const atOnce: Screen = (text, joined) => {
    let found: Rule[] | undefined;
    for (const screen of screens) {
      const some = screen(text, joined);
      if (some.length > 0) (found ??= []).push(...some);
    }
    return found === undefined ? NONE : inOrder(found);
  };
  return Object.assign(atOnce, {
    *inSteps(text: string): Steps<readonly Rule[]> {
      const found: Rule[] = [];
      for (const screen of screens) found.push(...(yield* screen.inSteps(text)));
      return inOrder(found);
    },
  });
}

/** One pass for the words of all rules; the rules themselves sort out whose it was. */
function screenKeywords(wordLists: ReadonlyMap<Rule, readonly string[]>): OwnScreen[] {
  if (wordLists.size === 0) return [];
  const rules = [...wordLists.keys()];
  const all = new Keywords([...wordLists.values()].flat());
  const atOnce: Screen = (text) => (all.test(text) ? rules : NONE);
  return [
    Object.assign(atOnce, {
      *inSteps(text: string): Steps<readonly Rule[]> {
        return (yield* all.testInSteps(text)) ? rules : NONE;
      },
    }),
  ];
}

interface Entry {
  readonly rule: Rule;
  readonly expression: Expression;
  readonly core: Core;
}

/** Cores with circles, unless they seldom begin, that are looked for in one pass: there are too many states with more. */
const TOGETHER = 16;
const SELDOM = 0.01;

/** One pass for the cores of all expressions, and more for those with circles. */
function screenExpressions(expressions: ReadonlyMap<Rule, Expression>): OwnScreen[] {
  const entries: Entry[] = [];
  const others: [Rule, Expression][] = [];
  for (const [rule, expression] of expressions) {
    const core = coreOf(expression.program);
    if (core === undefined) others.push([rule, expression]);
    else entries.push({ rule, expression, core });
  }
  const isPlain = ({ core }: Entry): boolean => core.longest <= LONGEST_CORE || core.begins <= SELDOM;
  const plain = entries.filter(isPlain);
  const winding = entries.filter((entry) => !isPlain(entry));
  const groups = Array.from({ length: Math.ceil(winding.length / TOGETHER) }, (_, i) =>
    winding.slice(TOGETHER * i, TOGETHER * (i + 1)),
  );
  if (plain.length > 0) groups.unshift(plain);
  const screens = groups.map(screenCores);
  return others.length > 0 ? [...screens, screenOthers(others)] : screens;
}

/** Units of the longest core, each character of which may be two, and what is before and after. */
const OVERLAP = 2 * LONGEST_CORE + 2;

function screenCores(entries: readonly Entry[]): OwnScreen {
  const screen = new CoreScreen(entries.map(({ core }) => core));
  const atOnce: Screen = (text, joined) => {
    const found = new Uint8Array(entries.length);
    if (!screen.look(text, 0, text.length, found)) return entries.map(({ rule }) => rule);
    let rules: Rule[] | undefined;
    for (let i = found.indexOf(1); i >= 0; i = found.indexOf(1, i + 1)) {
      const { rule, expression, core } = entries[i] as Entry;
      const isSure = core.isWhole && expression.survivesJoining;
      if (isSure || !mayTest(expression, joined) || expression.test(text)) (rules ??= []).push(rule);
    }
    return rules ?? NONE;
  };
  return Object.assign(atOnce, {
    *inSteps(text: string): Steps<readonly Rule[]> {
      // A long one may lie across stretches.
      const found = Uint8Array.from(entries, ({ core }) => (core.longest > LONGEST_CORE ? 1 : 0));
      for (let from = 0; from < text.length; from += STEP) {
        if (from > 0) yield;
        if (!screen.look(text, Math.max(0, from - OVERLAP), Math.min(from + STEP, text.length), found)) found.fill(1);
      }
      return entries.filter((_, i) => found[i] === 1).map(({ rule }) => rule);
    },
  });
}

/** Those that are too large for a core. */
function screenOthers(entries: readonly [Rule, Expression][]): OwnScreen {
  const rules = entries.map(([rule]) => rule);
  const atOnce: Screen = (text, joined) =>
    entries.filter(([, expression]) => !mayTest(expression, joined) || expression.test(text)).map(([rule]) => rule);
  return Object.assign(atOnce, {
    // They go through a long text in steps themselves.
    // oxlint-disable-next-line require-yield -- steps whose only one is done at once
    *inSteps(): Steps<readonly Rule[]> {
      return rules;
    },
  });
}

/** Whether an expression that does not match the text matches no text that is joined in it. */
function mayTest({ survivesJoining }: Expression, joined: boolean): boolean {
  return survivesJoining || !joined;
}
