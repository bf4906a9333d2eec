import { findCards } from './card.ts';
import { findEmails } from './email.ts';
import { Keywords, parseKeywords } from './keyword.ts';
import { compileExpression, type Expression } from './regex.ts';
import { type Find, type Rule, type RuleConfig, RuleError, type RuleFault } from './rule.ts';
import { createScreen, type Screen } from './screen.ts';
import { findSsns } from './ssn.ts';

/** A set of rules ready to inspect with. Holds no state of any inspection. */
export interface Engine {
  /** In the order in which they run: the built-in ones, then the operator's. */
  readonly rules: readonly Rule[];
  /** Whether there are operators' rules. */
  readonly isExtended: boolean;
  /** Narrows the rules down to those that may find something in a text. */
  readonly screen: Screen;
}

const BUILT_INS: readonly { name: string; replace: string; find: Find }[] = [
  { name: 'ssn', replace: '[REDACTED-SSN]', find: findSsns },
  { name: 'credit_card', replace: '[REDACTED-CC]', find: findCards },
  { name: 'email', replace: '[REDACTED-EMAIL]', find: findEmails },
];

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
        const rule = { ...common, find: new Keywords(list).find };
        wordLists.set(rule, list);
        rules.push(rule);
      }
    } catch (error) {
      faults.push({ index, rule: name, problem: error instanceof Error ? error.message : 'unusable pattern' });
    }
  }
  if (faults.length > 0) throw new RuleError(faults);
  return { rules, isExtended: configs.length > 0, screen: createScreen(rules, expressions, wordLists) };
}
