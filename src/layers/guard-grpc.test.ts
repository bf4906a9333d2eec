import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import zlib from 'node:zlib';
import fc from 'fast-check';
import { type Body, isStream, onBodyEnd, readBody } from '../body.ts';
import type { Call, Reply } from '../call.ts';
import { AgentError } from '../contract/agent-error.ts';
import { errorCodec, executeEventCodec, executeReplyCodec, executeRequestCodec } from '../contract/codec.ts';
import { agentErrorFromGrpc, grpcErrorFields } from '../contract/grpc-error.ts';
import type { ExecuteEvent } from '../contract/messages.ts';
import { OutriderError } from '../errors.ts';
import { type Fields, getField } from '../fields.ts';
import { createEngines } from '../guardrails/engine.ts';
import type { RuleConfig } from '../guardrails/rule.ts';
import type { AuditEntry } from '../ledger/port.ts';
import { COMPRESSED, END_STREAM, EnvelopeReader, envelope, TRAILERS } from '../protocols/envelope.ts';
import { Budget } from './body-budget.ts';
import { guard } from './guard.ts';
import { plainFrames } from './guard-grpc-frames.ts';
import { PROBLEM_VOICE } from './guard-voice.ts';
import type { Webhook } from './guard-webhook.ts';

const LIMIT = 200_000;
const SERVICE = '/outrider.agent.v1.AgentService/';
const CARD = '4111 1111 1111 1111';

const RULES: RuleConfig[] = [
  { name: 'no-bomb', type: 'keyword', pattern: 'bomb', action: 'block', replace: '' },
  { name: 'note', type: 'keyword', pattern: 'lawyer', action: 'warn', replace: '' },
  {
    name: 'quoted',
    type: 'keyword',
    pattern: 'secret',
    action: 'redact',
    replace: '[X]',
    skip_paths: ['$.context.quote'],
  },
];

const ENGINES = createEngines(RULES);

type Policy = 'block' | 'pass' | undefined;

interface Sent {
  target?: string;
  type?: string;
  headers?: Fields;
  body?: Body;
  method?: string;
  reply?: Reply;
  policy?: Policy;
  extra?: Partial<Call>;
  holdMs?: number;
  webhooks?: readonly Webhook[];
}

interface Outcome {
  /** What reached the agent. */
  request: Buffer | undefined;
  headers: Fields;
  error: OutriderError | undefined;
  reply: Reply | undefined;
  rows: AuditEntry[];
  ends: string[];
}

/** Sends a call through the layer, reads what the agent would, and gives what the caller would get. */
async function send({ target = 'Execute', type = 'application/grpc', ...sent }: Sent): Promise<Outcome> {
  const rows: AuditEntry[] = [];
  const ends: string[] = [];
  const layer = guard({
    rules: () => ({
      engines: ENGINES,
      settings: { onUnreadable: sent.policy, headers: [], streamHoldMs: sent.holdMs ?? 60_000 },
      webhooks: () => sent.webhooks ?? [],
    }),
    bodyLimit: LIMIT,
    surfaces: { request: 'request', reply: 'response' },
    voice: PROBLEM_VOICE,
    actor: 'agent-1',
    audit: { audit: (entry) => rows.push(entry) },
    now: () => new Date(0),
  });
  const call: Call = {
    method: sent.method ?? 'POST',
    target: target.startsWith('/') ? target : SERVICE + target,
    headers: ['content-type', type, ...(sent.headers ?? [])],
    body: onBodyEnd(sent.body ?? envelope(0, Buffer.from('')), (end) => ends.push(end)),
    signal: new AbortController().signal,
    http2: true,
    ...sent.extra,
  };
  const outcome: Outcome = { request: undefined, headers: [], error: undefined, reply: undefined, rows, ends };
  try {
    outcome.reply = await layer(call, async (patch) => {
      const { body, headers } = { ...call, ...patch };
      outcome.request = Buffer.from(await readBody(body, 10 * LIMIT));
      outcome.headers = headers;
      return sent.reply ?? { status: 200, headers: ['content-type', type], body: null };
    });
  } catch (thrown) {
    assert.ok(thrown instanceof OutriderError, String(thrown));
    outcome.error = thrown;
  }
  return outcome;
}

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size);
}

function framesOf(body: Uint8Array): { flags: number; payload: Uint8Array }[] {
  const reader = new EnvelopeReader(LIMIT);
  reader.push(body);
  const frames: { flags: number; payload: Uint8Array }[] = [];
  for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
    assert.notEqual(frame, 'too_large');
    frames.push(frame as Exclude<typeof frame, 'too_large'>);
  }
  assert.equal(reader.size, 0);
  return frames;
}

const events = (texts: readonly string[], output = 'ok'): Uint8Array[] =>
  [...texts.map((text): ExecuteEvent => ({ chunk: { text } })), { done: reply(output) }].map((event) =>
    executeEventCodec.encode(event),
  );

function reply(output: string) {
  return { output, token_count: 1, execution_time_ms: 2, loop_count: 3, stop_reason: 'completed' };
}

const json = (value: object): Buffer => Buffer.from(JSON.stringify(value));
const frame = (payload: Uint8Array): Uint8Array => envelope(0, payload);
const requestOf = (input: string): Uint8Array => executeRequestCodec.encode({ agent_id: 'a', input });

