import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import zlib from 'node:zlib';
import { type Conducted, conduct } from '../support/conduct.ts';

const CARD = '4111111111111111';
const MAIL = 'ada.planted@secret-mail.example';

let it: Conducted;
before(async () => {
  it = await conduct(`
stream_hold: 50ms
guardrails:
  - { name: no-bluebirds, type: keyword, pattern: "bluebird", action: block, on: [response] }
  - { name: watch, type: keyword, pattern: "nightjar", action: warn }
`);
});
after(() => it.close());

describe('replies that are at hand or read whole', () => {
  test('JSON, forms and text are redacted, with the right length; a clean one goes on byte for byte', async () => {
    for (const [type, body, expected] of [
      ['application/json', `{ "n":1.0, "a":"${MAIL}","z":1 }`, '{ "n":1.0, "a":"[REDACTED-EMAIL]","z":1 }'],
      ['application/vnd.api+json', `["${CARD}"]`, '["[REDACTED-CC]"]'],
      ['text/plain', `write to ${MAIL}!`, 'write to [REDACTED-EMAIL]!'],
      ['text/html; charset=utf-8', `<b>${MAIL}</b>`, '<b>[REDACTED-EMAIL]</b>'],
      [
        'application/x-www-form-urlencoded',
        `a=${encodeURIComponent(MAIL)}&b=1`,
        `a=${encodeURIComponent('[REDACTED-EMAIL]')}&b=1`,
      ],
    ] as const) {
      const reply = await it.replyTo({ 'Content-Type': type }, body);
      assert.deepEqual([reply.status, reply.text], [200, expected], type);
      assert.equal(reply.headers['content-length'], String(Buffer.byteLength(expected)), type);
    }
    const clean = '{ "n": 1.0e2, "x": "\\u0041",\n "x": 2 }';
    const reply = await it.replyTo({ 'Content-Type': 'application/json', ETag: '"v1"' }, clean);
    assert.deepEqual([reply.text, reply.headers.etag], [clean, '"v1"']);
  });

  test('a body that comes in pieces is read whole where its type demands it', async () => {
    const { turn, head, end, text } = await it.exchange();
    turn.response.writeHead(200, { 'Content-Type': 'application/json' });
    for (const piece of ['{"a":"ada.plan', 'ted@secret-mail', '.example"}']) turn.response.write(piece);
    turn.response.end();
    assert.equal((await head).headers['content-length'], '24');
    assert.equal(await end, 'complete');
    assert.equal(text(), '{"a":"[REDACTED-EMAIL]"}');
  });

  test('a rule that blocks: 403 with its name, whatever the agent said, and nothing of it comes through', async () => {
    for (const type of ['application/json', 'text/plain', 'text/event-stream']) {
      const body = type.endsWith('json') ? '{"a":"BlueBird 7"}' : 'data: BlueBird 7\n\n';
      const reply = await it.replyTo({ 'Content-Type': type, 'X-Secret': 'bluebird' }, body, 500);
      const { code, rule } = JSON.parse(reply.text);
      assert.deepEqual([reply.status, code, rule], [403, 'blocked', 'no-bluebirds'], type);
      assert.doesNotMatch(JSON.stringify(reply), /bluebird(?!s)/i);
    }
  });

  test('digests are made anew, unknown ones and strong validators are not left as they were', async () => {
    const body = `{"a":"${MAIL}"}`;
    const now = '{"a":"[REDACTED-EMAIL]"}';
    const sum = (hash: string, text: string): string => createHash(hash).update(text).digest('base64');
    const { headers, text } = await it.replyTo(
      {
        'Content-Type': 'application/json',
        'Content-Digest': `sha-256=:${sum('sha256', body)}:, sha-512=:${sum('sha512', body)}:, unixsum=:AAA=:`,
        Digest: `SHA-256=${sum('sha256', body)},MD5=${sum('md5', body)}`,
        'Content-MD5': sum('md5', body),
        'Repr-Digest': 'crc32c=:AAAA:',
        ETag: '"v1"',
      },
      body,
    );
    assert.equal(text, now);
    assert.equal(headers['content-digest'], `sha-256=:${sum('sha256', now)}:, sha-512=:${sum('sha512', now)}:`);
    assert.equal(headers['digest'], `SHA-256=${sum('sha256', now)},MD5=${sum('md5', now)}`);
    assert.equal(headers['content-md5'], sum('md5', now));
    assert.equal(headers['repr-digest'], undefined);
    assert.equal(headers.etag, 'W/"v1"');
  });

  test('what is signed is refused rather than corrupted, and goes on as it is when it is clean', async () => {
    for (const signature of [
      { 'X-Hub-Signature-256': 'sha256=00' },
      { 'Stripe-Signature': 't=1,v1=00' },
      {
        'Content-Digest': 'sha-256=:AA==:',
        'Signature-Input': 'sig=("content-digest");created=1',
        Signature: 'sig=:AA==:',
      },
      { 'X-Amz-Content-Sha256': '00' },
    ] as Record<string, string>[]) {
      for (const type of ['application/json', 'text/event-stream']) {
        const headers = { 'Content-Type': type, ...signature };
        const dirty = await it.replyTo(headers, type.endsWith('json') ? `{"a":"${MAIL}"}` : `data: ${MAIL}\n\n`);
        const { rule, reason } = JSON.parse(dirty.text);
        assert.deepEqual([dirty.status, rule, reason], [403, 'email', 'signed'], JSON.stringify(headers));
        const clean = type.endsWith('json') ? '{"a":1}' : 'data: a\n\n';
        const reply = await it.replyTo(headers, clean);
        assert.deepEqual([reply.status, reply.text], [200, clean]);
        assert.equal(reply.headers['content-digest'], signature['Content-Digest']);
      }
    }
    const unsigned = { 'Content-Type': 'application/json', 'X-Amz-Content-Sha256': 'UNSIGNED-PAYLOAD' };
    assert.equal((await it.replyTo(unsigned, `{"a":"${MAIL}"}`)).text, '{"a":"[REDACTED-EMAIL]"}');
  });

  test('compressed replies are read, and sent on in the same coding', async () => {
    for (const [coding, encode, decode] of [
      ['gzip', zlib.gzipSync, zlib.gunzipSync],
      ['br', zlib.brotliCompressSync, zlib.brotliDecompressSync],
      ['zstd', zlib.zstdCompressSync, zlib.zstdDecompressSync],
      ['deflate', zlib.deflateSync, zlib.inflateSync],
    ] as const) {
      for (const [type, body, expected] of [
        ['application/json', `{"a":"${MAIL}"}`, '{"a":"[REDACTED-EMAIL]"}'],
        ['text/plain', `to ${MAIL}`, 'to [REDACTED-EMAIL]'],
      ] as const) {
        const reply = await it.replyTo({ 'Content-Type': type, 'Content-Encoding': coding }, encode(Buffer.from(body)));
        assert.equal(reply.headers['content-encoding'], coding);
        assert.equal(decode(reply.bytes).toString(), expected, `${coding} ${type}`);
      }
    }
  });

  test('UTF-16, declared or not, and Latin-1', async () => {
    for (const [type, mark] of [
      ['text/plain; charset=utf-16le', ''],
      ['text/plain; charset=utf-16', '\ufeff'],
      ['text/plain', '\ufeff'],
      ['application/json', ''],
    ] as const) {
      const reply = await it.replyTo({ 'Content-Type': type }, Buffer.from(`${mark}"\u00e9 ${MAIL}"`, 'utf16le'));
      assert.equal(reply.bytes.toString('utf16le'), `${mark}"\u00e9 [REDACTED-EMAIL]"`, type);
    }
    const latin = await it.replyTo(
      { 'Content-Type': 'text/plain; charset=iso-8859-1' },
      Buffer.from(`\u00e9 ${MAIL}`, 'latin1'),
    );
    assert.equal(latin.bytes.toString('latin1'), '\u00e9 [REDACTED-EMAIL]');
  });

  test('HEAD, 204 and 304 have nothing to read', async () => {
    const head = await it.exchange('/', { method: 'HEAD' });
    head.turn.response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': '999', ETag: '"v1"' });
    head.turn.response.end();
    const { statusCode, headers } = await head.head;
    assert.deepEqual([statusCode, headers['content-length'], headers.etag], [200, '999', '"v1"']);
    assert.equal((await it.replyTo({}, '', 204)).status, 204);
    assert.equal((await it.replyTo({ ETag: '"v1"' }, '', 304)).headers.etag, '"v1"');
  });

  test('trailers stay behind a body that was read whole', async () => {
    for (const a of ['clean', MAIL]) {
      const { turn, head, end, text } = await it.exchange();
      turn.response.writeHead(200, { 'Content-Type': 'application/json', Trailer: 'X-Took, Content-Digest' });
      turn.response.write('{"a":');
      turn.response.addTrailers({ 'X-Took': '7', 'Content-Digest': 'sha-256=:AA==:' });
      turn.response.end(`"${a}"}`);
      const incoming = await head;
      assert.equal(await end, 'complete');
      assert.deepEqual(JSON.parse(text()), { a: a === MAIL ? '[REDACTED-EMAIL]' : a });
      assert.equal(incoming.trailers['x-took'], '7');
      assert.equal(incoming.trailers['content-digest'], a === MAIL ? undefined : 'sha-256=:AA==:');
    }
  });

  test('an agent that breaks off a body that is read whole is an error, not half a reply', async () => {
    const { turn, head } = await it.exchange();
    turn.response.writeHead(200, { 'Content-Type': 'application/json' });
    turn.response.write('{"a":');
    setTimeout(() => turn.response.destroy(), 20);
    assert.equal((await head).statusCode, 502);
  });
});

