import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import OpenAI, { AzureOpenAI } from 'openai';
import { fail, provider, replay, type Script, stall } from './provider.ts';
import { ANTHROPIC, GOOGLE, listed, meter, OPENAI_CHAT, OPENAI_RESPONSE, told } from './support.ts';

const MESSAGES = [{ role: 'user' as const, content: 'The capital of France?' }];

async function openai(t: TestContext, ...scripts: Script[]) {
  const host = await provider(t, ...scripts);
  const metered = meter();
  return { host, metered, client: new OpenAI({ apiKey: 'k', baseURL: `${host.url}/v1`, fetch: metered.fetch }) };
}

async function anthropic(t: TestContext, ...scripts: Script[]) {
  const host = await provider(t, ...scripts);
  const metered = meter();
  return { host, metered, client: new Anthropic({ apiKey: 'k', baseURL: host.url, fetch: metered.fetch }) };
}

async function google(t: TestContext, ...scripts: Script[]) {
  const host = await provider(t, ...scripts);
  const metered = meter();
  const client = new GoogleGenAI({ apiKey: 'k', httpOptions: { baseUrl: host.url, fetch: metered.fetch } });
  return { host, metered, client };
}

describe('openai', () => {
  test('a chat completion', async (t) => {
    const { client, metered, host } = await openai(t, replay('openai-chat.json'));
    const before = Date.now();
    const reply = await client.chat.completions.create({ model: 'gpt-5', messages: MESSAGES });
    assert.equal(reply.choices[0]?.message.content, 'Paris.');
    const [event] = await metered.count(1);
    assert.ok(event !== undefined);
    assert.deepEqual(told(event), OPENAI_CHAT);
    assert.match(String(event.event_id), /^[0-9a-f-]{36}$/);
    const at = Date.parse(String(event.occurred_at));
    assert.ok(at >= before && at <= Date.now());
    assert.deepEqual(host.asked[0]?.body, { model: 'gpt-5', messages: MESSAGES });
  });

  test('a streamed one is asked for its usage, and its text is what it was', async (t) => {
    const { client, metered, host } = await openai(t, replay('openai-chat.sse'));
    const stream = await client.chat.completions.create({ model: 'gpt-5', messages: MESSAGES, stream: true });
    let text = '';
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
    assert.equal(text, 'Paris.');
    assert.deepEqual((await metered.count(1)).map(told), [OPENAI_CHAT]);
    assert.deepEqual(host.asked[0]?.body, {
      model: 'gpt-5',
      messages: MESSAGES,
      stream: true,
      stream_options: { include_usage: true },
    });
  });

  test('who decides for himself is left alone: usage is then unknown, and so is the price', async (t) => {
    const { client, metered, host } = await openai(t, replay('openai-chat.sse'));
    const request = {
      model: 'gpt-5',
      messages: MESSAGES,
      stream: true,
      stream_options: { include_usage: false },
    } as const;
    for await (const _ of await client.chat.completions.create(request));
    const [event] = (await metered.count(1)).map(told);
    assert.deepEqual(event, {
      model: 'gpt-5-2025-08-07',
      provider: 'openai',
      input_tokens: 0,
      output_tokens: 0,
      usage: 'unknown',
      cost_usd: null,
    });
    assert.deepEqual(host.asked[0]?.body, request);
  });

  test('a server that refuses the question gets the request as it was, then and from then on', async (t) => {
    const refusal = fail(422, { detail: [{ type: 'extra_forbidden', loc: ['body', 'stream_options'] }] });
    const { client, metered, host } = await openai(t, refusal, replay('openai-chat.sse'));
    for (let round = 0; round < 2; round++) {
      const stream = await client.chat.completions.create({ model: 'gpt-5', messages: MESSAGES, stream: true });
      for await (const _ of stream);
    }
    await metered.count(2);
    assert.deepEqual(
      host.asked.map(({ body }) => 'stream_options' in body),
      [true, false, false],
    );
  });

  test('another refusal is what the caller sees', async (t) => {
    const { client, metered, host } = await openai(t, fail(400, { error: { message: 'no such model' } }));
    await assert.rejects(
      async () => await client.chat.completions.create({ model: 'x', messages: MESSAGES, stream: true }),
      /400 no such model/,
    );
    assert.equal(host.asked.length, 1);
    await metered.count(0);
  });

  test('responses, in one piece and streamed', async (t) => {
    const { client, metered } = await openai(t, replay('openai-responses.json'), replay('openai-responses.sse'));
    const whole = await client.responses.create({ model: 'gpt-5', input: 'hello' });
    assert.match(whole.output_text, /input_tokens/);
    const types: string[] = [];
    for await (const event of await client.responses.create({ model: 'gpt-5', input: 'hello', stream: true })) {
      types.push(event.type);
    }
    assert.equal(types.at(-1), 'response.completed');
    assert.deepEqual((await metered.count(2)).map(told), [OPENAI_RESPONSE, OPENAI_RESPONSE]);
  });

  test('a response that breaks off has said its model, and nothing of what it used', async (t) => {
    const { client, metered } = await openai(t, stall('openai-responses.sse', 5));
    const stream = await client.responses.create({ model: 'gpt-5', input: 'hello', stream: true });
    for await (const event of stream) if (event.type === 'response.output_text.delta') break;
    const [event] = await metered.count(1);
    assert.deepEqual([event?.model, event?.usage, event?.cost_usd], ['gpt-5-2025-08-07', 'unknown', null]);
  });

  test('embeddings have no output', async (t) => {
    const { client, metered } = await openai(t, replay('openai-embeddings.json'));
    await client.embeddings.create({ model: 'text-embedding-3-small', input: 'hello', encoding_format: 'float' });
    assert.deepEqual((await metered.count(1)).map(told), [
      {
        model: 'text-embedding-3-small',
        provider: 'openai',
        input_tokens: 8_000,
        output_tokens: 0,
        usage: 'complete',
        cost_usd: listed('openai', 'text-embedding-3-small', { input_tokens: 8_000 }),
      },
    ]);
  });

  test('speech says nothing of what it used: the call is recorded all the same', async (t) => {
    const { client, metered } = await openai(t, (response) => {
      response.writeHead(200, { 'Content-Type': 'audio/mpeg' }).end(Buffer.alloc(1_000, 7));
    });
    const speech = await client.audio.speech.create({ model: 'tts-1', voice: 'alloy', input: 'hello' });
    assert.equal((await speech.arrayBuffer()).byteLength, 1_000);
    const [event] = await metered.count(1);
    assert.deepEqual([event?.model, event?.usage, event?.cost_usd], ['tts-1', 'unknown', null]);
  });

  test('Azure', async (t) => {
    const host = await provider(t, replay('openai-chat.json'));
    const metered = meter({ provider: 'azure' });
    const client = new AzureOpenAI({
      apiKey: 'k',
      apiVersion: '2025-04-01-preview',
      endpoint: host.url,
      deployment: 'prod',
      fetch: metered.fetch,
    });
    await client.chat.completions.create({ model: 'prod', messages: MESSAGES });
    const [event] = await metered.count(1);
    assert.match(host.asked[0]?.path ?? '', /\/openai\/deployments\/prod\/chat\/completions/);
    assert.deepEqual([event?.provider, event?.model], ['azure', 'gpt-5-2025-08-07']);
    assert.equal(typeof event?.cost_usd, 'number');
  });

  test('broken off in the middle: what it used is not known', async (t) => {
    const { client, metered } = await openai(t, stall('openai-chat.sse', 2));
    const stream = await client.chat.completions.create({ model: 'gpt-5', messages: MESSAGES, stream: true });
    for await (const _ of stream) break;
    const [event] = await metered.count(1);
    assert.deepEqual(
      [event?.model, event?.input_tokens, event?.usage, event?.cost_usd],
      ['gpt-5-2025-08-07', 0, 'unknown', null],
    );
  });

  test('aborted before the reply has begun: the provider may bill it, so it is recorded', async (t) => {
    const controller = new AbortController();
    const { client, metered } = await openai(t, () => controller.abort());
    const call = client.chat.completions.create({ model: 'gpt-5', messages: MESSAGES }, { signal: controller.signal });
    await assert.rejects(call, OpenAI.APIUserAbortError);
    const [event] = await metered.count(1);
    assert.deepEqual([event?.model, event?.usage, event?.cost_usd], ['gpt-5', 'unknown', null]);
  });

  test('retries of the SDK: what failed is free, what was answered is one event', async (t) => {
    const busy = fail(429, { error: { message: 'slow down' } }, { 'retry-after-ms': '1' });
    const broken = fail(500, { error: { message: 'oops' } }, { 'retry-after-ms': '1' });
    const { client, metered, host } = await openai(t, busy, broken, replay('openai-chat.json'));
    await client.chat.completions.create({ model: 'gpt-5', messages: MESSAGES });
    assert.equal(host.asked.length, 3);
    assert.deepEqual((await metered.count(1)).map(told), [OPENAI_CHAT]);
  });

  test('nobody there: no request went out, and there is no event', async () => {
    const metered = meter();
    const gone = createServer().listen(0, '127.0.0.1');
    await once(gone, 'listening');
    const { port } = gone.address() as AddressInfo;
    await new Promise((resolve) => gone.close(resolve));
    // A port that `fetch` goes to by no means, one that nobody listens at, and a name that is none.
    for (const host of ['127.0.0.1:9', `127.0.0.1:${port}`, 'no-such-host.invalid']) {
      const client = new OpenAI({ apiKey: 'k', baseURL: `http://${host}/v1`, fetch: metered.fetch, maxRetries: 0 });
      await assert.rejects(async () => await client.chat.completions.create({ model: 'gpt-5', messages: MESSAGES }));
    }
    await metered.count(0);
  });

  test('a hundred at the same time, of all kinds: one event each, none mixed up', async (t) => {
    const host = await provider(t, (response, asked) => {
      const events = asked.body.stream === true;
      const number = asked.body.messages[0].content;
      replay(events ? 'openai-chat.sse' : 'openai-chat.json', (text) =>
        text
          .replaceAll(/("prompt_tokens": ?)1817/g, `$1${number}`)
          .replaceAll(/("total_tokens": ?)2019/g, `$1${Number(number) + 202}`),
      )(response, asked);
    });
    const metered = meter();
    const client = new OpenAI({ apiKey: 'k', baseURL: `${host.url}/v1`, fetch: metered.fetch });
    await Promise.all(
      Array.from({ length: 100 }, async (_, index) => {
        const messages = [{ role: 'user' as const, content: String(2_000 + index) }];
        if (index % 2 === 0) {
          await client.chat.completions.create({ model: 'gpt-5', messages });
          return;
        }
        for await (const _ of await client.chat.completions.create({ model: 'gpt-5', messages, stream: true }));
      }),
    );
    const events = await metered.count(100);
    assert.deepEqual(
      events.map((event) => event.input_tokens).sort((a, b) => a - b),
      Array.from({ length: 100 }, (_, index) => 2_000 + index),
    );
    assert.equal(new Set(events.map((event) => event.event_id)).size, 100);
    assert.ok(events.every((event) => event.usage === 'complete' && typeof event.cost_usd === 'number'));
  });

  test('the trace is that of the request, else of the options', async (t) => {
    const host = await provider(t, replay('openai-chat.json'));
    const trace = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' };
    const metered = meter({ trace: () => trace, agent: 'a', team: 't' });
    const client = new OpenAI({ apiKey: 'k', baseURL: `${host.url}/v1`, fetch: metered.fetch });
    await client.chat.completions.create({ model: 'gpt-5', messages: MESSAGES });
    const traceparent = '00-11111111111111111111111111111111-b7ad6b7169203331-01';
    await client.chat.completions.create({ model: 'gpt-5', messages: MESSAGES }, { headers: { traceparent } });
    assert.deepEqual(
      (await metered.count(2)).map(({ trace_id, agent, team }) => [trace_id, agent, team]),
      [
        ['0af7651916cd43dd8448eb211c80319c', 'a', 't'],
        ['1'.repeat(32), 'a', 't'],
      ],
    );
  });

  test('a model that is in no list has a price that is not known', async (t) => {
    const { client, metered } = await openai(
      t,
      replay('openai-chat.json', (text) => text.replace('gpt-5-2025-08-07', 'in-house-7b')),
    );
    await client.chat.completions.create({ model: 'in-house-7b', messages: MESSAGES });
    assert.deepEqual((await metered.count(1)).map(told), [{ ...OPENAI_CHAT, model: 'in-house-7b', cost_usd: null }]);
  });
});

