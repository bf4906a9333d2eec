import { RE2JS } from 're2js';
import { z } from 'zod';
import { CATALOGUE } from '../guardrails/catalogue.ts';
import { JSON_PATH_FORM, parseJsonPath } from '../guardrails/json-path.ts';
import { SURFACES } from '../guardrails/rule.ts';
import { duration, environmentName, headerName, httpUrl } from './scalars.ts';
import { traits } from './traits.ts';

/** The part of the configuration that says what guardrails do: all of it may change while the sidecar runs. */

const PRESETS = ['pii_detection', 'secrets', 'content_filter'] as const;

const MOST_RULES = 10_000;
const LONGEST_WEBHOOK_MS = 60_000;
const LONGEST_HOLD_MS = 60_000;

const jsonPath = z
  .string()
  .max(1024)
  .refine((text) => parseJsonPath(text) !== undefined, JSON_PATH_FORM);

const name = z.string().min(1).max(128).describe('Shown in replies, audit rows and metrics');

const action = z.enum(['block', 'redact', 'warn']);

const on = z
  .array(z.enum(SURFACES))
  .min(1, `expected at least one of ${SURFACES.join(', ')}`)
  .optional()
  .describe(
    'Where it applies: what callers send, what the agent replies, and both directions of `/a2a` and `/mcp`. Default: everywhere',
  );

/** What every rule that looks for text can say. */
const options = {
  action: action
    .optional()
    .describe(
      '`block` answers 403, `redact` rewrites and forwards, `warn` records and forwards. Default: that of the rule',
    ),
  replace: z.string().optional().describe('What stands in place of a redacted match. Default: that of the rule'),
  style: z
    .enum(['replace', 'mask', 'hash'])
    .optional()
    .describe(
      '`replace`: by a text; `mask`: all but the last four letters or digits; `hash`: by a keyed hash, the same for the same text (needs `OUTRIDER_GUARD_HASH_KEY`). Default: `replace`',
    ),
  on,
  paths: z
    .array(jsonPath)
    .min(1, 'expected at least one JSON path')
    .max(100)
    .optional()
    .describe('JSON paths to which it is limited, each with all below it: `$.messages[*].content`, `$..notes`'),
  skip_paths: z.array(jsonPath).max(100).optional().describe('JSON paths that it leaves alone, each with all below it'),
};

interface Styled {
  readonly style?: string | undefined;
  readonly replace?: string | undefined;
}

function checkStyle({ style, replace }: Styled, context: z.RefinementCtx): void {
  if (replace === undefined || style === undefined || style === 'replace') return;
  const message = `nothing is put in place of a match with \`style: ${style}\``;
  context.addIssue({ code: 'custom', path: ['replace'], message });
}

function regexFault(pattern: string): string | undefined {
  try {
    RE2JS.compile(pattern);
    return undefined;
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : 'it does not compile';
    return `not an RE2 expression: ${why.slice(0, 200)}`;
  }
}

function holdsWord(list: string): boolean {
  return list.split(',').some((word) => word.trim() !== '');
}

const WORDS = 'expected comma-separated words';

/** A rule of the operator's own. */
const ownRule = z
  .strictObject({
    name,
    type: z
      .enum(['regex', 'keyword'])
      .describe('`regex`: RE2 syntax; `keyword`: comma-separated words, compared without case'),
    pattern: z.string().min(1).max(100_000).describe('The expression, or the words'),
    ...options,
    action: action
      .default('redact')
      .describe('`block` answers 403, `redact` rewrites and forwards, `warn` records and forwards'),
    replace: options.replace.describe('What stands in place of a redacted match. Default: `[REDACTED]`'),
  })
  .superRefine((rule, context) => {
    const message = rule.type === 'regex' ? regexFault(rule.pattern) : holdsWord(rule.pattern) ? undefined : WORDS;
    if (message !== undefined) context.addIssue({ code: 'custom', path: ['pattern'], message });
    checkStyle(rule, context);
  })
  .meta({ id: 'GuardrailRule' });

