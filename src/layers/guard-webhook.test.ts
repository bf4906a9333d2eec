import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { Body } from '../body.ts';
import type { Call, Reply, Service } from '../call.ts';
import { OutriderError } from '../errors.ts';
import { finish } from '../guardrails/steps.ts';
import { askWebhooks, type Webhook, type WebhookVerdict } from './guard-webhook.ts';
import { decodeAnswer, encodeQuestion } from './guard-webhook-wire.ts';

const JSON_TYPE = 'application/json';

/** An endpoint that answers as it is told, and keeps what it was asked. */
function endpoint(
  answer: unknown,
  status = 200,
): { send: Service; calls: Call[]; asked: () => Record<string, unknown>[] } {
  const calls: Call[] = [];
  const send = (call: Call): Promise<Reply> => {
    calls.push(call);
    const body: Body = typeof answer === 'string' ? Buffer.from(answer) : Buffer.from(JSON.stringify(answer));
    return Promise.resolve({ status, headers: [], body });
  };
  return { send, calls, asked: () => calls.map(({ body }) => JSON.parse(Buffer.from(body as Uint8Array).toString())) };
}

function hook(send: Service, more: Partial<Webhook> = {}): Webhook {
  return {
    name: 'h',
    target: '/x',
    token: undefined,
    timeoutMs: 1000,
    onError: 'block',
    replace: '[X]',
    send,
    ...more,
  };
}

function ask(
  hooks: readonly Webhook[],
  text: string,
  contentType: string | undefined = JSON_TYPE,
): Promise<WebhookVerdict> {
  const signal = new AbortController().signal;
  const body = { bytes: Buffer.from(text), contentType };
  return askWebhooks(hooks, body, { surface: 'request', agent: 'a', signal });
}

describe('webhook rules', () => {
  it('ask with what they are, where, and the texts of the body', async () => {
    const { send, calls, asked } = endpoint({ action: 'pass' });
    const body = '{"q":"Hello\\u0021", "n": 1}';
    const verdict = await ask([hook(send, { token: 'tok' })], body);
    assert.deepEqual(asked(), [
      {
        version: 1,
        rule: 'h',
        surface: 'request',
        agent: 'a',
        content_type: JSON_TYPE,
        texts: ['q', 'Hello!', 'n', '1'],
      },
    ]);
    const { method, target, headers } = calls[0] ?? assert.fail();
    assert.deepEqual([method, target], ['POST', '/x']);
    assert.deepEqual(headers.slice(-2), ['Authorization', 'Bearer tok']);
    assert.deepEqual(
      { ...verdict, bytes: String(verdict.bytes) },
      { bytes: body, hits: [], blockedBy: undefined, failures: [] },
    );
  });

  it('ask nobody about a body without text', async () => {
    const { send, calls } = endpoint({ action: 'block' });
    for (const text of ['', 'null', '[true,{}]']) assert.equal((await ask([hook(send)], text)).blockedBy, undefined);
    assert.equal((await ask([hook(send)], '\u0000\u0001', 'image/png')).blockedBy, undefined);
    assert.equal(calls.length, 0);
  });

  it('redact exactly what they are told to, wherever it stands, and nothing else', async () => {
    const { send } = endpoint({ action: 'redact', matches: ['Doe, J.', 'Doe, J. (b. 1970)', 'a.c', '42'] });
    const body = '{ "who":"Doe, J. (b. 1970) and Doe, J.", "x":"abc a.c doe, j.", "n": 42, "Doe, J.": 1.50 }';
    const { bytes, hits } = await ask([hook(send)], body);
    assert.equal(String(bytes), '{ "who":"[X] and [X]", "x":"abc [X] doe, j.", "n": "[X]", "[X]": 1.50 }');
    assert.deepEqual(hits, [{ rule: 'h', action: 'redact', count: 5 }]);
    assert.equal(
      String((await ask([hook(send)], 'Doe, J., Doe, J. (b. 1970), a.c, 42', 'text/plain')).bytes),
      '[X], [X], [X], [X]',
    );
  });

  it('leave the built-in rules out of it', async () => {
    const { send } = endpoint({ action: 'redact', matches: ['zz'] });
    assert.equal(String((await ask([hook(send)], 'zz a@example.com', 'text/plain')).bytes), '[X] a@example.com');
  });

  it('block and warn', async () => {
    const blocked = await ask([hook(endpoint({ action: 'block', matches: ['q', 'r'] }).send)], '{"q":1}');
    assert.deepEqual([blocked.blockedBy, blocked.hits], ['h', [{ rule: 'h', action: 'block', count: 2 }]]);
    const warned = await ask([hook(endpoint({ action: 'warn' }).send)], '{"q":1}');
    assert.deepEqual(
      [warned.blockedBy, warned.hits, String(warned.bytes)],
      [undefined, [{ rule: 'h', action: 'warn', count: 1 }], '{"q":1}'],
    );
  });

  it('see what earlier ones left; after a block nobody is asked', async () => {
    const [first, second, third] = [
      endpoint({ action: 'redact', matches: ['Ann'] }),
      endpoint({ action: 'block' }),
      endpoint({}),
    ];
    const { blockedBy, hits } = await ask(
      [hook(first.send), hook(second.send, { name: 'second' }), hook(third.send)],
      '["Ann"]',
    );
    assert.deepEqual(second.asked()[0]?.['texts'], ['[X]']);
    assert.deepEqual([blockedBy, hits], ['second', [{ rule: 'second', action: 'block', count: 1 }]]);
    assert.equal(third.calls.length, 0);
  });
});