/** Protocols, by their types: whether messages are JSON, and stand in envelopes. */
const PROTOCOLS: Record<string, { isJson: boolean; isFramed: boolean; end?: Uint8Array; trailers?: Fields }> = {
  'application/grpc': { isJson: false, isFramed: true, trailers: ['grpc-status', '0'] },
  'application/grpc+proto': { isJson: false, isFramed: true, trailers: ['grpc-status', '0'] },
  'Application/GRPC+JSON; charset=utf-8': { isJson: true, isFramed: true, trailers: ['grpc-status', '0'] },
  'application/grpc-web': { isJson: false, isFramed: true, end: envelope(TRAILERS, Buffer.from('grpc-status: 0\r\n')) },
  'application/grpc-web+proto': {
    isJson: false,
    isFramed: true,
    end: envelope(TRAILERS, Buffer.from('grpc-status: 0\r\n')),
  },
  'application/grpc-web+json': {
    isJson: true,
    isFramed: true,
    end: envelope(TRAILERS, Buffer.from('grpc-status: 0\r\n')),
  },
  'application/connect+proto': { isJson: false, isFramed: true, end: envelope(END_STREAM, Buffer.from('{}')) },
  'application/connect+json': { isJson: true, isFramed: true, end: envelope(END_STREAM, Buffer.from('{}')) },
  'application/proto': { isJson: false, isFramed: false },
  'application/json; charset=utf-8': { isJson: true, isFramed: false },
};

const ACTIONS: [action: string, text: string, becomes: string | undefined, event: string][] = [
  ['redact', `card ${CARD} ok`, 'card [REDACTED-CC] ok', 'guardrail.redacted'],
  ['warn', 'ask a lawyer', 'ask a lawyer', 'guardrail.warned'],
  ['block', 'a bomb', undefined, 'guardrail.blocked'],
];

describe('guard, messages of the contract', () => {
  for (const [type, { isJson, isFramed, end, trailers }] of Object.entries(PROTOCOLS)) {
    const message = (bytes: Uint8Array): Uint8Array => (isFramed ? frame(bytes) : bytes);
    const only = (body: Uint8Array): Uint8Array => (isFramed ? (framesOf(body)[0]?.payload ?? assert.fail()) : body);
    const asText = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
    for (const [action, text, becomes, event] of ACTIONS) {
      test(`${type}: ${action}, request`, async () => {
        const value = { agent_id: 'a', input: text };
        const bytes = message(isJson ? json(value) : executeRequestCodec.encode(value));
        for (const body of [bytes, pieces(bytes, 3)]) {
          const { request, error, rows } = await send({ type, body });
          assert.deepEqual(
            rows.map((row) => row.event_type),
            [event],
          );
          assert.equal(rows[0]?.metadata['surface'], 'request');
          if (becomes === undefined) {
            assert.equal(error?.code, 'blocked');
            assert.equal(request, undefined);
            continue;
          }
          assert.ok(request);
          const got = only(request);
          const read = isJson ? (JSON.parse(asText(got)) as typeof value) : executeRequestCodec.decode(got);
          assert.equal(read.input, becomes);
          if (action === 'warn') assert.deepEqual(request, Buffer.from(bytes));
          else assert.equal(rows[0]?.metadata['path'], '$.input');
        }
      });

      test(`${type}: ${action}, reply`, async () => {
        const bytes = message(isJson ? json(reply(text)) : executeReplyCodec.encode(reply(text)));
        const all = Buffer.concat([bytes, end ?? Buffer.alloc(0)]);
        for (const body of [all, pieces(all, 5)]) {
          const came: Reply = {
            status: 200,
            headers: ['content-type', type],
            body,
            ...(trailers && { trailers: Promise.resolve(trailers) }),
          };
          const {
            reply: got,
            error,
            rows,
          } = await send({ type, body: message(isJson ? json({}) : Buffer.alloc(0)), reply: came });
          assert.deepEqual(
            rows.map((row) => row.event_type),
            [event],
          );
          assert.equal(rows[0]?.metadata['surface'], 'response');
          if (becomes === undefined) {
            assert.equal(error?.code, 'blocked');
            continue;
          }
          assert.ok(got);
          const out = Buffer.from(await readBody(got.body, LIMIT));
          const read = isJson
            ? (JSON.parse(asText(only(out))) as { output: string })
            : executeReplyCodec.decode(only(out));
          assert.equal(read.output, becomes);
          if (end !== undefined) assert.ok(out.subarray(-end.length).equals(end));
          if (trailers !== undefined) assert.deepEqual(await got.trailers, trailers);
          if (action === 'warn') assert.deepEqual(out, all);
        }
      });

      if (!isFramed) continue;
      test(`${type}: ${action}, reply that streams`, async () => {
        const half = Math.floor(text.length / 2);
        const sent: ExecuteEvent[] = [
          { chunk: { text: text.slice(0, half) } },
          { chunk: { text: text.slice(half) } },
          { done: reply('ok') },
        ];
        const frames = sent.map((event) => frame(isJson ? json(event) : executeEventCodec.encode(event)));
        const all = Buffer.concat([...frames, end ?? Buffer.alloc(0)]);
        for (const body of [all, pieces(all, 4)]) {
          const came: Reply = {
            status: 200,
            headers: ['content-type', type],
            body,
            ...(trailers && { trailers: Promise.resolve(trailers) }),
          };
          const {
            reply: got,
            error,
            rows,
          } = await send({
            target: 'ExecuteStream',
            type,
            body: frame(isJson ? json({}) : Buffer.alloc(0)),
            reply: came,
          });
          if (body === all && becomes === undefined) {
            assert.equal(error?.code, 'blocked', 'nothing was sent yet');
            continue;
          }
          assert.ok(got);
          const out = Buffer.from(await readBody(got.body, LIMIT));
          const last = await got.trailers;
          assert.deepEqual(
            rows.map((row) => row.event_type),
            [event],
          );
          const parts = framesOf(out);
          const failed = becomes === undefined;
          if (end !== undefined) {
            const final = parts.pop() ?? assert.fail();
            assert.equal(final.flags, end[0]);
            if (failed) assert.match(asText(final.payload), /grpc-status: 7|permission_denied/);
            else assert.ok(out.subarray(-end.length).equals(end));
          } else if (failed) {
            assert.equal(getField(last ?? [], 'grpc-status'), '7');
          } else {
            assert.deepEqual(last, trailers);
          }
          const read = parts.map(({ payload }) =>
            isJson ? (JSON.parse(asText(payload)) as ExecuteEvent) : executeEventCodec.decode(payload),
          );
          const output = read.map(({ chunk }) => chunk?.text ?? '').join('');
          if (failed) assert.doesNotMatch(output, /bomb/);
          else assert.equal(output, becomes);
          assert.equal(
            read.some(({ done }) => done !== undefined),
            !failed,
          );
          if (action === 'warn') assert.deepEqual(out, all);
        }
      });
    }
  }
});