describe('replies that cannot be read', () => {
  test('are 502, counted by their reason', async () => {
    const rows: [reason: string, headers: Record<string, string>, body: string | Buffer, status?: number][] = [
      ['unknown_encoding', { 'Content-Type': 'application/json', 'Content-Encoding': 'compress' }, '{}'],
      ['malformed_encoding', { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' }, '{}'],
      ['unknown_charset', { 'Content-Type': 'text/plain; charset=shift_jis' }, 'abc'],
      ['malformed_charset', { 'Content-Type': 'text/plain; charset=utf-16le' }, Buffer.from([97, 0, 98])],
      ['invalid_json', { 'Content-Type': 'application/json' }, `{"a":"${MAIL}"`],
      ['ambiguous', { 'Content-Type': 'text/plain; charset=utf-8; charset=utf-16' }, 'abc'],
      ['partial', { 'Content-Type': 'text/plain', 'Content-Range': 'bytes 0-2/9' }, 'abc', 206],
      ['too_large', { 'Content-Type': 'application/json' }, Buffer.alloc(11 * 2 ** 20, 32)],
    ];
    for (const [reason, headers, body, status] of rows) {
      const labels = { surface: 'response', reason, action: 'blocked' };
      const before = await it.counted('outrider_guard_unreadable_total', labels);
      const reply = await it.replyTo(headers, body, status);
      const { code, reason: told } = JSON.parse(reply.text);
      assert.deepEqual([reply.status, code, told], [502, 'unreadable', reason]);
      assert.equal(await it.counted('outrider_guard_unreadable_total', labels), before + 1, reason);
    }
  });

  test('but binary ones, as they say, pass byte for byte and are counted; text that is called so is read', async () => {
    const labels = { surface: 'response', reason: 'binary', action: 'passed' };
    const before = await it.counted('outrider_guard_unreadable_total', labels);
    const png = Buffer.concat([
      Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0]),
      Buffer.alloc(12 * 2 ** 20, 7),
    ]);
    const reply = await it.replyTo({ 'Content-Type': 'image/png', 'Content-Length': String(png.length) }, png);
    assert.ok(reply.bytes.equals(png));
    assert.equal(reply.headers['content-length'], String(png.length));
    assert.equal(await it.counted('outrider_guard_unreadable_total', labels), before + 1);
    const text = await it.replyTo({ 'Content-Type': 'application/octet-stream' }, `{"a":"${MAIL}"}`);
    assert.equal(text.text, '{"a":"[REDACTED-EMAIL]"}');
  });
});