const builtInRule = z
  .strictObject({
    builtin: z.enum(CATALOGUE.map((builtIn) => builtIn.name)).describe('A built-in rule, by its name'),
    enabled: z.boolean().default(true).describe('Whether it is on'),
    ...options,
  })
  .superRefine(checkStyle)
  .meta({ id: 'GuardrailBuiltIn' })
  .register(traits, { mark: 'builtin' });

const presetRule = z
  .strictObject({
    preset: z
      .enum(PRESETS)
      .describe(
        '`pii_detection`: all built-in rules for personal data; `secrets`: all for keys and tokens; `content_filter`: word lists, which block',
      ),
    keywords: z
      .string()
      .max(100_000)
      .refine(holdsWord, WORDS)
      .optional()
      .describe('Comma-separated words that `content_filter` is to find too'),
    ...options,
  })
  .superRefine((rule, context) => {
    if (rule.keywords !== undefined && rule.preset !== 'content_filter') {
      context.addIssue({ code: 'custom', path: ['keywords'], message: 'only `content_filter` takes words' });
    }
    checkStyle(rule, context);
  })
  .meta({ id: 'GuardrailPreset' })
  .register(traits, { mark: 'preset' });

const presetName = z
  .enum(PRESETS)
  .transform((preset): z.input<typeof presetRule> => ({ preset }))
  .pipe(presetRule);

const webhookRule = z
  .strictObject({
    name,
    type: z.literal('webhook').optional().describe('May be left out: `endpoint` says it'),
    endpoint: httpUrl
      .refine(
        (url) => !/^[^/]*\/\/[^/?#]*@/.test(url),
        'credentials in an address are not sent: name a variable in `token_env`',
      )
      .describe('Asked with `POST` what to do with a body'),
    timeout: duration(1, LONGEST_WEBHOOK_MS).prefault('2s').describe('For its whole reply'),
    on_error: z
      .enum(['block', 'pass'])
      .default('block')
      .describe('What happens when it gives no usable reply in time: `block` answers 403, `pass` records and forwards'),
    replace: z.string().default('[REDACTED]').describe('What stands in place of what it wants redacted'),
    on,
    token_env: environmentName.optional().describe('Environment variable that holds the bearer token for it'),
  })
  .meta({ id: 'GuardrailWebhook' })
  .register(traits, { mark: 'endpoint' });

/** They say how a message is read or where it goes: changed, it would be another message. */
const UNTOUCHABLE = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

export const guardKeys = {
  guardrails: z
    .array(
      z.union([presetName, presetRule, builtInRule, webhookRule, ownRule], {
        error: 'expected the name of a preset, or a mapping',
      }),
    )
    .max(MOST_RULES, `expected at most ${MOST_RULES} rules`)
    .default([])
    .describe('Rules, in order; own ones run after the built-in ones. Taken over when the file changes'),
  on_unreadable: z
    .enum(['block', 'pass'])
    .optional()
    .describe(
      'What happens to a body that cannot be read: in an unknown encoding, or not what its type says. Default: `block` for what is text by its type, `pass` for what is declared binary. Taken over when the file changes',
    ),
  guard_headers: z
    .array(
      headerName.refine(
        (text) => !UNTOUCHABLE.has(text.toLowerCase()),
        'this header says how the message is read, and cannot be inspected',
      ),
    )
    .max(100, 'expected at most 100 names')
    .default([])
    .describe(
      'Names of headers whose values are inspected too, in requests and replies. Taken over when the file changes',
    ),
  stream_hold: duration(1, LONGEST_HOLD_MS)
    .prefault('250ms')
    .describe(
      'After a pause of this length in a stream, what was held back because it might become a match goes on. Taken over when the file changes',
    ),
};

export type GuardRuleEntry = z.output<typeof guardKeys.guardrails>[number];