/** A stream of events as the caller gets it. */
async function streamed(
  payloads: readonly Uint8Array[],
  {
    headers = [],
    size = 9,
    policy,
    trailers = ['grpc-status', '0'],
  }: { headers?: Fields; size?: number; policy?: Policy; trailers?: Fields } = {},
  raw: Uint8Array = Buffer.concat(payloads.map(frame)),
) {
  const came: Reply = {
    status: 200,
    headers: ['content-type', 'application/grpc', ...headers],
    body: pieces(raw, size),
    trailers: Promise.resolve(trailers),
  };
  const body = frame(requestOf('hello'));
  const { reply: got, rows } = await send({ target: 'ExecuteStream', body, reply: came, policy });
  assert.ok(got && isStream(got.body));
  const out = Buffer.from(await readBody(got.body, LIMIT));
  return { out, rows, trailers: (await got.trailers) ?? [] };
}

describe('guard, streams of messages', () => {
  test('a card over two messages is found wherever it is cut, and however the bytes come', async () => {
    const text = `a ${CARD} b`;
    for (let at = 1; at < text.length; at++) {
      for (const size of [1, 7, 1000]) {
        const { out } = await streamed(events([text.slice(0, at), text.slice(at)]), { size });
        const read = framesOf(out).map(({ payload }) => executeEventCodec.decode(payload));
        assert.equal(read.length, 3);
        assert.equal(read.map(({ chunk }) => chunk?.text ?? '').join(''), 'a [REDACTED-CC] b');
      }
    }
  });

  test('says what the stream of events on HTTP says', async () => {
    const words = [
      'mail a',
      'b@',
      'example',
      '.com ',
      CARD,
      '4111 ',
      '1111',
      ' 1111 1111',
      'a secret',
      ' x',
      '123-45-',
      '6789',
      '\n"\\',
    ];
    const texts = fc.array(fc.constantFrom(...words), { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(texts, fc.constantFrom(...words), async (chunks, output) => {
        const { out, rows } = await streamed(events(chunks, output));
        const read = framesOf(out).map(({ payload }) => executeEventCodec.decode(payload));
        const lines = chunks.map((text) => `event: chunk\ndata: ${JSON.stringify({ text })}\n\n`);
        lines.push(`event: done\ndata: ${JSON.stringify(reply(output))}\n\n`);
        const onHttp = await send({
          target: '/v1/agents/a/execute/stream',
          type: 'application/json',
          body: json({ input: 'hello' }),
          reply: {
            status: 200,
            headers: ['content-type', 'text/event-stream'],
            body: pieces(Buffer.from(lines.join('')), 20),
          },
        });
        const text = Buffer.from(await readBody(onHttp.reply?.body ?? null, LIMIT)).toString();
        const data = Array.from(text.matchAll(/^data: (.*)$/gm), ([, value]) => JSON.parse(value ?? '') as object);
        assert.deepEqual(
          read.map(({ chunk, done }) => chunk ?? done),
          data,
        );
        assert.deepEqual(rows, onHttp.rows);
      }),
    );
  });

  test('a clean stream passes byte for byte, compressed messages too', async () => {
    const plain = events(['Hello ', 'world, ', 'é ', 'all is well.']);
    assert.deepEqual((await streamed(plain)).out, Buffer.concat(plain.map(frame)));
    for (const [coding, compress] of Object.entries(CODINGS)) {
      const raw = Buffer.concat([
        ...plain.map((bytes) => envelope(COMPRESSED, compress(bytes))),
        frame(plain[0] as Uint8Array),
      ]);
      assert.deepEqual((await streamed([], { headers: ['grpc-encoding', coding] }, raw)).out, raw, coding);
    }
  });

  test('in compressed messages texts are found; what was changed leaves without compression', async () => {
    for (const [coding, compress] of Object.entries(CODINGS)) {
      const raw = Buffer.concat(
        events([`a ${CARD.slice(0, 9)}`, `${CARD.slice(9)} b`]).map((bytes) => envelope(COMPRESSED, compress(bytes))),
      );
      const { out } = await streamed([], { headers: ['grpc-encoding', coding] }, raw);
      const frames = framesOf(out);
      assert.deepEqual(
        frames.map(({ flags }) => flags),
        [0, 0, COMPRESSED],
        coding,
      );
      const texts = frames.slice(0, 2).map(({ payload }) => executeEventCodec.decode(payload).chunk?.text);
      assert.equal(texts.join(''), 'a [REDACTED-CC] b');
    }
  });

  test('messages leave before the stream is over', async () => {
    const [first, second] = events(['one. ', 'two. ']) as [Uint8Array, Uint8Array];
    let asked = 0;
    const body = (async function* () {
      for (const payload of [first, second]) {
        asked++;
        yield frame(payload);
      }
      await new Promise(() => undefined);
    })();
    const came: Reply = { status: 200, headers: ['content-type', 'application/grpc'], body };
    const { reply: got } = await send({ target: 'ExecuteStream', body: frame(requestOf('x')), reply: came });
    assert.ok(got && isStream(got.body));
    const reader = got.body[Symbol.asyncIterator]();
    assert.deepEqual((await reader.next()).value, frame(first));
    assert.equal(asked, 1);
    assert.deepEqual((await reader.next()).value, frame(second));
  });

  const broken: Record<string, [raw: Uint8Array, reason: string, headers?: Fields]> = {
    'a message that is none': [frame(Buffer.from('not protobuf 123-45-6789')), 'invalid_message'],
    'a flag that nobody has': [envelope(4, Buffer.from('123-45-6789')), 'invalid_message'],
    'a last message of another protocol': [envelope(TRAILERS, Buffer.from('x: 123-45-6789')), 'invalid_message'],
    'a piece of a message': [frame(Buffer.from('x 123-45-6789')).subarray(0, -1), 'invalid_message'],
    'compression that was not declared': [envelope(1, zlib.gzipSync('123-45-6789')), 'unknown_encoding'],
    'compression that is not known': [
      envelope(1, Buffer.from('123-45-6789')),
      'unknown_encoding',
      ['grpc-encoding', 'snappy'],
    ],
    'compression that is none': [
      envelope(1, Buffer.from('123-45-6789')),
      'malformed_encoding',
      ['grpc-encoding', 'gzip'],
    ],
    'something after what is compressed': [
      envelope(1, Buffer.concat([zlib.gzipSync(''), Buffer.from('123-45-6789')])),
      'malformed_encoding',
      ['grpc-encoding', 'gzip'],
    ],
  };
  for (const [name, [raw, reason, headers = []]] of Object.entries(broken)) {
    test(`is broken off, and never ends well: ${name}`, async () => {
      const before = frame(events(['ok. '])[0] as Uint8Array);
      for (const size of [1, 1000]) {
        const { out, rows, trailers } = await streamed([], { headers, size }, Buffer.concat([before, raw]));
        assert.equal(getField(trailers, 'grpc-status'), '13');
        assert.doesNotMatch(out.toString('latin1'), /6789/);
        assert.deepEqual(
          rows.map(({ metadata }) => metadata['reason']),
          [reason],
        );
      }
    });
    test(`passes as text where it may: ${name}`, async () => {
      const { out, trailers } = await streamed([], { headers, policy: 'pass' }, raw);
      assert.equal(getField(trailers, 'grpc-status'), '0');
      if (reason === 'invalid_message' && name !== 'a piece of a message')
        assert.match(out.toString('latin1'), /REDACTED-SSN/);
      assert.doesNotMatch(out.toString('latin1'), /123-45-6789/);
    });
  }

  test('a message larger than the limit, as it says or as it becomes, ends the stream', async () => {
    const large = Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 1]);
    const bomb = envelope(1, zlib.gzipSync(Buffer.alloc(10 * LIMIT)));
    for (const raw of [large, bomb]) {
      const { out, trailers } = await streamed([], { headers: ['grpc-encoding', 'gzip'], policy: 'pass' }, raw);
      assert.equal(getField(trailers, 'grpc-status'), '13');
      assert.equal(out.length, 0);
    }
  });
});

