import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { envelope } from '../protocols/envelope.ts';
import { frameReader } from './grpc-frames.ts';

const grpcFrame = (message: Uint8Array): Uint8Array => envelope(0, message);

test('messages come out whole, however their bytes are split', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), fc.array(fc.nat(500)), (messages, cuts) => {
      const bytes = Buffer.concat(messages.map(grpcFrame));
      const at = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
      const reader = frameReader(40);
      const read = [0, ...at].flatMap((from, i) => reader.push(bytes.subarray(from, at[i] ?? bytes.length)));
      assert.deepEqual(
        read.map((message) => [...message]),
        messages.map((message) => [...message]),
      );
      assert.equal(reader.partial, false);
    }),
  );
});

test('a message that has begun is waited for', () => {
  const reader = frameReader(100);
  assert.deepEqual(reader.push(grpcFrame(Buffer.from('hello')).subarray(0, 7)), []);
  assert.equal(reader.partial, true);
});

test('a message that says it is larger than allowed is refused before it has come', () => {
  assert.throws(() => frameReader(10).push(Buffer.from([0, 0xff, 0xff, 0xff, 0xff])), { code: 'unreadable' });
});

test('a compressed message is refused: nobody has asked for one', () => {
  assert.throws(() => frameReader(10).push(Buffer.from([1, 0, 0, 0, 0])), { code: 'unreadable' });
});

test('messages that were given out stay as they are while others come', () => {
  const reader = frameReader(100);
  const bytes = Buffer.concat([grpcFrame(Buffer.from('first')), grpcFrame(Buffer.from('second'))]);
  const [first] = [...bytes].flatMap((byte) => reader.push(Uint8Array.of(byte)));
  reader.push(grpcFrame(Buffer.from('third')));
  assert.equal(Buffer.from(first ?? []).toString(), 'first');
});

test('a long message in single bytes takes time and memory that grow with its length only', () => {
  const reader = frameReader(4_000_000);
  const frame = grpcFrame(Buffer.alloc(2_000_000, 1));
  const startedAt = performance.now();
  let count = 0;
  for (let i = 0; i < frame.length; i++) count += reader.push(frame.subarray(i, i + 1)).length;
  assert.equal(count, 1);
  assert.ok(performance.now() - startedAt < 5_000);
});
