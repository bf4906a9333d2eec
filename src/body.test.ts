import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Body, type BodyEnd, cancelBody, isStream, onBodyEnd, readBody } from './body.ts';
import { OutriderError } from './errors.ts';

async function* chunks(...texts: string[]) {
  for (const text of texts) yield Buffer.from(text);
}

function watched(body: Body): { body: Body; ends: BodyEnd[] } {
  const ends: BodyEnd[] = [];
  return { body: onBodyEnd(body, (end) => ends.push(end)), ends };
}

test('bytes at hand are complete at once and stay the same object', () => {
  const bytes = Buffer.from('x');
  const { body, ends } = watched(bytes);
  assert.equal(body, bytes);
  assert.deepEqual(ends, ['complete']);
});

test('a stream read to its end is complete, once', async () => {
  const { body, ends } = watched(chunks('a', 'b'));
  assert.equal(Buffer.from(await readBody(body, 10)).toString(), 'ab');
  await cancelBody(body);
  assert.deepEqual(ends, ['complete']);
});

test('a stream cancelled before its first chunk reports it', async () => {
  const { body, ends } = watched(chunks('a'));
  await cancelBody(body);
  assert.deepEqual(ends, ['cancelled']);
});

test('a failing stream reports and rethrows', async () => {
  const { body, ends } = watched(
    (async function* () {
      yield Buffer.from('a');
      throw new Error('cut');
    })(),
  );
  await assert.rejects(readBody(body, 10), /cut/);
  assert.deepEqual(ends, ['failed']);
});

test('reading stops at the limit and cancels the source', async () => {
  const { body, ends } = watched(chunks('aaa', 'bbb', 'ccc'));
  await assert.rejects(readBody(body, 5), (error) => error instanceof OutriderError && error.code === 'body_too_large');
  assert.deepEqual(ends, ['cancelled']);
  assert.ok(isStream(body));
});