const CODINGS: Record<string, (bytes: Uint8Array) => Uint8Array> = {
  gzip: (bytes) => zlib.gzipSync(bytes),
  deflate: (bytes) => zlib.deflateSync(bytes),
  br: (bytes) => zlib.brotliCompressSync(bytes),
};

describe('guard, messages that are held', () => {
  test('of a silent stream, what gives little away leaves after the pause, and no more', async () => {
    const body = (async function* () {
      for (const payload of events(['word', ' ', '4111 1111']).slice(0, 3)) yield frame(payload);
      await new Promise(() => undefined);
    })();
    const came: Reply = { status: 200, headers: ['content-type', 'application/grpc'], body };
    const { reply: got } = await send({
      target: 'ExecuteStream',
      body: frame(requestOf('x')),
      reply: came,
      holdMs: 20,
    });
    assert.ok(got && isStream(got.body));
    const reader = got.body[Symbol.asyncIterator]();
    const texts: (string | undefined)[] = [];
    while (texts.length < 2) {
      const { value } = await reader.next();
      for (const { payload } of framesOf(value ?? assert.fail()))
        texts.push(executeEventCodec.decode(payload).chunk?.text);
    }
    assert.deepEqual(texts, ['word', ' ']);
    const more = await Promise.race([
      reader.next(),
      new Promise((resolve) => {
        setTimeout(resolve, 100, 'held');
      }),
    ]);
    assert.equal(more, 'held');
  });

  test('a webhook is asked of the whole: messages as JSON, streams as events', async () => {
    const asked: { content_type: string; texts: string[] }[] = [];
    const webhook: Webhook = {
      name: 'policy',
      target: '/check',
      token: undefined,
      timeoutMs: 1000,
      onError: 'block',
      replace: '[P]',
      async send({ body }) {
        asked.push(JSON.parse(Buffer.from(await readBody(body, LIMIT)).toString()) as (typeof asked)[0]);
        return {
          status: 200,
          headers: ['content-type', 'application/json'],
          body: json({ action: 'redact', matches: ['hello'] }),
        };
      },
    };
    const webhooks = [webhook];
    const raw = Buffer.concat(events(['say ', 'hello', '!'], 'hello').map(frame));
    const came: Reply = {
      status: 200,
      headers: ['content-type', 'application/grpc'],
      body: pieces(raw, 9),
      trailers: Promise.resolve(['grpc-status', '0']),
    };
    const { request, reply: got } = await send({
      target: 'ExecuteStream',
      body: frame(requestOf('hello')),
      reply: came,
      webhooks,
    });
    assert.deepEqual(
      asked.map(({ content_type }) => content_type),
      ['application/json', 'text/event-stream'],
    );
    assert.ok(asked[0]?.texts.includes('hello'));
    const [sent] = framesOf(request ?? assert.fail());
    assert.equal(executeRequestCodec.decode(sent?.payload ?? assert.fail()).input, '[P]');
    const read = framesOf(await readBody(got?.body ?? null, LIMIT)).map(({ payload }) =>
      executeEventCodec.decode(payload),
    );
    assert.deepEqual(
      read.map(({ chunk, done }) => chunk?.text ?? done?.output),
      ['say ', '[P]', '!', '[P]'],
    );
    assert.deepEqual(await got?.trailers, ['grpc-status', '0']);
  });

  test('what is signed cannot be changed', async () => {
    const headers = ['signature-input', 'sig=("content-digest")'];
    const { error, request } = await send({ body: frame(requestOf(CARD)), headers });
    assert.deepEqual([error?.code, error?.details?.['reason'], request], ['blocked', 'signed', undefined]);
    assert.equal((await send({ body: frame(requestOf('clean')), headers })).error, undefined);
  });

  test('what is held of a compressed message counts, as it comes and as it becomes', async () => {
    const message = envelope(COMPRESSED, zlib.gzipSync(Buffer.alloc(150_000)));
    const plain = (budget: Budget): AsyncIterator<Uint8Array> =>
      plainFrames(pieces(message, 10), { coding: 'gzip', limit: LIMIT, unpacked: new Map(), hold: budget.hold() })[
        Symbol.asyncIterator
      ]();
    const budget = new Budget(160_000);
    assert.equal((await plain(budget).next()).value?.length, 150_005);
    assert.ok(budget.held > 150_000);
    await assert.rejects(
      plain(budget).next(),
      (error) => error instanceof OutriderError && error.code === 'overloaded',
    );
  });
});

