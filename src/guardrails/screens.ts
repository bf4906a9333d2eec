import { type BuiltIn, HINT } from './catalogue.ts';
import type { Detector } from './detector.ts';
import { mayHoldBuiltIn } from './prefilter.ts';
import type { Expression } from './regex.ts';
import type { Rule } from './rule.ts';
import { createScreen, type Screen } from './screen.ts';
import { STEP, type Steps } from './steps.ts';

/** Narrow the rules of an engine down to those that may find something in a text. */
export interface Screens {
  readonly screen: Screen;
  /** The same for one long text, in steps. */
  readonly screenInSteps: (text: string) => Steps<readonly Rule[]>;
}

const NO_RULES: readonly Rule[] = Object.freeze([]);

/** For the default rules, as they are by default. */
export function defaultScreens(rules: readonly Rule[]): Screens {
  return {
    screen: (text) => (mayHoldBuiltIn(text) ? rules : NO_RULES),
    *screenInSteps(text) {
      return (yield* isInSlices(text, mayHoldBuiltIn)) ? rules : NO_RULES;
    },
  };
}

/** For any rules: of the built-in ones and the others, what they were made of. */
export function extendedScreens(
  rules: readonly Rule[],
  builtIns: ReadonlyMap<Rule, BuiltIn>,
  expressions: ReadonlyMap<Rule, Expression>,
  wordLists: ReadonlyMap<Rule, readonly string[]>,
): Screens {
  const mine = <T>(map: ReadonlyMap<Rule, T>): Map<Rule, T> =>
    new Map(
      rules.flatMap((rule) => {
        const value = map.get(rule);
        return value === undefined ? [] : [[rule, value] as const];
      }),
    );
  // The default rules share a quick look, and so do many of the others.
  const looks = new Map<(text: string) => boolean, Rule[]>();
  for (const [rule, { onByDefault, detector }] of mine(builtIns)) {
    const may = onByDefault ? mayHoldBuiltIn : lookOf(detector);
    const sharing = looks.get(may);
    if (sharing === undefined) looks.set(may, [rule]);
    else sharing.push(rule);
  }
  const own = createScreen(mine(expressions), mine(wordLists));
  const inOrder = (found: Rule[]): readonly Rule[] =>
    found.length > 1 ? found.sort((a, b) => a.index - b.index) : found;
  return {
    screen: (text, joined) => {
      const found: Rule[] = [];
      for (const [may, sharing] of looks) if (may(text)) found.push(...sharing);
      found.push(...own(text, joined));
      return inOrder(found);
    },
    *screenInSteps(text) {
      const found: Rule[] = [];
      for (const [may, sharing] of looks) if (yield* isInSlices(text, may)) found.push(...sharing);
      found.push(...(yield* own.inSteps(text)));
      return inOrder(found);
    },
  };
}

/** The key that tells what a value is stands in the same body, mostly near it. */
function lookOf({ may = always, hinted }: Detector): (text: string) => boolean {
  if (hinted === undefined) return may;
  const mayHinted = hinted.detector.may ?? always;
  return (text) => may(text) || (mayHinted(text) && HINT.test(text));
}

function always(): boolean {
  return true;
}

/** What slices share: more than any match of a built-in rule, or what tells that one begins. */
const SHARED = 1024;

function* isInSlices(text: string, may: (text: string) => boolean): Steps<boolean> {
  for (let from = 0; from < text.length; from += STEP) {
    if (may(text.slice(Math.max(0, from - SHARED), from + STEP + SHARED))) return true;
    yield;
  }
  return false;
}
