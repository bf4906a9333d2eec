import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { until } from '../../support/until.ts';
import { fixture, provider, replay, type Script, send, stall } from './provider.ts';
import { ANTHROPIC, listed, meter, OPENAI_CHAT, told } from './support.ts';

const POST = { method: 'POST', body: JSON.stringify({ model: 'asked-for' }) };
const chat = (url: string): string => `${url}/v1/chat/completions`;

test('the caller sees the very bytes, the status, the fields and the URL', async (t) => {
  const bytes = randomBytes(300_000);
  const host = await provider(t, (response) => {
    response.writeHead(201, 'Made', {
      'Content-Type': 'application/json',
      'X-Request-Id': 'r1',
      'Set-Cookie': ['a=1', 'b=2'],
    });
    response.end(bytes);
  });
  const { fetch, count } = meter();
  const response = await fetch(`${chat(host.url)}?x=1`, POST);
  assert.deepEqual([response.status, response.statusText, response.ok], [201, 'Made', true]);
  assert.deepEqual([response.url, response.redirected, response.type], [`${chat(host.url)}?x=1`, false, 'basic']);
  assert.equal(response.headers.get('x-request-id'), 'r1');
  assert.deepEqual(response.headers.getSetCookie(), ['a=1', 'b=2']);
  const copy = response.clone();
  const hash = (data: ArrayBuffer) => createHash('sha256').update(new Uint8Array(data)).digest('hex');
  const expected = createHash('sha256').update(bytes).digest('hex');
  assert.equal(hash(await response.arrayBuffer()), expected);
  assert.equal(hash(await copy.arrayBuffer()), expected);
  const [event] = await count(1);
  // Not JSON at all: the call is recorded, and what it used is not known.
  assert.deepEqual([event?.model, event?.usage, event?.cost_usd], ['asked-for', 'unknown', null]);
});

test('what is no call of a model is passed on untouched, whatever it is', async (t) => {
  const seen: unknown[][] = [];
  const reply = new Response('{}');
  const { fetch, count } = meter({}, async (...args) => {
    seen.push(args);
    return reply;
  });
  const request = new Request('http://host/v1/models');
  const init = { method: 'GET' };
  assert.equal(await fetch(request, init), reply);
  assert.equal(seen[0]?.[0], request);
  assert.equal(seen[0]?.[1], init);
  assert.equal(await fetch('http://host/v1/files', POST), reply);
  assert.equal(await fetch('/relative/chat/completions', POST), reply);
  await count(0);
  const aborted = AbortSignal.abort();
  const host = await provider(t, replay('openai-chat.json'));
  await assert.rejects(meter().fetch(chat(host.url), { ...POST, signal: aborted }), { name: 'AbortError' });
  assert.equal(host.asked.length, 0);
});

test('a Request, a URL, a body that is a stream, and gzip', async (t) => {
  const { gzipSync } = await import('node:zlib');
  const host = await provider(t, (response) => {
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' });
    response.end(gzipSync(fixture('openai-chat.json')));
  });
  const { fetch, count } = meter();
  const json = { 'content-type': 'application/json' };
  await (await fetch(new Request(chat(host.url), { ...POST, headers: json }))).json();
  await (await fetch(new URL(chat(host.url)), POST)).text();
  const body = new Blob([POST.body]).stream();
  await (await fetch(chat(host.url), { method: 'POST', body, duplex: 'half' })).bytes();
  assert.deepEqual((await count(3)).map(told), [OPENAI_CHAT, OPENAI_CHAT, OPENAI_CHAT]);
});

