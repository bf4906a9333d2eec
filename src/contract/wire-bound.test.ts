import assert from 'node:assert/strict';
import { test } from 'node:test';
import { executeReplyCodec, executeRequestCodec } from './codec.ts';
import { boundObjects } from './wire-bound.ts';

const MORE = 600_000;
const TOO_MANY = { code: 'bad_request', message: 'the message is made of more than 500000 parts' };

/** `record`, as often as it takes to be refused, within fields of these numbers. */
function flood(record: readonly number[], ...within: number[]): Uint8Array {
  let bytes = new Uint8Array(record.length * MORE);
  for (let i = 0; i < MORE; i++) bytes.set(record, i * record.length);
  for (const no of within) {
    const head = [(no << 3) | 2];
    for (let length = bytes.length; ; length >>>= 7) {
      if (length < 0x80) {
        head.push(length);
        break;
      }
      head.push((length & 0x7f) | 0x80);
    }
    bytes = Uint8Array.from(Buffer.concat([Uint8Array.from(head), bytes]));
  }
  return bytes;
}

test('bytes that would become far more memory than they take are refused before they are read', () => {
  const floods: Record<string, Uint8Array> = {
    'empty parts': flood([0x22, 0]),
    'fields that are not known': flood([0xf8, 0x07, 0]),
    'groups that are not known': flood([0xfb, 0x07, 0xfc, 0x07]),
    // context (6), an entry (1), its value (2), a list (6): empty values (1).
    'values of a list': flood([0x0a, 0], 6, 2, 1, 6),
    'entries of free JSON': flood([0x0a, 0], 6),
  };
  for (const [name, bytes] of Object.entries(floods)) {
    assert.throws(() => executeRequestCodec.decode(bytes), TOO_MANY, name);
  }
});

test('a large message is no flood', () => {
  const request = {
    input: 'ä'.repeat(2_000_000),
    parts: [{ data: Buffer.alloc(3_000_000, 0x22).toString('base64') }],
    context: { numbers: Array.from({ length: 100_000 }, (_, i) => i / 3) },
  };
  assert.deepEqual(executeRequestCodec.decode(executeRequestCodec.encode(request)), request);
});

test('what is malformed is left to the reader, and is gone through once', () => {
  for (const fill of [0x00, 0x07, 0x0a, 0x22, 0x80, 0xff, 0x7b]) {
    const bytes = new Uint8Array(4_000_000).fill(fill);
    const begun = performance.now();
    try {
      boundObjects(executeReplyCodec.schema, bytes);
    } catch (thrown) {
      assert.equal((thrown as { code?: unknown }).code, 'bad_request');
    }
    assert.ok(performance.now() - begun < 2_000);
  }
});
