import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import { serve, startAgent, type TestAgent } from '../support/agent.ts';
import { http } from '../support/http.ts';
import { metric, parseMetrics } from '../support/metrics.ts';
import { type Outrider, startOutrider, TOKEN } from '../support/outrider.ts';
import { until } from '../support/until.ts';

const SECRET = 'hook-secret-0123456789';

describe('webhook rules, over the wire', () => {
  let agent: TestAgent;
  let hook: Awaited<ReturnType<typeof serve>>;
  let sidecar: Outrider;
  const asked: { authorization: string | undefined; question: Record<string, unknown> }[] = [];
  let answer: (response: ServerResponse, texts: string[]) => void;

  before(async () => {
    agent = await startAgent((request, response, body) => {
      response.setHeader('Content-Type', 'application/json');
      response.end(request.url === '/reply' ? '{"says":"Ann"}' : JSON.stringify({ got: body.length }));
    });
    hook = await serve(
      createServer((request, response) => {
        let text = '';
        request.on('data', (chunk: Buffer) => (text += chunk.toString()));
        request.on('end', () => {
          const question = JSON.parse(text);
          asked.push({ authorization: request.headers.authorization, question });
          answer(response, question.texts);
        });
      }),
    );
    sidecar = await startOutrider({
      agentUrl: agent.url,
      env: { HOOK_TOKEN: SECRET },
      config: `
guardrails:
  - { name: judge, endpoint: "${hook.url}/v1/judge", token_env: HOOK_TOKEN, timeout: 500ms, on: [request] }
  - { name: replies, endpoint: "${hook.url}/v1/replies", on: [response], replace: "[NAME]" }
`,
    });
  });
  after(async () => {
    await sidecar.stop();
    await hook.close();
    await agent.close();
  });

  const pass = (response: ServerResponse): void => void response.end('{"action":"pass"}');
  const send = async (body: string, path = '/x') => {
    const before = agent.seen.length;
    const reply = await http(sidecar.inbound + path, { body, headers: { Authorization: `Bearer ${TOKEN}` } });
    return { ...reply, got: agent.seen[before]?.body.toString() };
  };
  const failures = async (labels: Record<string, string>): Promise<number> =>
    metric(
      parseMetrics((await http(`${sidecar.helpers}/metrics`)).text),
      'outrider_guard_webhook_failures_total',
      labels,
    ) ?? 0;

  test('the endpoint sees what the other rules left, and what it passes goes on', async () => {
    answer = pass;
    asked.length = 0;
    const { status, got } = await send('{"to":"ada@example.com","n":1}');
    assert.deepEqual([status, got], [200, '{"to":"[REDACTED-EMAIL]","n":1}']);
    const [first] = asked;
    assert.equal(first?.authorization, `Bearer ${SECRET}`);
    assert.deepEqual(first?.question, {
      version: 1,
      rule: 'judge',
      surface: 'request',
      agent: 'test-agent',
      content_type: 'application/json',
      texts: ['to', '[REDACTED-EMAIL]', 'n', '1'],
    });
  });

  test('what it wants redacted is, in requests and replies, and the JSON stays JSON', async () => {
    answer = (response, texts) =>
      void response.end(
        JSON.stringify(texts.includes('Ann') ? { action: 'redact', matches: ['Ann'] } : { action: 'pass' }),
      );
    assert.equal((await send('{"a" : "Ann", "b":[1.50,"x"]}')).got, '{"a" : "[REDACTED]", "b":[1.50,"x"]}');
    assert.equal((await send('{}', '/reply')).text, '{"says":"[NAME]"}');
  });

  test('what it blocks is 403 with the rule alone', async () => {
    answer = (response) => void response.end('{"action":"block","matches":["very private"]}');
    const { status, text, got } = await send('{"a":"very private"}');
    assert.deepEqual([status, got], [403, undefined]);
    assert.match(text, /judge/);
    assert.ok(!text.includes('very private'));
  });

  test('without a usable reply it blocks, counted and recorded', async () => {
    const cases: [string, (response: ServerResponse) => void][] = [
      ['timeout', () => undefined],
      ['status', (response) => void response.writeHead(500).end()],
      ['status', (response) => void response.writeHead(302, { Location: `${hook.url}/elsewhere` }).end()],
      ['malformed', (response) => void response.end('yes')],
      ['too_large', (response) => void response.end(`{"action":"pass","x":"${'x'.repeat(70_000)}"}`)],
    ];
    for (const [reason, how] of cases) {
      const labels = { rule: 'judge', reason, action: 'blocked' };
      const before = await failures(labels);
      asked.length = 0;
      answer = how;
      const { status, got } = await send('{"a":"b"}');
      assert.deepEqual([status, got], [403, undefined], reason);
      assert.equal(await failures(labels), before + 1, reason);
      assert.equal(asked.length, 1, 'asked once, and no redirect followed');
    }
    answer = pass;
    const rows = await until(() => {
      const database = new DatabaseSync(join(sidecar.dataDir, 'ledger.db'), { readOnly: true });
      try {
        const found = database
          .prepare("SELECT * FROM audit_log WHERE event_type = 'guardrail.webhook_failed' ORDER BY seq")
          .all();
        return found.length >= cases.length ? found : undefined;
      } finally {
        database.close();
      }
    }, 'the audit rows');
    assert.deepEqual(JSON.parse(String(rows[0]?.['metadata'])), {
      rule: 'judge',
      reason: 'timeout',
      action: 'blocked',
      surface: 'request',
    });
    assert.ok(!JSON.stringify(sidecar.logs()).includes(SECRET));
  });
});