describe('@anthropic-ai/sdk', () => {
  const REQUEST = { model: 'claude-sonnet-5', max_tokens: 1_024, messages: MESSAGES };

  test('a message, in one piece and streamed', async (t) => {
    const { client, metered } = await anthropic(t, replay('anthropic-message.json'), replay('anthropic-message.sse'));
    const whole = await client.messages.create(REQUEST);
    assert.deepEqual(whole.content[0], { type: 'text', text: 'Paris.' });
    const final = await client.messages.stream(REQUEST).finalMessage();
    assert.equal(final.usage.output_tokens, 393);
    assert.deepEqual(
      (await metered.count(2)).map(told),
      // The stream does not say where it ran; the price is the same.
      [ANTHROPIC, ANTHROPIC],
    );
  });

  test('broken off in the middle: the input is known, the output and the price are a lower bound', async (t) => {
    const { client, metered } = await anthropic(t, stall('anthropic-message.sse', 4));
    const stream = await client.messages.create({ ...REQUEST, stream: true });
    for await (const event of stream) if (event.type === 'content_block_delta') break;
    const [event] = (await metered.count(1)).map(told);
    assert.deepEqual(event, {
      model: 'claude-sonnet-4-5-20250929',
      provider: 'anthropic',
      input_tokens: 2_257,
      output_tokens: 2,
      cached_input_tokens: 2_048,
      cache_write_tokens: 188,
      usage: 'partial',
      cost_usd: listed('anthropic', 'claude-sonnet-4-5', {
        input_tokens: 2_257,
        output_tokens: 2,
        cache_read_tokens: 2_048,
        cache_write_tokens: 188,
      }),
    });
  });

  test('a stream that ends with an error is not complete', async (t) => {
    const { client, metered } = await anthropic(t, (response, asked) =>
      replay('anthropic-message.sse', (text) =>
        text.replace(
          /event: message_delta[\s\S]*/,
          'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n',
        ),
      )(response, asked),
    );
    await assert.rejects(client.messages.stream(REQUEST).finalMessage(), /Overloaded/);
    const [event] = await metered.count(1);
    assert.deepEqual([event?.usage, event?.input_tokens, event?.output_tokens], ['partial', 2_257, 2]);
  });

  test('counting tokens is no call of a model', async (t) => {
    const { client, metered } = await anthropic(t, fail(200, { input_tokens: 14 }));
    const { max_tokens: _, ...request } = REQUEST;
    assert.equal((await client.messages.countTokens(request)).input_tokens, 14);
    await metered.count(0);
  });
});

