import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import zlib from 'node:zlib';
import { OutriderError } from '../errors.ts';
import type { Coding } from './content-coding.ts';
import { decodeStream, StreamEncoder } from './content-coding-stream.ts';

const LIMIT = 1_000_000;

const WHOLE: Record<Coding, [encode: (bytes: Uint8Array) => Buffer, decode: (bytes: Uint8Array) => Buffer]> = {
  gzip: [zlib.gzipSync, zlib.gunzipSync],
  deflate: [zlib.deflateSync, zlib.inflateSync],
  br: [zlib.brotliCompressSync, zlib.brotliDecompressSync],
  zstd: [zlib.zstdCompressSync, zlib.zstdDecompressSync],
};

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size);
}

async function all(source: AsyncIterator<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for (;;) {
    const { done, value } = await source.next();
    if (done) return Buffer.concat(chunks).toString();
    assert.ok(value.length > 0 && value.length <= 32_768);
    chunks.push(value);
  }
}

/** Gives what is put in, as soon as it is; counts how often it is asked, and whether it was given up. */
function tap() {
  const waiting: Uint8Array[] = [];
  let wake: (() => void) | undefined;
  const state = { asked: 0, returned: false, ended: false };
  const source: AsyncIterator<Uint8Array> = {
    async next() {
      state.asked++;
      while (waiting.length === 0 && !state.ended) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      const value = waiting.shift();
      return value === undefined ? { done: true, value: undefined } : { done: false, value };
    },
    async return() {
      state.returned = true;
      return { done: true, value: undefined };
    },
  };
  const put = (bytes: Uint8Array): void => {
    waiting.push(bytes);
    wake?.();
  };
  const end = (): void => {
    state.ended = true;
    wake?.();
  };
  return { source, put, end, state };
}

for (const coding of ['gzip', 'deflate', 'br', 'zstd'] as const) {
  describe(coding, () => {
    const [encode, decode] = WHOLE[coding];

    test('each piece can be decoded at once, and all of them together are one valid body', async () => {
      const encoder = new StreamEncoder([coding]);
      const { source, put, end } = tap();
      const decoded = decodeStream(source, [coding], LIMIT);
      const coded: Uint8Array[] = [];
      for (const piece of ['a', 'to ken', 'x'.repeat(100_000), '\u00fc']) {
        const out = await encoder.push(Buffer.from(piece));
        coded.push(out);
        put(out);
        // Nothing more is put in before this piece has come out.
        let got = Buffer.alloc(0);
        while (got.length < Buffer.byteLength(piece)) {
          const { done, value } = await decoded.next();
          assert.ok(!done);
          got = Buffer.concat([got, value]);
        }
        assert.equal(got.toString(), piece);
      }
      const tail = await encoder.end();
      coded.push(tail);
      put(tail);
      end();
      assert.equal((await decoded.next()).done, true);
      assert.equal(decode(Buffer.concat(coded)).toString(), `ato ken${'x'.repeat(100_000)}\u00fc`);
    });

    test('is decoded however it is cut', async () => {
      const text = Array.from({ length: 3000 }, (_, i) => `line ${i ** 3}\n`).join('');
      for (const size of [1, 7, 1000, 1_000_000]) {
        const source = inPieces(encode(Buffer.from(text)), size);
        assert.equal(await all(decodeStream(source, [coding], LIMIT)), text, String(size));
      }
      assert.equal(await all(decodeStream(inPieces(Buffer.of(), 1), [coding], LIMIT)), '');
    });

    test('what is cut short, malformed or followed by something fails', async () => {
      const body = encode(Buffer.from('{"a":"alice"}'));
      for (const [name, bytes] of [
        ['cut', body.subarray(0, -3)],
        ['malformed', Buffer.from('{"a":"alice"}')],
        ['followed', Buffer.concat([body, Buffer.from('alice@example.com')])],
      ] as const) {
        await assert.rejects(
          all(decodeStream(inPieces(bytes, 5), [coding], LIMIT)),
          (error) => error instanceof OutriderError && error.code === 'bad_request',
          name,
        );
      }
    });

    test('a bomb is broken off, and its source given up', async () => {
      const { source, put, state } = tap();
      put(encode(Buffer.alloc(20 * LIMIT)));
      await assert.rejects(
        all(decodeStream(source, [coding], LIMIT)),
        (error) => error instanceof OutriderError && error.code === 'body_too_large',
      );
      assert.ok(state.returned);
    });

    test('is given up while it waits, and asks for no more than it needs', async () => {
      const { source, put, state } = tap();
      const decoded = decodeStream(source, [coding], LIMIT);
      put(encode(Buffer.alloc(300_000, 97)));
      assert.equal((await decoded.next()).done, false);
      await new Promise((resolve) => setTimeout(resolve, 20));
      assert.equal(state.asked, 1, 'a slow reader slows its source');
      await decoded.return?.();
      assert.ok(state.returned);
    });
  });
}

test('codings that stand on each other', async () => {
  const encoder = new StreamEncoder(['gzip', 'br']);
  const first = await encoder.push(Buffer.from('one '));
  const second = await encoder.push(Buffer.from('two'));
  const body = Buffer.concat([first, second, await encoder.end()]);
  assert.equal(zlib.gunzipSync(zlib.brotliDecompressSync(body)).toString(), 'one two');
  assert.equal(await all(decodeStream(inPieces(body, 3), ['gzip', 'br'], LIMIT)), 'one two');
});

test('the error of the source comes after all that came before it', async () => {
  const failing = async function* (): AsyncGenerator<Uint8Array> {
    const encoder = new StreamEncoder(['gzip']);
    yield await encoder.push(Buffer.from('before'));
    throw new OutriderError('unreachable', 'gone');
  };
  const decoded = decodeStream(failing(), ['gzip'], LIMIT);
  assert.equal(Buffer.from((await decoded.next()).value ?? []).toString(), 'before');
  await assert.rejects(decoded.next(), (error) => error instanceof OutriderError && error.code === 'unreachable');
});