describe('guard, how a call ends', () => {
  const error = new AgentError('agent_failed', `cannot charge ${CARD}, 100% sure`, { details: { note: CARD } });

  test('the message and the details of an error are redacted', async () => {
    const trailers = [...grpcErrorFields(error), 'x-other', 'y'];
    const streamedEnd = (await streamed([], { trailers })).trailers;
    const inHeaders: Reply = { status: 200, headers: ['content-type', 'application/grpc', ...trailers], body: null };
    const alone = (await send({ body: frame(requestOf('x')), reply: inHeaders })).reply?.headers ?? [];
    const empty: Reply = {
      status: 200,
      headers: ['content-type', 'application/grpc'],
      body: pieces(Buffer.alloc(0), 1),
      trailers: Promise.resolve(trailers),
    };
    const unary = (await (await send({ body: frame(requestOf('x')), reply: empty })).reply?.trailers) ?? [];
    for (const fields of [streamedEnd, alone, unary]) {
      const got = agentErrorFromGrpc(2, '', getField(fields, 'grpc-status-details-bin'));
      assert.equal(got.message, 'cannot charge [REDACTED-CC], 100% sure');
      assert.deepEqual(got.details, { note: '[REDACTED-CC]' });
      assert.equal(getField(fields, 'grpc-message'), 'cannot charge [REDACTED-CC], 100%25 sure');
      assert.equal(getField(fields, 'grpc-status'), '2');
      assert.equal(getField(fields, 'x-other'), 'y');
    }
  });

  test('clean ones are as they came; details that cannot be read are left out', async () => {
    const clean = grpcErrorFields(new AgentError('not_found', 'no agent “x”'));
    assert.deepEqual((await streamed([], { trailers: clean })).trailers, clean);
    const bad = ['grpc-status', '2', 'grpc-status-details-bin', Buffer.from('{"x: 123-45-6789').toString('base64')];
    assert.deepEqual((await streamed([], { trailers: bad })).trailers, ['grpc-status', '2']);
  });

  test('a rule that blocks makes another error of it', async () => {
    const fields = grpcErrorFields(new AgentError('agent_failed', 'a bomb'));
    const { trailers, rows } = await streamed(events(['ok']), { trailers: fields });
    assert.equal(getField(trailers, 'grpc-status'), '7');
    assert.doesNotMatch(JSON.stringify(trailers), /a bomb|a%20bomb/);
    assert.equal(rows[0]?.event_type, 'guardrail.blocked');
    const empty: Reply = {
      status: 200,
      headers: ['content-type', 'application/grpc'],
      body: pieces(Buffer.alloc(0), 1),
      trailers: Promise.resolve(fields),
    };
    assert.equal((await send({ body: frame(requestOf('x')), reply: empty })).error?.code, 'blocked');
  });

  const detail = {
    type: 'outrider.agent.v1.Error',
    value: Buffer.from(errorCodec.encode({ code: 'x', message: CARD })).toString('base64'),
  };
  const document = { code: 'unknown', message: `m ${CARD}`, details: [detail] };
  const detailMessage = (value: string): unknown => errorCodec.decode(Buffer.from(value, 'base64')).message;

  test('Connect: an error of a unary call, with what is in base64', async () => {
    for (const body of [json(document), pieces(json(document), 9)]) {
      const came: Reply = { status: 500, headers: ['content-type', 'application/json'], body };
      const { reply: got } = await send({ type: 'application/proto', body: requestOf('x'), reply: came });
      const read = JSON.parse(Buffer.from(await readBody(got?.body ?? null, LIMIT)).toString()) as typeof document;
      assert.equal(read.message, 'm [REDACTED-CC]');
      assert.equal(detailMessage(read.details[0]?.value ?? ''), '[REDACTED-CC]');
    }
    const only = { ...document, message: 'm' };
    const came: Reply = { status: 500, headers: ['content-type', 'application/json'], body: json(only) };
    const { reply: got } = await send({ type: 'application/json', body: json({ input: 'x' }), reply: came });
    const read = JSON.parse(Buffer.from(await readBody(got?.body ?? null, LIMIT)).toString()) as typeof document;
    assert.equal(detailMessage(read.details[0]?.value ?? ''), '[REDACTED-CC]', 'nothing else was found');
  });

  test('Connect: an error at the end of a stream; gRPC-Web: trailers in the body', async () => {
    const lines = grpcErrorFields(error).reduce((out, text, i) => out + text + (i % 2 === 0 ? ': ' : '\r\n'), '');
    const ends: [type: string, end: Uint8Array][] = [
      ['application/connect+proto', envelope(END_STREAM, json({ error: document }))],
      ['application/grpc-web', envelope(TRAILERS, Buffer.from(lines))],
    ];
    for (const [type, end] of ends) {
      for (const target of ['ExecuteStream', 'Execute']) {
        const came: Reply = { status: 200, headers: ['content-type', type], body: pieces(end, 11) };
        const { reply: got } = await send({ target, type, body: frame(requestOf('x')), reply: came });
        const out = Buffer.from(await readBody(got?.body ?? null, LIMIT));
        const [last] = framesOf(out);
        assert.equal(last?.flags, end[0]);
        const text = Buffer.from(last?.payload ?? []).toString();
        assert.match(text, /REDACTED-CC/);
        assert.ok(!text.includes(CARD));
        const value = /"value":"([^"]+)"/.exec(text)?.[1];
        if (value !== undefined) assert.equal(detailMessage(value), '[REDACTED-CC]');
      }
    }
  });

  test('nothing may follow the end', async () => {
    const all = Buffer.concat([envelope(END_STREAM, Buffer.from('{}')), frame(events([CARD])[0] as Uint8Array)]);
    for (const body of [all, pieces(all, 4)]) {
      const came: Reply = { status: 200, headers: ['content-type', 'application/connect+proto'], body };
      const { reply: got, error } = await send({
        target: 'ExecuteStream',
        type: 'application/connect+proto',
        body: frame(requestOf('x')),
        reply: came,
      });
      if (body === all) assert.equal(error?.code, 'unreadable');
      else assert.match(Buffer.from(await readBody(got?.body ?? null, LIMIT)).toString(), /"code":"internal"/);
    }
  });
});

