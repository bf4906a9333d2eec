import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { EnvelopeReader, envelope } from './envelope.ts';

test('messages come out as they went in, however the bytes are cut', () => {
  const messages = fc.array(fc.tuple(fc.nat(255), fc.uint8Array({ maxLength: 40 })), { maxLength: 8 });
  fc.assert(
    fc.property(messages, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (sent, sizes) => {
      const bytes = Buffer.concat(sent.map(([flags, payload]) => envelope(flags, payload)));
      const reader = new EnvelopeReader(100);
      const got: [number, Buffer][] = [];
      for (let at = 0, i = 0; at < bytes.length; i++) {
        const size = sizes[i % sizes.length] ?? 1;
        reader.push(bytes.subarray(at, at + size));
        at += size;
        for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
          assert.notEqual(frame, 'too_large');
          if (frame === 'too_large') return;
          assert.deepEqual(Buffer.from(frame.bytes), Buffer.from(envelope(frame.flags, frame.payload)));
          got.push([frame.flags, Buffer.from(frame.payload)]);
        }
      }
      assert.deepEqual(
        got,
        sent.map(([flags, payload]) => [flags, Buffer.from(payload)]),
      );
      assert.equal(reader.size, 0);
    }),
  );
});

test('a message in one chunk is not copied', () => {
  const bytes = Buffer.concat([envelope(0, Buffer.from('one')), envelope(1, Buffer.from('two'))]);
  const reader = new EnvelopeReader(100);
  reader.push(bytes);
  for (const flags of [0, 1]) {
    const frame = reader.next();
    assert.ok(frame !== undefined && frame !== 'too_large');
    assert.deepEqual([frame.flags, frame.payload.buffer], [flags, bytes.buffer]);
  }
  assert.equal(reader.next(), undefined);
});

test('a message that says it is too large is not waited for', () => {
  const reader = new EnvelopeReader(100);
  reader.push(Buffer.from([0, 0, 0, 0]));
  assert.equal(reader.next(), undefined);
  reader.push(Buffer.from([101, 1, 2]));
  assert.equal(reader.next(), 'too_large');
  assert.deepEqual(reader.takeRest(), Buffer.from([0, 0, 0, 0, 101, 1, 2]));
  assert.equal(reader.size, 0);
});

test('single bytes take little room and time', () => {
  const bytes = envelope(0, Buffer.alloc(300_000, 'x'));
  const reader = new EnvelopeReader(300_000);
  for (let i = 0; i < bytes.length - 1; i++) {
    reader.push(bytes.subarray(i, i + 1));
    assert.equal(reader.next(), undefined);
  }
  reader.push(bytes.subarray(-1));
  const frame = reader.next();
  assert.ok(frame !== undefined && frame !== 'too_large');
  assert.ok(Buffer.from(frame.bytes).equals(Buffer.from(bytes)));
});