test('a request is asked for usage without any other change, and not where it is signed or measured', async (t) => {
  const raw = '{"stream" : true, "seed": 12345678901234567890123, "messages": []}\n';
  const host = await provider(t, replay('openai-chat.sse'));
  const bodies: unknown[] = [];
  const { fetch } = meter({}, async (input, init) => {
    bodies.push(init?.body);
    return globalThis.fetch(input, init);
  });
  const ask = async (body: string, headers: Record<string, string> = {}) =>
    (await fetch(chat(host.url), { method: 'POST', body, headers })).text();
  await ask(raw);
  await ask(raw, { authorization: 'AWS4-HMAC-SHA256 Credential=x' });
  await ask(raw, { 'content-length': String(raw.length) });
  await ask('{"stream":true,"stream_options":{"include_obfuscation":false}}');
  await ask('{"stream":true, broken');
  await ask('{"stream":false,"x":{"stream":true}}');
  assert.deepEqual(bodies, [
    '{"stream" : true, "seed": 12345678901234567890123, "messages": [],"stream_options":{"include_usage":true}}',
    raw,
    raw,
    '{"stream":true,"stream_options":{"include_obfuscation":false,"include_usage":true}}',
    '{"stream":true, broken',
    '{"stream":false,"x":{"stream":true}}',
  ]);
  const { fetch: without } = meter({ askForUsage: false });
  await (await without(chat(host.url), { method: 'POST', body: raw })).text();
  assert.ok(!('stream_options' in (host.asked.at(-1)?.body ?? {})));
});

test('nothing is read ahead: a reader that waits makes the provider wait', async (t) => {
  let written = 0;
  const host = await provider(t, async (response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    const chunk = `data: {"choices":[{"delta":{"content":"${'x'.repeat(65_536)}"}}]}\n\n`;
    while (!response.destroyed && written < 200 * 2 ** 20) {
      written += chunk.length;
      await new Promise((resolve) => response.write(chunk, resolve));
    }
  });
  const { fetch, count } = meter();
  const response = await fetch(chat(host.url), POST);
  const reader = response.body?.getReader();
  await reader?.read();
  let before = -1;
  // What the sockets hold, and no more.
  await until(
    () => {
      const still = written === before;
      before = written;
      return still;
    },
    'the provider waits',
    15_000,
    200,
  );
  assert.ok(written < 30 * 2 ** 20, `${written} bytes were read ahead`);
  await reader?.cancel();
  await count(1);
});

test('a caller that cancels, aborts or loses the connection: one event each', async (t) => {
  const host = await provider(t, stall('anthropic-message.sse', 3));
  const { fetch, count, events } = meter();
  const url = `${host.url}/v1/messages`;
  const first = async (signal?: AbortSignal) => {
    const response = await fetch(url, { ...POST, ...(signal && { signal }) });
    const reader = response.body?.getReader();
    await reader?.read();
    return reader;
  };
  await (await first())?.cancel('enough');
  await count(1);

  const controller = new AbortController();
  const reader = await first(controller.signal);
  const pending = reader?.read();
  controller.abort();
  await assert.rejects(pending ?? Promise.resolve(), { name: 'AbortError' });
  await count(2);

  const timed = await first(AbortSignal.timeout(50));
  await assert.rejects(async () => timed?.read(), { name: 'TimeoutError' });
  await count(3);

  const dying: Script = (response, asked) => {
    stall('anthropic-message.sse', 3)(response, asked);
    setTimeout(() => response.destroy(), 20);
  };
  const cut = await provider(t, dying);
  const response = await fetch(`${cut.url}/v1/messages`, POST);
  await assert.rejects(response.text(), TypeError);
  await count(4);
  for (const event of events) assert.deepEqual([event.usage, event.input_tokens], ['partial', 2_257]);
});

test('a reader that lets go of the body ends the call, unless another one goes on', async (t) => {
  const host = await provider(t, stall('anthropic-message.sse', 3), replay('anthropic-message.sse'));
  const { fetch, count } = meter();
  const ask = async () => {
    const response = await fetch(`${host.url}/v1/messages`, POST);
    const reader = response.body?.getReader();
    await reader?.read();
    reader?.releaseLock();
    return response;
  };
  await ask();
  const [left] = await count(1);
  assert.deepEqual([left?.usage, left?.input_tokens], ['partial', 2_257]);
  for await (const _ of (await ask()).body ?? []);
  assert.deepEqual(told((await count(2))[1] ?? left ?? assert.fail()), ANTHROPIC);
});

