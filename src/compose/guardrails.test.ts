import assert from 'node:assert/strict';
import { renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { tempDir } from '../../test/support/temp.ts';
import { until } from '../../test/support/until.ts';
import { loadConfig } from '../config/load.ts';
import { inspect } from '../guardrails/inspect.ts';
import { askWebhooks } from '../layers/guard-webhook.ts';
import type { Log, LogFields } from '../log.ts';
import { type GuardRules, guardRulesMetrics, openGuardRules } from './guardrails.ts';

const ENV = {
  AGENT_NAME: 'demo',
  AGENT_AUTH_TOKEN: 'tok',
  OUTRIDER_GUARD_HASH_KEY: '0123456789abcdef',
  HOOK_TOKEN: 'hook-token',
};
/** Many looks at the file. */
const WHILE_MS = 300;

type Line = [level: string, message: string, fields: LogFields | undefined];

async function open(
  t: TestContext,
  text: string,
): Promise<{ rules: GuardRules; lines: Line[]; write: (text: string) => void }> {
  const file = join(tempDir(t), 'outrider.yaml');
  const write = (content: string): void => {
    writeFileSync(`${file}.new`, content);
    renameSync(`${file}.new`, file);
  };
  write(text);
  const { config } = await loadConfig({ env: ENV, configPath: file });
  const lines: Line[] = [];
  const at = (level: string) => (message: string, fields?: LogFields) => void lines.push([level, message, fields]);
  const log: Log = {
    enabled: () => true,
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => log,
  };
  const rules = openGuardRules({ config, log, watch: { intervalMs: 10, quietMs: 5 } });
  t.after(() => rules.close());
  return { rules, lines, write };
}

function redacted(rules: GuardRules, text: string): string {
  return Buffer.from(inspect(rules.engines().for('request'), Buffer.from(text), 'text/plain').bytes).toString();
}

test('a changed file is taken over; a bad one is told of once, with every fault, and changes nothing', async (t) => {
  const { rules, lines, write } = await open(t, 'guardrails: [{name: a, type: keyword, pattern: alpha}]\n');
  assert.equal(redacted(rules, 'alpha beta'), '[REDACTED] beta');
  const before = rules.current();
  await sleep(WHILE_MS);
  assert.deepEqual([rules.reloads(), lines], [{ ok: 0, failed: 0 }, []], 'nothing has changed');

  write(
    'guardrails: [{name: b, type: keyword, pattern: beta}]\nguard_headers: [X-Note]\nstream_hold: 1s\non_unreadable: block\n',
  );
  await until(() => rules.reloads().ok === 1, 'the change to be taken over');
  assert.equal(redacted(rules, 'alpha beta'), 'alpha [REDACTED]');
  assert.deepEqual(rules.settings(), { onUnreadable: 'block', headers: ['x-note'], streamHoldMs: 1000 });
  assert.equal(before.settings.streamHoldMs, 250, 'whoever began with the old rules keeps them');
  const { loaded_at } = rules.status();

  write('guardrails: [{name: b, type: regex, pattern: "(beta"}, nope]\nguard_heders: []\n');
  await until(() => rules.status().failing, 'the fault');
  await sleep(WHILE_MS);
  assert.equal(redacted(rules, 'alpha beta'), 'alpha [REDACTED]');
  const errors = lines.filter(([level]) => level === 'error');
  assert.equal(errors.length, 1);
  const [, message, fields] = errors[0] ?? assert.fail();
  assert.match(message, /cannot be used; the guardrails in force stay/);
  assert.deepEqual(
    ((fields?.['faults'] ?? []) as string[]).map((fault) => fault.replace(/^.*outrider\.yaml:/, '')),
    [
      '1:46: guardrails[0].pattern: not an RE2 expression: missing closing ): `(beta`',
      '1:56: guardrails[1]: expected one of pii_detection, secrets, content_filter',
      '2:1: guard_heders: unknown key (did you mean guard_headers?)',
    ],
  );
  assert.deepEqual(rules.status(), { loaded_at, failing: true });

  write('guardrails: [nope]\n');
  await until(() => rules.reloads().failed === 2, 'another fault to be told of');
  write('guardrails: []\n');
  await until(() => rules.reloads().ok === 2, 'a good file to be taken over');
  assert.equal(rules.status().failing, false);
  assert.equal(redacted(rules, 'alpha beta'), 'alpha beta');
  const [family] = await guardRulesMetrics(rules)();
  assert.deepEqual(family?.samples, [
    { labels: { result: 'ok' }, value: 2 },
    { labels: { result: 'failed' }, value: 2 },
  ]);
});

test('other keys wait for a restart, and a line says which', async (t) => {
  const { rules, lines, write } = await open(t, 'team: a\n');
  write('team: b\nlimits: {burst: 3}\n');
  await until(() => lines.length > 0, 'the line');
  await sleep(WHILE_MS);
  assert.deepEqual(lines, [
    ['info', 'the configuration file has changed: these keys need a restart', { keys: 'team, limits' }],
  ]);
  assert.equal(rules.reloads().ok, 0);
});

test('hashes are the same for the same text, and others with another key', async (t) => {
  const { rules } = await open(t, 'guardrails: [{builtin: email, style: hash}]\n');
  const [one, two] = [redacted(rules, 'a@example.com a@example.com'), redacted(rules, 'b@example.com')];
  assert.match(one, /^(\[EMAIL:[0-9a-f]{16}\]) \1$/);
  assert.notEqual(one.split(' ')[0], two);
});

test('webhooks are asked where they apply, at their address, with their token', async (t) => {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers.authorization}`);
    request.resume().on('end', () => response.end('{"action":"block"}'));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/judge?v=1`;
  const { rules } = await open(
    t,
    `guardrails: [{name: h, endpoint: "${url}", on: [response, mcp], token_env: HOOK_TOKEN}]\n`,
  );
  const { webhooks } = rules.current();
  assert.deepEqual([webhooks('request').length, webhooks('a2a').length, webhooks('mcp').length], [0, 0, 1]);
  assert.equal(webhooks('response'), webhooks('response'));
  const { signal } = new AbortController();
  const body = { bytes: Buffer.from('hello'), contentType: 'text/plain' };
  const { blockedBy } = await askWebhooks(webhooks('response'), body, { surface: 'response', agent: 'a', signal });
  assert.equal(blockedBy, 'h');
  assert.deepEqual(seen, ['POST /judge?v=1 Bearer hook-token']);
});