describe('guard, what tries to pass in messages', () => {
  const tagged = (tag: number[], text: string | Uint8Array): Buffer => {
    const content = Buffer.from(text as string);
    return Buffer.concat([Buffer.from(tag), Buffer.from([content.length]), content]);
  };
  const clean = Buffer.from(requestOf('hi'));
  const dirty = Buffer.from(requestOf(CARD));

  const refused: Record<string, Sent> = {
    'two messages': { body: Buffer.concat([frame(clean), frame(dirty)]) },
    'bytes behind the message': { body: Buffer.concat([frame(clean), Buffer.from(CARD)]) },
    'a last message in a request': {
      type: 'application/connect+proto',
      body: Buffer.concat([frame(clean), envelope(2, Buffer.from(CARD))]),
    },
    'an unknown flag': { body: envelope(64, dirty) },
    'compression without a name': { body: envelope(1, zlib.gzipSync(dirty)) },
    'compression by an unknown name': { body: envelope(1, zlib.gzipSync(dirty)), headers: ['grpc-encoding', 'x'] },
    'compression with two names': {
      body: envelope(1, zlib.gzipSync(dirty)),
      headers: ['grpc-encoding', 'gzip', 'grpc-encoding', 'br'],
    },
    'a content coding around envelopes': { body: zlib.gzipSync(frame(dirty)), headers: ['content-encoding', 'gzip'] },
    'an unknown content coding': { type: 'application/proto', body: dirty, headers: ['content-encoding', 'x'] },
    'a field twice': { body: frame(Buffer.concat([dirty, tagged([0x12], 'hi')])) },
    'both members of a choice': {
      body: frame(tagged([0x22], Buffer.concat([tagged([0x0a], CARD), tagged([0x1a], 'x')]))),
    },
    'a list in two stretches': {
      body: frame(Buffer.concat([tagged([0x22], ''), tagged([0x12], 'x'), tagged([0x22], tagged([0x0a], CARD))])),
    },
    'a text that is written as a number': { body: frame(Buffer.concat([Buffer.from([0x10]), tagged([], CARD)])) },
    'a length beyond the message': { body: frame(Buffer.concat([Buffer.from([0x12, 200]), Buffer.from(CARD)])) },
    'a part that reaches beyond itself': {
      body: frame(Buffer.concat([Buffer.from([0x22, 2, 0x0a, CARD.length]), Buffer.from(CARD)])),
    },
    'a tag of six bytes': {
      body: frame(Buffer.concat([Buffer.from([0x92, 0x80, 0x80, 0x80, 0x80, 0]), tagged([], CARD)])),
    },
    'a length of six bytes': {
      body: frame(Buffer.concat([Buffer.from([0x12, 0x93, 0x80, 0x80, 0x80, 0x80, 0]), Buffer.from(CARD)])),
    },
    'a text that is not UTF-8': {
      body: frame(tagged([0x12], Buffer.concat([Buffer.from([0xff]), Buffer.from(CARD)]))),
    },
    'a value before its key': {
      body: frame(tagged([0x3a], Buffer.concat([tagged([0x12], CARD), tagged([0x0a], 'k')]))),
    },
    'base64 (gRPC-Web text)': {
      type: 'application/grpc-web-text',
      body: Buffer.from(Buffer.from(frame(dirty)).toString('base64')),
    },
    'a codec that nobody has': { type: 'application/grpc+thrift', body: frame(dirty) },
    'no such type': { type: 'application/grpcx', body: frame(dirty) },
    'two types': { body: frame(dirty), headers: ['content-type', 'application/json'] },
    'a type for text': { type: 'text/plain', body: frame(dirty) },
    'bytes without a meaning': { type: 'application/octet-stream', body: frame(dirty) },
    'a JSON type, but no JSON': { type: 'application/json', body: frame(dirty) },
    'JSON with a mark before it': {
      type: 'application/grpc+json',
      body: frame(Buffer.from(`\ufeff{"input":"${CARD}"}`)),
    },
    'JSON in an envelope that is none': {
      type: 'application/grpc+json',
      body: frame(Buffer.from(`{"input":"${CARD}`)),
    },
    'a message in the query': {
      method: 'GET',
      target: 'Execute?encoding=proto&base64=1&mess%61ge=EhM0',
      extra: { body: null },
    },
  };
  for (const [name, sent] of Object.entries(refused)) {
    test(`is refused: ${name}`, async () => {
      const { error, request, rows } = await send(sent);
      assert.ok(error, 'passed');
      assert.equal(error.status >= 400 && error.status < 500, true);
      assert.equal(request, undefined);
      assert.equal(rows[0]?.event_type, 'guardrail.unreadable');
    });
  }

  const redacted: Record<string, Sent> = {
    'a longer length than needed': {
      body: frame(Buffer.concat([Buffer.from([0x12, 0x80 | CARD.length, 0x80, 0]), Buffer.from(CARD)])),
    },
    'a longer tag than needed': { body: frame(Buffer.concat([Buffer.from([0x92, 0x80, 0]), tagged([], CARD)])) },
    'a field that nobody knows': { body: frame(Buffer.concat([clean, tagged([0xf2, 0x01], CARD)])) },
    'a message in such a field, of which the length looks like a digit': {
      body: frame(Buffer.concat([clean, tagged([0xf2, 0x01], tagged([0x32], `${CARD}${' '.repeat(30)}.`))])),
    },
    'a group that nobody knows': {
      body: frame(Buffer.concat([clean, Buffer.from([0xf3, 1]), tagged([0x0a], CARD), Buffer.from([0xf4, 1])])),
    },
    'a number that nobody knows': {
      body: frame(Buffer.concat([clean, Buffer.from([0xf0, 1, 0xc7, 0xe3, 0xa3, 0xab, 0x8a, 0xe1, 0xa6, 0x7])])),
    },
    'a path in another case': { target: SERVICE.toLowerCase() + 'execute', body: frame(dirty) },
    'a path with dots': { target: `/x/..${SERVICE}./Execute`.replace('/./', '/'), body: frame(dirty) },
    'an encoded path': { target: SERVICE.replaceAll('.', '%2e') + 'Execute', body: frame(dirty) },
    'a path that is encoded twice': { target: SERVICE.replaceAll('.', '%252E') + 'Execute', body: frame(dirty) },
    'a path with a query': { target: 'Execute?x=/', body: frame(dirty) },
    'a path below another': { target: `/api${SERVICE}Execute`, body: frame(dirty) },
    'a method that nobody knows': { target: 'Explain', body: frame(dirty) },
    'a type with parameters': { type: 'application/grpc;x=y', body: frame(dirty) },
    'a part of data that is text': { body: frame(tagged([0x22], tagged([0x12], `note: ${CARD}`))) },
    'a number of a struct': {
      body: frame(
        Buffer.from(executeRequestCodec.encode({ agent_id: 'a', input: 'x', context: { n: 4111111111111111 } })),
      ),
    },
    'the name of a member': {
      body: frame(Buffer.from(executeRequestCodec.encode({ agent_id: 'a', input: 'x', metadata: { [CARD]: 'x' } }))),
    },
    'a name that says what a number is': {
      body: frame(
        Buffer.from(executeRequestCodec.encode({ agent_id: 'a', input: 'x', context: { ssn: '123456789' } })),
      ),
    },
    'full-width digits': { body: frame(requestOf(CARD.replaceAll('1', '１'))) },
  };
  for (const [name, sent] of Object.entries(redacted)) {
    test(`is redacted: ${name}`, async () => {
      const { error, request, rows } = await send(sent);
      assert.equal(error, undefined);
      assert.ok(request);
      assert.ok(
        !request.includes(CARD) && !request.includes('123456789') && !request.includes('１'),
        request.toString('latin1'),
      );
      assert.ok(!JSON.stringify(rows).includes('4111'));
      assert.deepEqual(
        rows.map(({ event_type }) => event_type),
        ['guardrail.redacted'],
      );
      const [message] = framesOf(request);
      assert.doesNotThrow(() => executeRequestCodec.decode(message?.payload ?? assert.fail()));
    });
  }

  test('what a rule leaves alone on HTTP, it leaves alone here', async () => {
    const context = { quote: 'a secret', other: 'a secret' };
    const body = frame(executeRequestCodec.encode({ agent_id: 'a', input: 'x', context }));
    const { request } = await send({ body });
    const read = executeRequestCodec.decode(framesOf(request ?? assert.fail())[0]?.payload ?? assert.fail());
    assert.deepEqual(read.context, { quote: 'a secret', other: 'a [X]' });
  });

  test('fields that nobody knows, and are clean, stay beside what is changed', async () => {
    const unknown = tagged([0xf2, 0x01], 'kept');
    const { request } = await send({ body: frame(Buffer.concat([unknown, dirty])) });
    const [message] = framesOf(request ?? assert.fail());
    assert.ok(
      Buffer.from(message?.payload ?? [])
        .subarray(0, unknown.length)
        .equals(unknown),
    );
    assert.equal(executeRequestCodec.decode(message?.payload ?? assert.fail()).input, '[REDACTED-CC]');
  });

  test('where what cannot be read may pass, text in it is redacted all the same', async () => {
    const { request, error } = await send({
      body: Buffer.concat([frame(clean), Buffer.from(`x ${CARD}`)]),
      policy: 'pass',
    });
    assert.equal(error, undefined);
    assert.match(request?.toString('latin1') ?? '', /REDACTED-CC/);
  });

  test('messages in messages come to an end', async () => {
    let value = tagged([0x1a], CARD);
    for (let i = 0; i < 200; i++) {
      const length = value.length < 128 ? [value.length] : [(value.length & 127) | 128, value.length >> 7];
      value = Buffer.concat([
        Buffer.from([0x32, ...length]),
        Buffer.concat([Buffer.from([0x0a]), Buffer.from(length), value]),
      ]).subarray(0);
    }
    const { error } = await send({ body: frame(Buffer.concat([Buffer.from([0x22]), value])) });
    assert.equal(error?.code, 'bad_request');
  });

  test('the body that is refused is given up', async () => {
    const body = pieces(Buffer.concat([Buffer.from([0, 0xff, 0xff, 0xff, 0xff]), Buffer.alloc(2 * LIMIT)]), 1000);
    const { error, ends } = await send({ body });
    assert.equal(error?.code, 'body_too_large');
    assert.deepEqual(ends, ['cancelled']);
  });
});

