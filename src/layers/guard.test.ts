import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import zlib from 'node:zlib';
import { type Body, isStream, onBodyEnd, readBody } from '../body.ts';
import type { Call, Reply } from '../call.ts';
import { type ErrorCode, OutriderError } from '../errors.ts';
import type { Fields } from '../fields.ts';
import { createEngines } from '../guardrails/engine.ts';
import type { Hit, RuleConfig } from '../guardrails/rule.ts';
import type { Unreadable } from '../guardrails/unreadable.ts';
import type { AuditEntry } from '../ledger/port.ts';
import { UNCHANGED } from '../stack.ts';
import { guard } from './guard.ts';
import { PROBLEM_VOICE } from './guard-voice.ts';

const LIMIT = 200_000;
const REPLY: Reply = { status: 200, headers: [], body: null };
const JSON_TYPE: Fields = ['Content-Type', 'application/json'];

/** An image that mentions an address. */
const PNG = Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0]), Buffer.from('a@b.io')]);

const RULES: RuleConfig[] = [
  { name: 'no-bomb', type: 'keyword', pattern: 'bomb', action: 'block', replace: '' },
  { name: 'note', type: 'keyword', pattern: 'lawyer', action: 'warn', replace: '' },
];

const STATE = {
  engines: createEngines(RULES),
  settings: { onUnreadable: undefined, headers: [], streamHoldMs: 250 },
  webhooks: () => [],
};

async function* chunks(bytes: Uint8Array, size = 7): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size);
}

/** Sends a call through the layer and tells what came out of it. */
async function run(headers: Fields, body: Body | string, extra: object = {}) {
  const rows: AuditEntry[] = [];
  const hits: Hit[] = [];
  const ends: string[] = [];
  const layer = guard({
    rules: () => STATE,
    bodyLimit: LIMIT,
    surfaces: { request: 'request', reply: 'response' },
    voice: PROBLEM_VOICE,
    actor: 'agent-1',
    audit: { audit: (entry) => rows.push(entry) },
    onHit: (hit) => hits.push(hit),
    now: () => new Date(0),
  });
  const sent: Body = typeof body === 'string' ? Buffer.from(body) : body;
  const call: Call = {
    method: 'POST',
    target: '/x',
    headers,
    body: onBodyEnd(sent, (end) => ends.push(end)),
    signal: new AbortController().signal,
    ...extra,
  };
  let patch: Partial<Call> | undefined;
  let error: OutriderError | undefined;
  try {
    await layer(call, async (given) => {
      patch = given;
      return REPLY;
    });
  } catch (thrown) {
    assert.ok(thrown instanceof OutriderError, String(thrown));
    error = thrown;
  }
  return { rows, hits, ends, patch, error, call };
}

async function text(patch: Partial<Call> | undefined): Promise<string> {
  return Buffer.from(await readBody(patch?.body ?? null, LIMIT)).toString();
}

async function refused(code: ErrorCode, reason: Unreadable, headers: Fields, body: Body | string): Promise<void> {
  const { error, patch, ends, rows } = await run(headers, body);
  assert.equal(error?.code, code);
  assert.equal(patch, undefined);
  assert.deepEqual(error?.details, { reason });
  assert.deepEqual(
    rows.map(({ event_type, metadata }) => [event_type, metadata]),
    [['guardrail.unreadable', { reason, action: 'blocked', surface: 'request' }]],
  );
  assert.equal(ends.length, 1);
}

