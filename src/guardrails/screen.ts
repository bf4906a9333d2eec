import { RE2Set } from 're2js';
import { Keywords } from './keyword.ts';
import { mayHoldBuiltIn } from './prefilter.ts';
import type { Expression } from './regex.ts';
import type { Rule } from './rule.ts';

/**
 * The rules that may find something in a text, in their order; most texts are clean, and this is how that is seen cheaply.
 * `joined`: the text holds many texts with a character outside `\w` before and after each, such as the quotes of JSON;
 * a rule that finds something in one of them is then among the result. Never leaves out a rule wrongly.
 */
export type Screen = (text: string, joined: boolean) => readonly Rule[];

const NONE: readonly Rule[] = Object.freeze([]);

export function createScreen(
  rules: readonly Rule[],
  expressions: ReadonlyMap<Rule, Expression>,
  wordLists: ReadonlyMap<Rule, readonly string[]>,
): Screen {
  const builtIns = rules.filter((rule) => !expressions.has(rule) && !wordLists.has(rule));
  if (builtIns.length === rules.length) return (text) => (mayHoldBuiltIn(text) ? rules : NONE);
  const keywordScreen = screenKeywords(wordLists);
  const expressionScreen = screenExpressions(expressions);
  return (text, joined) => {
    const found = [
      ...(builtIns.length > 0 && mayHoldBuiltIn(text) ? builtIns : NONE),
      ...keywordScreen(text),
      ...expressionScreen(text, joined),
    ];
    return found.length > 1 ? found.sort((a, b) => a.index - b.index) : found;
  };
}

/** One pass for the words of all rules; the rules themselves sort out whose it was. */
function screenKeywords(wordLists: ReadonlyMap<Rule, readonly string[]>): (text: string) => readonly Rule[] {
  if (wordLists.size === 0) return () => NONE;
  const rules = [...wordLists.keys()];
  const all = new Keywords([...wordLists.values()].flat());
  return (text) => (all.test(text) ? rules : NONE);
}

/** From this many expressions on, one automaton for several is faster than one for each. */
const WORTH_A_SET = 3;
const SET_SIZE = 16;
/** Bytes that the states of one set may take; beyond, they are made anew. */
const SET_MEMORY = 4 * 2 ** 20;

function screenExpressions(expressions: ReadonlyMap<Rule, Expression>): (text: string, joined: boolean) => Rule[] {
  const entries = [...expressions];
  const survivors = entries.filter(([, expression]) => expression.survivesJoining);
  const others = entries.filter(([, expression]) => !expression.survivesJoining);
  const screenSurvivors = screenSome(survivors);
  const screenOthers = screenSome(others);
  return (text, joined) => [...screenSurvivors(text), ...(joined ? others.map(([rule]) => rule) : screenOthers(text))];
}

function screenSome(entries: readonly (readonly [Rule, Expression])[]): (text: string) => Rule[] {
  const rules = entries.map(([rule]) => rule);
  if (entries.length < WORTH_A_SET) {
    return (text) => entries.filter(([, expression]) => expression.test(text)).map(([rule]) => rule);
  }
  const sets: { set: RE2Set; rules: Rule[] }[] = [];
  for (let i = 0; i < entries.length; i += SET_SIZE) {
    const set = new RE2Set(RE2Set.UNANCHORED, 0, SET_MEMORY);
    for (const [, expression] of entries.slice(i, i + SET_SIZE)) set.add(expression.pattern);
    set.compile();
    sets.push({ set, rules: rules.slice(i, i + SET_SIZE) });
  }
  // A set answers with the places of its patterns.
  return (text) => sets.flatMap(({ set, rules }) => set.match(text).map((place) => rules[place] as Rule));
}
