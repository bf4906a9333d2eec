import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import type { RuleConfig } from '../guardrails/rule.ts';
import { ENV, faults, load } from './load.fixtures.test.ts';

const KEY = { ...ENV, OUTRIDER_GUARD_HASH_KEY: '0123456789abcdef\n' };

async function rules(entries: string, env: Record<string, string> = ENV): Promise<readonly RuleConfig[]> {
  return (await load(`guardrails: ${entries}`, env)).config.guard.rules;
}

describe('guardrail rules', () => {
  it('presets by their names, alone or with what they are to do', async () => {
    assert.deepEqual(
      await rules('[pii_detection, {preset: secrets}, {preset: content_filter, keywords: "a,b", action: warn}]'),
      [
        { type: 'preset', name: 'pii_detection' },
        { type: 'preset', name: 'secrets' },
        { type: 'preset', name: 'content_filter', keywords: 'a,b', action: 'warn' },
      ],
    );
  });

  it('built-in rules, changed or switched off', async () => {
    assert.deepEqual(await rules('[{builtin: ssn, action: block}, {builtin: email, enabled: no}]'), [
      { type: 'builtin', name: 'ssn', enabled: true, action: 'block' },
      { type: 'builtin', name: 'email', enabled: false },
    ]);
  });

  it('own rules with all that they can say', async () => {
    const entry =
      '{name: a, type: keyword, pattern: "x,y", action: redact, style: hash, on: [response, a2a], paths: ["$.a"], skip_paths: ["$..b", "$[0]"]}';
    assert.deepEqual(await rules(`[${entry}]`, KEY), [
      {
        name: 'a',
        type: 'keyword',
        pattern: 'x,y',
        action: 'redact',
        style: 'hash',
        on: ['response', 'a2a'],
        paths: ['$.a'],
        skip_paths: ['$..b', '$[0]'],
      },
    ]);
  });

  it('webhooks as agent files declare them, and with all that they can say', async () => {
    const { config } = await load(
      'guardrails:\n  - {name: custom, endpoint: "https://h/x"}\n  - {type: webhook, name: b, endpoint: "http://h", timeout: 300ms, on_error: pass, replace: "#", on: [request], token_env: HOOK_TOKEN}\n',
      { ...ENV, HOOK_TOKEN: 'hunter2' },
    );
    const { webhooks, rules } = config.guard;
    assert.deepEqual(rules, []);
    assert.deepEqual(
      webhooks.map(({ token, ...rest }) => ({ ...rest, token: token?.reveal() })),
      [
        {
          name: 'custom',
          endpoint: 'https://h/x',
          timeoutMs: 2000,
          onError: 'block',
          replace: '[REDACTED]',
          on: undefined,
          token: undefined,
        },
        {
          name: 'b',
          endpoint: 'http://h',
          timeoutMs: 300,
          onError: 'pass',
          replace: '#',
          on: ['request'],
          token: 'hunter2',
        },
      ],
    );
    assert.doesNotMatch(inspect(config, { depth: 9 }), /hunter2/);
    assert.ok(config.secretVariables.includes('HOOK_TOKEN'));
  });

  it('the keys beside them', async () => {
    const { config } = await load(
      'on_unreadable: block\nguard_headers: [X-Note, x-note, Cookie]\nstream_hold: 1s\n',
      KEY,
    );
    const { onUnreadable, headers, streamHoldMs, hashKey } = config.guard;
    assert.deepEqual([onUnreadable, headers, streamHoldMs], ['block', ['x-note', 'cookie'], 1000]);
    assert.equal(hashKey?.reveal(), '0123456789abcdef', 'without the line break that secret stores add');
    assert.ok(config.secretVariables.includes('OUTRIDER_GUARD_HASH_KEY'), 'no process that is started sees it');
    const plain = (await load('{}')).config.guard;
    assert.deepEqual(plain, {
      rules: [],
      webhooks: [],
      onUnreadable: undefined,
      headers: [],
      streamHoldMs: 250,
      hashKey: undefined,
    });
  });
});