describe('without a usable reply', () => {
  const stuck: Service = ({ signal }) =>
    new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(new OutriderError('cancelled', 'left')));
    });
  const dripping: Service = ({ signal }) =>
    Promise.resolve({
      status: 200,
      headers: [],
      body: {
        [Symbol.asyncIterator]: () => ({
          next: () =>
            new Promise((_, reject) => {
              signal.addEventListener('abort', () => reject(new Error('broken off')));
            }),
        }),
      },
    });
  const cases: [string, Service, string][] = [
    ['late', stuck, 'timeout'],
    ['late in the body', dripping, 'timeout'],
    ['not there', () => Promise.reject(new OutriderError('unreachable', 'no')), 'unreachable'],
    ['late by itself', () => Promise.reject(new OutriderError('timeout', 'no')), 'timeout'],
    ['another status', endpoint({ action: 'pass' }, 500).send, 'status'],
    ['a redirect', endpoint({ action: 'pass' }, 307).send, 'status'],
    ['no content', endpoint('', 204).send, 'status'],
    ['no JSON', endpoint('ok').send, 'malformed'],
    ['no action', endpoint({}).send, 'malformed'],
    ['no such action', endpoint({ action: 'allow' }).send, 'malformed'],
    ['no object', endpoint('null').send, 'malformed'],
    ['nothing to redact', endpoint({ action: 'redact' }).send, 'malformed'],
    ['empty text to redact', endpoint({ action: 'redact', matches: ['q', ''] }).send, 'malformed'],
    ['what is not there to redact', endpoint({ action: 'redact', matches: ['q', 'absent'] }).send, 'malformed'],
    ['numbers to redact', endpoint({ action: 'redact', matches: [1] }).send, 'malformed'],
    [
      'too many to redact',
      endpoint({ action: 'redact', matches: Array.from({ length: 257 }, (_, i) => `q${i}`) }).send,
      'malformed',
    ],
    ['too large', endpoint({ action: 'pass', note: 'x'.repeat(65_536) }).send, 'too_large'],
  ];
  for (const [name, send, reason] of cases) {
    it(`${name}: blocks, or passes where it is told to, and says so`, async () => {
      const timeoutMs = reason === 'timeout' ? 20 : 5_000;
      const blocked = await ask([hook(send, { timeoutMs })], '{"q":"v"}');
      assert.equal(blocked.blockedBy, 'h');
      assert.deepEqual([blocked.hits, blocked.failures], [[], [{ rule: 'h', reason, action: 'blocked' }]]);
      const next = endpoint({ action: 'warn' });
      const passed = await ask(
        [hook(send, { timeoutMs, onError: 'pass' }), hook(next.send, { name: 'n' })],
        '{"q":"v"}',
      );
      assert.equal(passed.blockedBy, undefined);
      assert.equal(String(passed.bytes), '{"q":"v"}');
      assert.deepEqual(passed.failures, [{ rule: 'h', reason, action: 'passed' }]);
      assert.deepEqual(passed.hits, [{ rule: 'n', action: 'warn', count: 1 }], 'the next one is asked');
    });
  }

  it('because the caller has left, it is that', async () => {
    const leaving = new AbortController();
    const body = { bytes: Buffer.from('"x"'), contentType: JSON_TYPE };
    const asked = askWebhooks([hook(stuck, { onError: 'pass' })], body, {
      surface: 'mcp',
      agent: 'a',
      signal: leaving.signal,
    });
    leaving.abort();
    await assert.rejects(asked, { code: 'cancelled' });
  });
});

describe('the wire', () => {
  it('carries any texts as they are, in pieces too', () => {
    const long = fc
      .string({ unit: 'binary', minLength: 1 })
      .map((text) => text.repeat(1 + Math.floor(40_000 / text.length)));
    const texts = fc.array(fc.oneof(fc.string({ unit: 'binary' }), long), { maxLength: 5 });
    fc.assert(
      fc.property(texts, (list) => {
        const question = { rule: 'r"', surface: 'a2a', agent: 'ä', content_type: null, texts: list };
        const sent = JSON.parse(Buffer.from(finish(encodeQuestion(question))).toString());
        assert.deepEqual(sent, { version: 1, ...question });
      }),
      { numRuns: 50 },
    );
  });

  it('takes answers with members of later versions, each text once', () => {
    const decode = (value: unknown) => decodeAnswer(Buffer.from(JSON.stringify(value)));
    assert.deepEqual(decode({ action: 'redact', matches: ['a', 'b', 'a'], score: 0.9 }), {
      action: 'redact',
      matches: ['a', 'b'],
    });
    assert.deepEqual(decode({ action: 'pass' }), { action: 'pass', matches: [] });
    assert.equal(decodeAnswer(Buffer.from([0x7b, 0xff])), undefined);
  });
});