describe('guard, other services', () => {
  test('pass byte for byte, without waiting for either side', async () => {
    const waiting = (): AsyncIterable<Uint8Array> & { put: (bytes: Uint8Array) => void } => {
      const ready: Uint8Array[] = [];
      let wake: (() => void) | undefined;
      return {
        put(bytes) {
          ready.push(bytes);
          wake?.();
        },
        [Symbol.asyncIterator]: () => ({
          async next() {
            while (ready.length === 0) {
              await new Promise<void>((resolve) => {
                wake = resolve;
              });
            }
            return { done: false, value: ready.shift() as Uint8Array };
          },
        }),
      };
    };
    const up = waiting();
    const down = waiting();
    const layer = guard({
      rules: () => ({
        engines: ENGINES,
        settings: { onUnreadable: undefined, headers: [], streamHoldMs: 250 },
        webhooks: () => [],
      }),
      bodyLimit: LIMIT,
      surfaces: { request: 'request', reply: 'response' },
      voice: PROBLEM_VOICE,
      actor: 'agent-1',
      audit: { audit: () => undefined },
      now: () => new Date(0),
    });
    const headers = ['content-type', 'application/grpc'];
    const call: Call = {
      method: 'POST',
      target: '/other.Service/Chat',
      headers,
      body: up,
      signal: new AbortController().signal,
      http2: true,
    };
    let received: AsyncIterator<Uint8Array> | undefined;
    // Nothing has come of either body.
    const got = await layer(call, async (patch) => {
      received = ((patch.body ?? call.body) as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
      return { status: 200, headers, body: down };
    });
    assert.ok(isStream(got.body) && received);
    const answers = got.body[Symbol.asyncIterator]();
    for (const text of ['one', CARD]) {
      up.put(frame(Buffer.from(text)));
      assert.deepEqual((await received.next()).value, frame(Buffer.from(text)));
      down.put(frame(Buffer.from(`${text}!`)));
      assert.deepEqual((await answers.next()).value, frame(Buffer.from(`${text}!`)));
    }
  });

  test('text under the name of gRPC does not', async () => {
    await assert.rejects(
      send({ target: '/other.Service/Chat', body: pieces(Buffer.from(`{"a":"${CARD}"}`), 100) }).then(({ error }) => {
        throw error ?? new Error('passed');
      }),
      (error) => error instanceof OutriderError && error.code === 'bad_request',
    );
  });
});