describe('guard', () => {
  test('a call without a body, or with nothing to find, goes on as it is', async () => {
    assert.equal((await run([], null)).patch, UNCHANGED);
    assert.equal((await run(JSON_TYPE, '{"a":"b"}')).patch, UNCHANGED);
    assert.equal((await run([], '')).patch, UNCHANGED);
    assert.equal((await run(['Content-Type', 'image/png'], PNG)).patch, UNCHANGED);
    assert.equal((await run(JSON_TYPE, 'a@b.io', { upgrade: true })).patch, UNCHANGED);
  });

  test('a stream that is clean goes on as the bytes that came, headers untouched', async () => {
    const bytes = Buffer.from('{"a":"nothing at all"}');
    const { patch, ends } = await run([...JSON_TYPE, 'Transfer-Encoding', 'chunked'], chunks(bytes));
    assert.deepEqual(Object.keys(patch ?? {}), ['body']);
    assert.deepEqual(patch?.body, bytes);
    assert.deepEqual(ends, ['complete']);
  });

  test('a stream that is binary, as it says, goes on after its first chunk, byte for byte, however long', async () => {
    const type: Fields = ['content-type', 'application/octet-stream', 'Content-Length', '999999999'];
    let pulled = 0;
    const endless = (async function* () {
      for (;;) yield pulled++ === 0 ? PNG : Buffer.alloc(65_536, 97);
    })();
    const { patch, ends } = await run(type, endless);
    assert.deepEqual(Object.keys(patch ?? {}), ['body']);
    assert.equal(pulled, 1);
    const body = patch?.body;
    assert.ok(isStream(body ?? null) && body);
    const reader = (body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
    assert.deepEqual((await reader.next()).value, PNG);
    assert.equal((await reader.next()).value?.length, 65_536);
    assert.deepEqual(ends, []);
    await reader.return?.();
    assert.deepEqual(ends, ['cancelled']);
    for (const size of [1, 3, 7, 100]) {
      const { patch } = await run(type, chunks(PNG, size));
      assert.deepEqual(Buffer.from(await readBody(patch?.body ?? null, LIMIT)), PNG);
    }
  });

  test('a match is redacted, and the headers tell the truth again', async () => {
    const headers = [
      ['content-type', 'application/json', 'content-length', '15', 'Content-MD5', 'x', 'Digest', 'x', 'X-Keep', 'y'],
      ['Content-Digest', 'x', 'Repr-Digest', 'x', 'Transfer-Encoding', 'chunked', 'Trailer', 'Digest'],
    ].flat();
    const { patch, rows, hits } = await run(headers, '{"a":"a@b.io"}');
    assert.equal(await text(patch), '{"a":"[REDACTED-EMAIL]"}');
    assert.deepEqual(patch?.headers, [
      'content-type',
      'application/json',
      'content-length',
      '24',
      'Content-MD5',
      createHash('md5').update('{"a":"[REDACTED-EMAIL]"}').digest('base64'),
      'X-Keep',
      'y',
    ]);
    assert.deepEqual(rows, [
      {
        event_type: 'guardrail.redacted',
        actor: 'agent-1',
        resource: 'guardrail/email',
        metadata: { rule: 'email', action: 'redact', surface: 'request', count: 1, path: '$.a' },
        timestamp: '1970-01-01T00:00:00.000Z',
      },
    ]);
    assert.deepEqual(hits, [{ rule: 'email', action: 'redact', count: 1, path: '$.a' }]);
  });

  test('GET and HEAD may have bodies as well', async () => {
    for (const method of ['GET', 'HEAD']) {
      const { patch } = await run(JSON_TYPE, '"a@b.io"', { method });
      assert.equal(await text(patch), '"[REDACTED-EMAIL]"');
    }
  });

  test('a rule that warns lets the body pass, with a row', async () => {
    const { patch, rows } = await run(JSON_TYPE, '"my Lawyer"');
    assert.equal(patch, UNCHANGED);
    assert.equal(rows[0]?.event_type, 'guardrail.warned');
  });

  test('a rule that blocks stops the call, and nothing tells the text', async () => {
    const { error, patch, rows } = await run(JSON_TYPE, '{"a":"secret-BOMB-plan 123-45-6789"}');
    assert.equal(patch, undefined);
    assert.equal(error?.code, 'blocked');
    assert.equal(error?.status, 403);
    assert.equal(error?.message, 'blocked by guardrail no-bomb');
    assert.deepEqual(error?.details, { rule: 'no-bomb' });
    assert.equal(rows.length, 1);
    assert.equal(rows[0]?.event_type, 'guardrail.blocked');
    assert.doesNotMatch(JSON.stringify([rows, error, error?.message, error?.stack]), /BOMB|plan|6789|b\.io/);
  });

  test('a body that is too large is refused, declared or not', async () => {
    await refused(
      'body_too_large',
      'too_large',
      [...JSON_TYPE, 'Content-Length', String(LIMIT + 1)],
      chunks(Buffer.from('{}')),
    );
    await refused('body_too_large', 'too_large', JSON_TYPE, chunks(Buffer.alloc(LIMIT + 1, 32), 4096));
    await refused('body_too_large', 'too_large', JSON_TYPE, Buffer.alloc(LIMIT + 1, 32));
  });

  test('two content types are one too many', async () => {
    await refused(
      'bad_request',
      'ambiguous',
      ['Content-Type', 'image/png', 'content-type', 'application/json'],
      'a@b.io',
    );
  });

  test('a part that cannot be read is refused', async () => {
    const body = '--b\r\nContent-Transfer-Encoding: base64\r\n\r\nYUBiLmlv\r\n--b--\r\n';
    await refused('unsupported_media_type', 'encoded_part', ['Content-Type', 'multipart/form-data; boundary=b'], body);
  });
});

const CODINGS: Record<string, [(bytes: Uint8Array) => Buffer, (bytes: Uint8Array) => Buffer]> = {
  gzip: [zlib.gzipSync, zlib.gunzipSync],
  'X-GZIP': [zlib.gzipSync, zlib.gunzipSync],
  deflate: [zlib.deflateSync, zlib.inflateSync],
  br: [zlib.brotliCompressSync, zlib.brotliDecompressSync],
  zstd: [zlib.zstdCompressSync, zlib.zstdDecompressSync],
  identity: [(bytes) => Buffer.from(bytes), (bytes) => Buffer.from(bytes)],
};

describe('guard, content codings', () => {
  for (const [coding, [encode, decode]] of Object.entries(CODINGS)) {
    test(`${coding}: read, and encoded anew when changed`, async () => {
      // Small, beyond what is done at once when decoded, and beyond that when encoded.
      const noise = Array.from({ length: 150_000 }, (_, i) =>
        String.fromCharCode(97 + ((i * 7919 + i ** 3) % 26)),
      ).join('');
      for (const filler of ['', 'x'.repeat(100_000), noise]) {
        const headers = [...JSON_TYPE, 'Content-Encoding', coding, 'Content-Length', '1'];
        const { patch } = await run(headers, encode(Buffer.from(`{"a":"a@b.io ${filler}"}`)));
        const body = await readBody(patch?.body ?? null, LIMIT);
        assert.equal(String(decode(body)), `{"a":"[REDACTED-EMAIL] ${filler}"}`);
        assert.deepEqual(patch?.headers, [
          ...JSON_TYPE,
          'Content-Encoding',
          coding,
          'Content-Length',
          String(body.length),
        ]);
      }
      assert.equal((await run([...JSON_TYPE, 'Content-Encoding', coding], encode(Buffer.from('{}')))).patch, UNCHANGED);
    });
  }

  test('several codings, in one header or two', async () => {
    const body = zlib.brotliCompressSync(zlib.gzipSync('"a@b.io"'));
    for (const headers of [
      ['Content-Encoding', 'gzip, br'],
      ['Content-Encoding', 'gzip', 'content-encoding', 'br'],
    ]) {
      const { patch } = await run([...JSON_TYPE, ...headers], body);
      const out = await readBody(patch?.body ?? null, LIMIT);
      assert.equal(String(zlib.gunzipSync(zlib.brotliDecompressSync(out))), '"[REDACTED-EMAIL]"');
    }
    await refused(
      'unsupported_media_type',
      'unknown_encoding',
      [...JSON_TYPE, 'Content-Encoding', 'gzip,gzip,gzip,gzip'],
      body,
    );
  });

  test('bombs are refused, whether small or large', async () => {
    for (const coding of ['gzip', 'deflate', 'br', 'zstd']) {
      const bomb = CODINGS[coding]?.[0](Buffer.alloc(50 * LIMIT)) ?? '';
      assert.ok(bomb.length < LIMIT / 10);
      await refused('body_too_large', 'too_large', [...JSON_TYPE, 'Content-Encoding', coding], bomb);
    }
    const nested = zlib.gzipSync(zlib.gzipSync(Buffer.alloc(50 * LIMIT)));
    await refused('body_too_large', 'too_large', [...JSON_TYPE, 'Content-Encoding', 'gzip, gzip'], nested);
  });

  test('what is unknown, malformed or cut short is refused', async () => {
    await refused(
      'unsupported_media_type',
      'unknown_encoding',
      [...JSON_TYPE, 'Content-Encoding', 'compress'],
      chunks(Buffer.from('x')),
    );
    const image = ['Content-Type', 'image/png', 'Content-Encoding', 'compress'];
    for (const text of [Buffer.from('a@b.io'), chunks(Buffer.from('{"a":"a@b.io"}'))])
      await refused('unsupported_media_type', 'unknown_encoding', image, text);
    assert.equal((await run(image, Buffer.from([0x1f, 0x9d, 0x90, 0]))).patch, UNCHANGED);
    await refused('bad_request', 'malformed_encoding', [...JSON_TYPE, 'Content-Encoding', 'gzip'], '{"a":1}');
    await refused(
      'bad_request',
      'malformed_encoding',
      [...JSON_TYPE, 'Content-Encoding', 'gzip'],
      zlib.gzipSync('"a@b.io"').subarray(0, 20),
    );
    assert.equal((await run([...JSON_TYPE, 'Content-Encoding', 'gzip'], '')).patch, UNCHANGED);
  });
});

describe('guard, charsets', () => {
  const utf16be = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16();

  test('each is decoded, and encoded anew when changed', async () => {
    const rows: [string, (text: string) => Buffer][] = [
      ['application/json; charset=utf-8', (text) => Buffer.from(text)],
      ['application/json; charset="UTF8"', (text) => Buffer.from(text)],
      ['application/json; charset=us-ascii', (text) => Buffer.from(text)],
      ['text/plain;charset=ISO-8859-1', (text) => Buffer.from(text, 'latin1')],
      ['text/plain; charset=utf-16le', (text) => Buffer.from(text, 'utf16le')],
      ['text/plain; charset=utf-16be', utf16be],
      ['text/plain; charset=utf-16', (text) => Buffer.from(`\ufeff${text}`, 'utf16le')],
      ['text/plain; charset=utf-16', (text) => utf16be(`\ufeff${text}`)],
      ['text/plain', (text) => Buffer.from(`\ufeff${text}`, 'utf16le')],
      ['application/json', (text) => Buffer.from(text, 'utf16le')],
      ['application/json', utf16be],
    ];
    for (const [type, encode] of rows) {
      const { patch } = await run(['Content-Type', type], encode('"é a@b.io é"'));
      assert.deepEqual(patch?.body, encode('"é [REDACTED-EMAIL] é"'), type);
      assert.equal((await run(['Content-Type', type], encode('"é"'))).patch, UNCHANGED, type);
    }
  });

  test('others, and those that contradict the bytes, are refused', async () => {
    for (const charset of ['utf-7', 'utf-32', 'shift_jis', 'utf-16', '__proto__', 'constructor']) {
      await refused(
        'unsupported_media_type',
        'unknown_charset',
        ['Content-Type', `text/plain; charset=${charset}`],
        'abc',
      );
    }
    const marked = Buffer.from('\ufeffabc', 'utf16le');
    for (const charset of ['utf-8', 'iso-8859-1', 'utf-16be']) {
      await refused(
        'unsupported_media_type',
        'unknown_charset',
        ['Content-Type', `text/plain; charset=${charset}`],
        marked,
      );
    }
    await refused(
      'unsupported_media_type',
      'unknown_charset',
      ['Content-Type', 'text/plain'],
      Buffer.from([0xff, 0xfe, 0, 0, 97, 0, 0, 0]),
    );
    await refused(
      'bad_request',
      'malformed_charset',
      ['Content-Type', 'text/plain; charset=utf-16le'],
      Buffer.from([97, 0, 98]),
    );
    await refused(
      'bad_request',
      'malformed_charset',
      ['Content-Type', 'text/plain; charset=utf-16le'],
      Buffer.from([0, 0xd8, 97, 0]),
    );
  });
});
