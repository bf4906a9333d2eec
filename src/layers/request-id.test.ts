import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Reply } from '../call.ts';
import { type Fields, getField } from '../fields.ts';
import { requestId } from './request-id.ts';

async function ask(theirs: Fields, reply: Partial<Reply> = {}, also: Fields = []) {
  let seen = '';
  const call = { method: 'GET', target: '/', headers: theirs, body: null, signal: new AbortController().signal };
  const { headers } = await requestId(also)(call, async ({ requestId: id }) => {
    seen = id;
    return { status: 200, headers: [], body: null, ...reply };
  });
  return { seen, headers };
}

test('the caller\u2019s own id is taken when it may stand in a header and a log', async () => {
  const { seen, headers } = await ask(['X-Request-Id', 'a-1:B._']);
  assert.equal(seen, 'a-1:B._');
  assert.deepEqual(headers, ['x-request-id', 'a-1:B._']);
  for (const bad of ['', 'a b', 'a\r\nb', 'ä', 'x'.repeat(129), '"', '<script>']) {
    const other = await ask(['x-request-id', bad]);
    assert.match(other.seen, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    assert.equal(getField(other.headers, 'x-request-id'), other.seen);
  }
  assert.notEqual((await ask([])).seen, (await ask([])).seen);
});

test('a reply says each of them once, whatever it said before', async () => {
  const { headers } = await ask(
    ['x-request-id', 'mine'],
    { headers: ['X-Request-ID', 'theirs', 'Content-Type', 'text/plain', 'Outrider-Contract', '9.9'] },
    ['outrider-contract', '1.0'],
  );
  assert.deepEqual(headers, ['Content-Type', 'text/plain', 'x-request-id', 'mine', 'outrider-contract', '1.0']);
});