describe('faults of guardrail rules', () => {
  const PATH = 'expected a JSON path such as $.user.email, $.items[0], $.items[*].id, $["a b"] or $..email';
  const own = '{name: a, type: keyword, pattern: b, ';
  const cases: [string, ...string[]][] = [
    ['nope', '1:14: guardrails[0]: expected one of pii_detection, secrets, content_filter'],
    [
      'pii_detecton',
      '1:14: guardrails[0]: expected one of pii_detection, secrets, content_filter (did you mean pii_detection?)',
    ],
    [
      '{preset: secret}',
      '1:23: guardrails[0].preset: expected one of pii_detection, secrets, content_filter (did you mean secrets?)',
    ],
    ['{preset: secrets, keywords: a}', '1:42: guardrails[0].keywords: only `content_filter` takes words'],
    ['{preset: content_filter, keywords: ", "}', '1:49: guardrails[0].keywords: expected comma-separated words'],
    ['{builtin: ssn, acton: block}', '1:29: guardrails[0].acton: unknown key (did you mean action?)'],
    ['{builtin: ssn, enabled: maybe}', '1:38: guardrails[0].enabled: expected true or false, found text'],
    ['{builtin: ssn, pattern: x}', '1:29: guardrails[0].pattern: unknown key'],
    [
      '{builtn: ssn}',
      ...['name', 'type', 'pattern'].map((key) => `1:14: guardrails[0].${key}: required`),
      '1:15: guardrails[0].builtn: unknown key (did you mean builtin?)',
    ],
    [
      '{name: a, type: regexp, pattern: b}',
      '1:30: guardrails[0].type: expected one of regex, keyword, webhook (did you mean regex?)',
    ],
    ['{name: a, type: webhook}', '1:14: guardrails[0].endpoint: required'],
    ['{name: a, endpoint: "ftp://x"}', '1:34: guardrails[0].endpoint: expected an http:// or https:// URL'],
    [
      '{name: a, endpoint: "http://u:p@x"}',
      '1:34: guardrails[0].endpoint: credentials in an address are not sent: name a variable in `token_env`',
    ],
    ['{name: a, endpoint: "http://x", timeout: 5m}', '1:55: guardrails[0].timeout: expected at most 1m'],
    [
      '{name: a, endpoint: "http://x", token_env: NOPE}',
      '1:57: guardrails[0].token_env: the environment variable NOPE is not set',
    ],
    ['{name: a, endpoint: "http://x", on_error: ignore}', '1:56: guardrails[0].on_error: expected one of block, pass'],
    [`${own}on: []}`, '1:55: guardrails[0].on: expected at least one of request, response, a2a, mcp'],
    [
      `${own}on: [respons]}`,
      '1:56: guardrails[0].on[0]: expected one of request, response, a2a, mcp (did you mean response?)',
    ],
    [`${own}paths: [a.b]}`, `1:59: guardrails[0].paths[0]: ${PATH}`],
    [`${own}paths: []}`, '1:58: guardrails[0].paths: expected at least one JSON path'],
    [`${own}skip_paths: ["$.a", "$..*"]}`, `1:71: guardrails[0].skip_paths[1]: ${PATH}`],
    [
      `${own}style: mask, replace: x}`,
      '1:73: guardrails[0].replace: nothing is put in place of a match with `style: mask`',
    ],
    [`${own}style: masked}`, '1:58: guardrails[0].style: expected one of replace, mask, hash (did you mean mask?)'],
    [
      `${own}style: hash}`,
      '1:58: guardrails[0].style: a hash needs a key: set OUTRIDER_GUARD_HASH_KEY, at least 16 characters',
    ],
  ];
  for (const [entry, ...expected] of cases) {
    it(`names ${entry}`, async () => assert.deepEqual(await faults(`guardrails: [${entry}]`), expected));
  }

  it('names a built-in rule that there is none of', async () => {
    const [line = ''] = await faults('guardrails: [{builtin: snn}]');
    assert.match(
      line,
      /^1:24: guardrails\[0\]\.builtin: expected one of ssn, iban, credit_card, email.* \(did you mean ssn\?\)$/,
    );
  });

  it('names a key that is too short, in use or not, and never shows it', async () => {
    assert.deepEqual(await faults('{}', { ...ENV, OUTRIDER_GUARD_HASH_KEY: 'hunter2' }), [
      'env OUTRIDER_GUARD_HASH_KEY: expected at least 16 characters',
    ]);
  });

  it('names headers that cannot be changed, pauses and verdicts that are none', async () => {
    assert.deepEqual(await faults('guard_headers: [Host, "a b"]\nstream_hold: 0\non_unreadable: blocked\n'), [
      '1:17: guard_headers[0]: this header says how the message is read, and cannot be inspected',
      "1:23: guard_headers[1]: expected a header's name",
      '2:14: stream_hold: expected at least 1ms',
      '3:16: on_unreadable: expected one of block, pass (did you mean block?)',
    ]);
  });

  it('bounds their number', async () => {
    const many = Array.from({ length: 10_001 }, () => '{builtin: ssn}').join(',');
    assert.deepEqual(await faults(`guardrails: [${many}]`), ['1:13: guardrails: expected at most 10000 rules']);
  });
});