test('an abort after the end says nothing new, and nothing is left on a signal that outlives its calls', async () => {
  const { fetch, count } = meter({}, async () => {
    return new Response(fixture('anthropic-message.json'), { headers: { 'content-type': 'application/json' } });
  });
  const controller = new AbortController();
  const { signal } = controller;
  await (await fetch('http://host/v1/messages', { ...POST, signal })).json();
  assert.deepEqual(getEventListeners(signal, 'abort'), []);
  controller.abort();
  assert.deepEqual((await count(1)).map(told), [ANTHROPIC]);
});

test('a reply that nobody reads is recorded when it is gone', async (t) => {
  setFlagsFromString('--expose-gc');
  const gc: () => void = runInNewContext('gc');
  const host = await provider(t, stall('anthropic-message.sse', 3));
  const { fetch, events } = meter();
  await (async () => {
    const response = await fetch(`${host.url}/v1/messages`, POST);
    assert.equal(response.status, 200);
  })();
  await until(() => {
    gc();
    return events.length > 0;
  }, 'the event');
  assert.deepEqual([events.length, events[0]?.usage, events[0]?.model], [1, 'unknown', 'asked-for']);
});

test('the end of a stream counts when its events have said it, however the connection ends', async (t) => {
  const host = await provider(t, (response, asked) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.write(fixture(asked.path.includes('messages') ? 'anthropic-message.sse' : 'openai-chat.sse'));
  });
  const { fetch, count } = meter();
  for (const path of ['/v1/chat/completions', '/v1/messages']) {
    const response = await fetch(host.url + path, POST);
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.cancel();
  }
  assert.deepEqual((await count(2)).map(told), [OPENAI_CHAT, ANTHROPIC]);
});

test('other providers by their hosts, Bedrock by its names', async () => {
  const answer = (body: object) => async () => Response.json(body);
  const usage = { prompt_tokens: 1_000, completion_tokens: 100, total_tokens: 1_100 };
  const groq = meter({}, answer({ model: 'llama-3.3-70b-versatile', usage }));
  await (await groq.fetch('https://api.groq.com/openai/v1/chat/completions', POST)).json();
  const [event] = await groq.count(1);
  assert.deepEqual(
    [event?.provider, event?.cost_usd],
    ['groq', listed('groq', 'llama-3.3-70b-versatile', { input_tokens: 1_000, output_tokens: 100 })],
  );
  const bedrock = meter(
    {},
    answer({ output: {}, usage: { inputTokens: 1_000, outputTokens: 100, totalTokens: 1_100 } }),
  );
  const model = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0';
  const base = 'https://bedrock-runtime.us-east-1.amazonaws.com/model';
  await (await bedrock.fetch(`${base}/${encodeURIComponent(model)}/converse`, POST)).json();
  assert.deepEqual((await bedrock.count(1)).map(told), [
    {
      model,
      provider: 'aws',
      input_tokens: 1_000,
      output_tokens: 100,
      usage: 'complete',
      cost_usd: listed('aws', model, { input_tokens: 1_000, output_tokens: 100 }),
    },
  ]);
  const mine = meter({ provider: 'my-own-hardware' }, answer({ model: 'gpt-5', usage }));
  await (await mine.fetch('http://gpu/v1/chat/completions', POST)).json();
  assert.deepEqual(
    (await mine.count(1)).map(({ provider, cost_usd }) => [provider, cost_usd]),
    [['my-own-hardware', null]],
  );
});

test('it may become the global one', async (t) => {
  const host = await provider(t, replay('openai-chat.json'));
  const before = globalThis.fetch;
  t.after(() => {
    globalThis.fetch = before;
  });
  const { fetch: metered, count } = meter();
  globalThis.fetch = metered;
  await (await globalThis.fetch(chat(host.url), POST)).json();
  assert.deepEqual((await count(1)).map(told), [OPENAI_CHAT]);
});

test('a page of a proxy is no reply of a model', async (t) => {
  const host = await provider(t, send('text/html', '<html>Sign in</html>'));
  const { fetch, count } = meter();
  assert.equal(await (await fetch(chat(host.url), POST)).text(), '<html>Sign in</html>');
  await count(0);
});
