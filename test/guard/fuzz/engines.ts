import { createHmac } from 'node:crypto';
import { createEngine, type Engine } from '../../../src/guardrails/engine.ts';
import type { OwnRule, RuleConfig } from '../../../src/guardrails/rule.ts';

/** A set of rules, and what is known of it without asking it. */
export interface Setting {
  readonly name: string;
  readonly engine: Engine;
  /** Every text that may come in the place of a match; undefined: other ones, too. */
  readonly replacements: readonly string[] | undefined;
  /** Words that must neither leave, nor be in what is told of the findings. */
  readonly words: readonly string[];
  /** Whether what leaves holds nothing to be found, if nothing was found twice. */
  readonly settles: boolean;
  /** Whether rules are limited to some JSON paths. */
  readonly hasPaths: boolean;
}

/** Parts of texts that the rules below are about. */
export const OWN_WORDS = ['darn', 'heck', 'straße', 'KRAKATOA', 'блин', '秘密'];

const PRESETS: readonly RuleConfig[] = [
  { type: 'preset', name: 'pii_detection' },
  { type: 'preset', name: 'secrets' },
];

const expression = (name: string, pattern: string, rest: Partial<OwnRule> = {}): OwnRule => ({
  name,
  type: 'regex',
  pattern,
  action: 'redact',
  replace: '<~>',
  ...rest,
});

const EXPRESSIONS: readonly OwnRule[] = [
  expression('account', '\\bacct-\\d{6}\\b'),
  expression('project', '(?i)project\\s+\\w+'),
  expression('begin', '^top:'),
  expression('end', '(?m):tail$'),
  expression('far', 'a(.*zzz)?q'),
  expression('han', '[\\x{4e00}-\\x{9fff}]{3,}'),
  expression('maybe', 'x*'),
  expression('block of lines', '(?s)<<.*?>>'),
  expression('lazy', 'k.{0,3}?v'),
  expression('not ascii', '[^\\x00-\\x7f]{5}'),
];

const keywords = (rest: Partial<OwnRule> = {}): OwnRule => ({
  name: 'words',
  type: 'keyword',
  pattern: OWN_WORDS.join(','),
  action: 'redact',
  replace: '<~>',
  ...rest,
});

const hash = (rule: string, canonical: string): string =>
  createHmac('sha256', 'a key of sixteen characters').update(`${rule}:${canonical}`).digest('hex').slice(0, 16);

function setting(
  name: string,
  configs: readonly RuleConfig[],
  rest: Partial<Omit<Setting, 'name' | 'engine'>> = {},
): Setting {
  const engine = createEngine(configs, { hash });
  const texts = engine.rules.map(({ replace }) => replace);
  const fixed = texts.filter((text) => typeof text === 'string');
  const replacements = fixed.length === texts.length ? [...new Set(fixed)] : undefined;
  return { name, engine, replacements, words: [], settles: false, hasPaths: engine.hasPaths, ...rest };
}

/** How often each is to be used, and it. */
export function settings(): (readonly [weight: number, setting: Setting])[] {
  return [
    [40, setting('defaults', [], { settles: true })],
    [25, setting('all built-ins', PRESETS, { settles: true })],
    [10, setting('expressions and words', [...EXPRESSIONS, keywords()], { words: OWN_WORDS })],
    [4, setting('all of it', [...PRESETS, ...EXPRESSIONS, keywords()], { words: OWN_WORDS })],
    [6, setting('words block', [keywords({ action: 'block' })], { words: OWN_WORDS })],
    [
      5,
      setting('SSNs block, words warn', [
        { type: 'builtin', name: 'ssn', enabled: true, action: 'block' },
        keywords({ action: 'warn' }),
      ]),
    ],
    [
      4,
      setting(
        'an awkward replacement',
        [{ type: 'builtin', name: 'email', enabled: false }, keywords({ replace: '"\\\n$1é%&' })],
        { words: OWN_WORDS },
      ),
    ],
    [
      3,
      setting('masks', [
        ...PRESETS.map((preset) => ({ ...preset, style: 'mask' as const })),
        keywords({ style: 'mask' }),
      ]),
    ],
    [
      3,
      setting('hashes', [
        ...PRESETS.map((preset) => ({ ...preset, style: 'hash' as const })),
        keywords({ style: 'hash' }),
      ]),
    ],
    [
      2,
      setting('some paths', [
        { type: 'builtin', name: 'email', enabled: true, paths: ['$.messages[*].content'] },
        keywords({ skip_paths: ['$.model'] }),
      ]),
    ],
  ];
}
