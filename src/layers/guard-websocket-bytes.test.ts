import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Gathered, Outgoing } from './guard-websocket-bytes.ts';

const parts = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 20 });

test('what was gathered is what was added, and stays when the parts change', () => {
  fc.assert(
    fc.property(parts, (list) => {
      const gathered = new Gathered();
      for (const part of list) gathered.add(part);
      assert.equal(gathered.size, Buffer.concat(list).length);
      assert.deepEqual(Buffer.from(gathered.bytes), Buffer.concat(list));
    }),
  );
});

test('a first part is not copied; small parts do not keep large chunks alive', () => {
  const gathered = new Gathered();
  const chunk = Buffer.alloc(100_000);
  gathered.add(chunk.subarray(0, 2));
  assert.equal(gathered.bytes.buffer, chunk.buffer);
  for (let i = 0; i < 50; i++) gathered.add(Buffer.alloc(100_000, i).subarray(0, 2));
  assert.equal(gathered.size, 102);
  assert.ok(gathered.bytes.buffer.byteLength <= 256);
});

test('what leaves is what was added, without a copy when it was one stretch of memory', () => {
  fc.assert(
    fc.property(parts, (list) => {
      const out = new Outgoing();
      for (const part of list) out.add(part);
      const all = Buffer.concat(list);
      assert.equal(out.isEmpty, all.length === 0);
      assert.deepEqual(Buffer.from(out.take()), all);
      assert.equal(out.isEmpty, true);
    }),
  );
  const chunk = Buffer.alloc(100, 'abc');
  const out = new Outgoing();
  for (const [from, to] of [
    [10, 20],
    [20, 20],
    [20, 25],
    [25, 60],
  ])
    out.add(chunk.subarray(from, to));
  const taken = out.take();
  assert.equal(taken.byteOffset, chunk.byteOffset + 10);
  assert.deepEqual(taken, chunk.subarray(10, 60));
});
