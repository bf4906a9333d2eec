import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { parseCostEvent } from '../../../src/ledger/cost-event.ts';
import { provider, send } from './provider.ts';
import { meter } from './support.ts';

const POST = { method: 'POST', body: '{"model":"gpt-5"}' };
const chat = (url: string): string => `${url}/v1/chat/completions`;
const DEFAULTS = { agent: 'a', agent_version: null, team: null, now: '2026-01-31T12:00:00.000Z' };

test('a line of a hundred megabytes passes, is held nowhere, and hides nothing that follows', async (t) => {
  const piece = Buffer.alloc(1 << 20, 'y');
  const host = await provider(t, async (response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.write('data: {"model":"gpt-5","usage":{"evil":"');
    for (let i = 0; i < 100 && !response.destroyed; i++) {
      await new Promise((resolve) => response.write(piece, resolve));
    }
    response.end(
      '"}}\n\ndata: {"model":"gpt-5","usage":{"prompt_tokens":10,"completion_tokens":5}}\n\ndata: [DONE]\n\n',
    );
  });
  const { fetch, count } = meter();
  const response = await fetch(chat(host.url), POST);
  let read = 0;
  let most = 0;
  const before = process.memoryUsage();
  for await (const chunk of response.body ?? []) {
    read += chunk.length;
    const now = process.memoryUsage();
    most = Math.max(most, now.heapUsed - before.heapUsed);
  }
  assert.ok(read > 100 * 2 ** 20);
  assert.ok(most < 60 * 2 ** 20, `${most} bytes more on the heap`);
  const [event] = await count(1);
  assert.deepEqual([event?.input_tokens, event?.output_tokens, event?.usage], [10, 5, 'complete']);
});

test('a stream that never ends goes on until its reader has enough', async (t) => {
  const host = await provider(t, (response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    const timer = setInterval(() => response.write('data: {"model":"gpt-5","choices":[]}\n\n'), 1);
    response.on('close', () => clearInterval(timer));
  });
  const { fetch, count, events } = meter();
  const response = await fetch(chat(host.url), POST);
  let chunks = 0;
  for await (const _ of response.body ?? []) {
    assert.equal(events.length, 0);
    if (++chunks === 50) break;
  }
  const [event] = await count(1);
  assert.deepEqual([event?.model, event?.usage, event?.cost_usd], ['gpt-5', 'unknown', null]);
});

const LIES: readonly unknown[] = [-1, 1.5, 1e300, '12', true, null, [], {}, 2 ** 53, 9e15, -0.1, '__proto__'];

test('lies about usage break nothing, and no event has them', async () => {
  for (const lie of LIES) {
    for (const usage of [
      lie,
      { prompt_tokens: lie, completion_tokens: 5 },
      { prompt_tokens: 10, completion_tokens: lie },
      { prompt_tokens: 10, completion_tokens: 5, total_tokens: lie },
      { prompt_tokens: 10, completion_tokens: 5, prompt_tokens_details: lie },
      { prompt_tokens: 10, completion_tokens: 5, prompt_tokens_details: { cached_tokens: lie } },
      { prompt_tokens: 10, completion_tokens: 5, completion_tokens_details: { reasoning_tokens: lie } },
      { prompt_tokens: 10, completion_tokens: 5, service_tier: lie },
    ]) {
      const text = JSON.stringify({ model: 'gpt-5', usage });
      for (const [type, body] of [
        ['application/json', text],
        ['text/event-stream', `data: ${text}\n\ndata: [DONE]\n\n`],
      ] as const) {
        const { fetch, count } = meter({}, async () => new Response(body, { headers: { 'content-type': type } }));
        assert.equal(await (await fetch('http://host/v1/chat/completions', POST)).text(), body);
        const [event] = await count(1, 0);
        // What the ledger takes; it throws for what it does not.
        parseCostEvent(event, DEFAULTS);
        assert.ok([0, 10].includes(event?.input_tokens ?? -1) && [0, 5].includes(event?.output_tokens ?? -1), text);
        assert.ok(event?.cost_usd === null || event?.usage === 'complete', text);
        assert.notEqual(event?.cost_usd, 0, text);
      }
    }
  }
});

test('names that the ledger would refuse are not taken', async () => {
  for (const model of ['', 'a\nb', '\u001b[2J', 'x'.repeat(10_000), 7, null, { a: 1 }]) {
    const { fetch, count } = meter({}, async () =>
      Response.json({ model, usage: { prompt_tokens: 1, completion_tokens: 1 } }),
    );
    await (await fetch('http://host/v1/chat/completions', POST)).json();
    const [event] = await count(1);
    assert.equal(event?.model, 'gpt-5');
    parseCostEvent(event, DEFAULTS);
  }
});

test('usage that claims a fortune has no price', async () => {
  const usage = { prompt_tokens: 1e9, completion_tokens: 1e9 };
  const { fetch, count } = meter({}, async () => Response.json({ model: 'o1-pro', usage }));
  await (await fetch('http://host/v1/chat/completions', POST)).json();
  const [event] = await count(1);
  parseCostEvent(event, DEFAULTS);
  assert.ok(event?.cost_usd === null || (event?.cost_usd ?? 0) <= 1e6);
});

test('members that reach for prototypes reach nothing', async () => {
  const body =
    '{"model":"gpt-5","usage":{"__proto__":{"prompt_tokens":1,"polluted":1},"constructor":{"prototype":{"polluted":1}}}}';
  const { fetch, count } = meter(
    {},
    async () => new Response(body, { headers: { 'content-type': 'application/json' } }),
  );
  await (await fetch('http://host/v1/chat/completions', POST)).text();
  const [event] = await count(1);
  assert.deepEqual([event?.input_tokens, event?.usage], [0, 'unknown']);
  assert.equal(({} as { polluted?: unknown }).polluted, undefined);
});

test('a report that throws does not reach the caller', async (t) => {
  const host = await provider(
    t,
    send('application/json', '{"model":"gpt-5","usage":{"prompt_tokens":1,"completion_tokens":1}}'),
  );
  const { metered } = await import('../../../src/library/agent.ts');
  const warned = once(process, 'warning');
  const fetch = metered(undefined, {
    report: () => {
      throw new Error('a secret of the reporter');
    },
  });
  const response = await fetch(chat(host.url), POST);
  assert.deepEqual(Object.keys((await response.json()) as object), ['model', 'usage']);
  const [warning] = (await warned) as [Error];
  assert.match(warning.message, /^1 cost event/);
  assert.doesNotMatch(warning.message, /secret/);
});
