import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AgentError } from '../contract/agent-error.ts';
import { type ServerSentEvent, sseReader } from './sse-reader.ts';

function read(pieces: readonly (string | Uint8Array)[], limit = 1_000): ServerSentEvent[] {
  const push = sseReader(limit);
  return pieces.flatMap((piece) => push(Buffer.from(piece)));
}

test('events have a name and data; comments and other fields are passed over', () => {
  const text =
    ': keep-alive\n\nevent: chunk\nid: 7\nretry: 10\ndata: {"a":1}\n\ndata:no space\ndata\ndata:  two\n\nevent: lost\n\n';
  assert.deepEqual(read([text]), [
    { event: 'chunk', data: '{"a":1}' },
    { event: 'message', data: 'no space\n\n two' },
  ]);
});

test('an event that the stream ends in does not count', () => {
  assert.deepEqual(read(['data: whole\n\ndata: half\n']), [{ event: 'message', data: 'whole' }]);
});

test('all line ends are one', () => {
  assert.deepEqual(read(['\ufeffevent: a\r\ndata: 1\r\n\r\nevent: b\rdata: 2\r\rdata: 3\n\r\n']), [
    { event: 'a', data: '1' },
    { event: 'b', data: '2' },
    { event: 'message', data: '3' },
  ]);
});

test('bytes may be split anywhere', () => {
  const line = fc.constantFrom('data: grüße 🙂', 'data', 'event: x', ': c', '', 'id: 1');
  const end = fc.constantFrom('\n', '\r', '\r\n');
  fc.assert(
    fc.property(fc.array(fc.tuple(line, end), { maxLength: 30 }), fc.array(fc.nat(200)), (lines, cuts) => {
      const bytes = Buffer.from(lines.flat().join(''));
      const at = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
      const pieces = [0, ...at].map((from, i) => bytes.subarray(from, at[i] ?? bytes.length));
      assert.deepEqual(read(pieces), read([bytes]));
    }),
  );
});

test('what is too large for an event is not collected', () => {
  assert.throws(() => read(['data: ', 'x'.repeat(600), 'x'.repeat(600)]), isUnreadable);
  assert.throws(() => read(Array.from({ length: 300 }, () => 'data: x\n')), isUnreadable);
  assert.equal(read(Array.from({ length: 300 }, () => 'data: x\n\n')).length, 300);
});

test('what is not UTF-8 is refused', () => {
  assert.throws(() => read([Buffer.from([0x64, 0xff, 0x0a])]), isUnreadable);
});

test('a long line in many pieces takes time that grows with its length only', () => {
  const push = sseReader(64 * 2 ** 20);
  const piece = Buffer.alloc(1_024, 'x');
  const startedAt = performance.now();
  push(Buffer.from('data: '));
  for (let i = 0; i < 20_000; i++) push(piece);
  const [event] = push(Buffer.from('\n\n'));
  assert.equal(event?.data.length, 20_000 * 1_024);
  assert.ok(performance.now() - startedAt < 5_000);
});

test('a line in single bytes comes whole', () => {
  const text = 'äbc'.repeat(20_000);
  const bytes = Buffer.from(`data: ${text}\n\ndata: next\n\n`);
  const push = sseReader(1_000_000);
  const events = Array.from(bytes, (byte) => push(Uint8Array.of(byte))).flat();
  assert.deepEqual(
    events.map(({ data }) => data),
    [text, 'next'],
  );
});

function isUnreadable(error: unknown): boolean {
  return error instanceof AgentError && error.code === 'unreadable';
}