describe('@google/genai', () => {
  const REQUEST = { model: 'gemini-2.5-flash', contents: 'The capital of France?' };

  test('content, in one piece and streamed', async (t) => {
    const { client, metered, host } = await google(t, replay('google-generate.json'), replay('google-generate.sse'));
    assert.equal((await client.models.generateContent(REQUEST)).text, 'Paris.');
    let text = '';
    for await (const chunk of await client.models.generateContentStream(REQUEST)) text += chunk.text ?? '';
    assert.equal(text, 'Paris.');
    assert.deepEqual((await metered.count(2)).map(told), [GOOGLE, GOOGLE]);
    assert.match(host.asked[1]?.path ?? '', /:streamGenerateContent\?alt=sse$/);
  });

  test('broken off in the middle', async (t) => {
    const controller = new AbortController();
    const { client, metered } = await google(t, stall('google-generate.sse', 1));
    const config = { abortSignal: controller.signal };
    const stream = await client.models.generateContentStream({ ...REQUEST, config });
    await assert.rejects(async () => {
      for await (const _ of stream) controller.abort();
    });
    const [event] = await metered.count(1);
    assert.deepEqual(
      [event?.usage, event?.input_tokens, event?.output_tokens, event?.cached_input_tokens],
      ['partial', 1_500, 318, 1_024],
    );
    assert.ok((event?.cost_usd ?? 0) > 0);
  });

  test('left in the middle', async (t) => {
    const { client, metered } = await google(t, stall('google-generate.sse', 1));
    for await (const _ of await client.models.generateContentStream(REQUEST)) break;
    const [event] = await metered.count(1);
    assert.deepEqual([event?.usage, event?.input_tokens, event?.output_tokens], ['partial', 1_500, 318]);
  });

  test('a stream that ends with an error is not complete', async (t) => {
    const { client, metered } = await google(
      t,
      replay('google-generate.sse', (text) =>
        text.replace(
          /data: [^\n]*"is\."[^\n]*/,
          'data: {"error":{"code":503,"message":"gone","status":"UNAVAILABLE"}}\r',
        ),
      ),
    );
    await assert.rejects(async () => {
      for await (const _ of await client.models.generateContentStream(REQUEST));
    });
    const [event] = await metered.count(1);
    assert.deepEqual([event?.usage, event?.input_tokens, event?.output_tokens], ['partial', 1_500, 318]);
  });

  test('embeddings', async (t) => {
    const { client, metered } = await google(t, fail(200, { embeddings: [{ values: [0.1, 0.2] }] }));
    await client.models.embedContent({ model: 'gemini-embedding-001', contents: 'hello' });
    const [event] = await metered.count(1);
    assert.deepEqual([event?.model, event?.usage, event?.cost_usd], ['gemini-embedding-001', 'unknown', null]);
  });

  test('interactions', async (t) => {
    const usage = {
      total_input_tokens: 1_500,
      total_cached_tokens: 1_024,
      total_output_tokens: 12,
      total_thought_tokens: 318,
      total_tokens: 1_830,
    };
    const reply = {
      id: 'i1',
      object: 'interaction',
      model: 'gemini-2.5-flash',
      status: 'completed',
      outputs: [],
      usage,
    };
    const { client, metered, host } = await google(t, fail(200, reply));
    await client.interactions.create({ model: 'gemini-2.5-flash', input: 'hello' });
    assert.match(host.asked[0]?.path ?? '', /\/interactions$/);
    assert.deepEqual((await metered.count(1)).map(told), [GOOGLE]);
  });

  test('an error is free', async (t) => {
    const { client, metered } = await google(t, fail(400, { error: { code: 400, message: 'bad', status: 'INVALID' } }));
    await assert.rejects(client.models.generateContent(REQUEST));
    await metered.count(0);
  });
});
