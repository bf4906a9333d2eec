import { HINT } from './catalogue.ts';
import type { Position } from './path-filter.ts';
import type { Rule } from './rule.ts';

/** Units of a key that are looked at. */
const MOST = 64;

/** The rules for a value of a JSON document, where its key tells what it is: of some built-in ones, those that know that. */
export function hintedRules(rules: readonly Rule[], position: Position): readonly Rule[] {
  const key = position.findLast((step) => typeof step === 'string')?.slice(0, MOST);
  if (key === undefined || !HINT.test(key)) return rules;
  return rules.map((rule) => (rule.hinted?.key.test(key) ? rule.hinted.rule : rule));
}
