import { findCards, findCardsIn } from './card.ts';
import { findEmails, findEmailsIn } from './email.ts';
import { Keywords, parseKeywords } from './keyword.ts';
import { compileExpression, type Expression } from './regex.ts';
import { type Find, type FindIn, type Rule, type RuleConfig, RuleError, type RuleFault } from './rule.ts';
import { createScreen, type Screen } from './screen.ts';
import { findSsns, findSsnsIn } from './ssn.ts';

/** A set of rules ready to inspect with. Holds no state of any inspection. */
export interface Engine {
  /** In the order in which they run: the built-in ones, then the operator's. */
  readonly rules: readonly Rule[];
  /** Whether there are operators' rules. */
  readonly isExtended: boolean;
  /** Length of the shortest text in which a rule may find something. */
  readonly shortest: number;
  /** Narrows the rules down to those that may find something in a text. */
  readonly screen: Screen;
}

const BUILT_INS: readonly { name: string; replace: string; find: Find; findIn: FindIn }[] = [
  { name: 'ssn', replace: '[REDACTED-SSN]', find: findSsns, findIn: findSsnsIn },
  { name: 'credit_card', replace: '[REDACTED-CC]', find: findCards, findIn: findCardsIn },
  { name: 'email', replace: '[REDACTED-EMAIL]', find: findEmails, findIn: findEmailsIn },
];

/** `a@b.io`. All others that the built-in rules find are longer. */
const SHORTEST_EMAIL = 6;

/**
 * Makes an engine of the built-in rules (which redact) and `configs`, in order.
 * Throws a `RuleError` that lists every rule that cannot be used.
 */
export function createEngine(configs: readonly RuleConfig[] = []): Engine {
  const rules: Rule[] = BUILT_INS.map((rule, index) => ({ ...rule, index, action: 'redact' }));
  const expressions = new Map<Rule, Expression>();
  const wordLists = new Map<Rule, readonly string[]>();
  const faults: RuleFault[] = [];
  for (const [index, { name, type, pattern, action, replace }] of configs.entries()) {
    const common = { index: BUILT_INS.length + index, name, action, replace };
    try {
      if (type === 'regex') {
        const expression = compileExpression(pattern);
        const rule = { ...common, find: expression.find };
        expressions.set(rule, expression);
        rules.push(rule);
      } else {
        const list = parseKeywords(pattern);
        if (list.length === 0) throw new Error('no keyword in the pattern');
        const keywords = new Keywords(list);
        const rule = { ...common, find: keywords.find, findIn: keywords.findIn };
        wordLists.set(rule, list);
        rules.push(rule);
      }
    } catch (error) {
      faults.push({ index, rule: name, problem: error instanceof Error ? error.message : 'unusable pattern' });
    }
  }
  if (faults.length > 0) throw new RuleError(faults);
  const isExtended = configs.length > 0;
  return {
    rules,
    isExtended,
    shortest: isExtended ? 1 : SHORTEST_EMAIL,
    screen: createScreen(rules, expressions, wordLists),
  };
}
