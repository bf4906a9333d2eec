import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InboundCall, Reply } from '../call.ts';
import { OutriderError } from '../errors.ts';
import { loopbackOnly } from './loopback-only.ts';

const OK: Reply = { status: 200, headers: [], body: null };

async function outcome(change: Partial<InboundCall> & { host?: string }): Promise<string> {
  const { host = '127.0.0.1:9090', ...rest } = change;
  const call: InboundCall = {
    method: 'POST',
    target: '/a2a/x',
    headers: ['Host', host],
    body: null,
    signal: new AbortController().signal,
    remote: '127.0.0.1',
    ...rest,
  };
  try {
    await loopbackOnly(call, () => Promise.resolve(OK));
    return 'let in';
  } catch (error) {
    assert.ok(error instanceof OutriderError);
    assert.equal(error.status, 403);
    return error.message;
  }
}

test('loopback addresses are let in, others not', async () => {
  for (const remote of ['127.0.0.1', '127.8.9.10', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1']) {
    assert.equal(await outcome({ remote }), 'let in', remote);
  }
  for (const remote of [
    '10.0.0.1',
    '128.0.0.1',
    '0.0.0.0',
    '::',
    '::2',
    '::ffff:10.0.0.1',
    'fe80::1',
    '',
    'localhost',
  ]) {
    assert.match(await outcome({ remote }), /loopback interface/, remote);
  }
});

test('loopback names are let in with any port, others not', async () => {
  const good = ['localhost', 'LOCALHOST:1', 'localhost:9090', '127.0.0.1', '127.1.2.3:65535', '[::1]', '[::1]:9090'];
  for (const host of [...good, '[0:0:0:0:0:0:0:1]:1']) assert.equal(await outcome({ host }), 'let in', host);
  const bad = [
    'evil.example',
    'evil.example:9090',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'localhost@evil.example',
    '127.0.0.1:9090@evil.example',
    '127.1',
    '2130706433',
    '0x7f.0.0.1',
    '0177.0.0.1',
    '0.0.0.0:9090',
    '[::]',
    '[::1',
    '::1',
    '[fe80::1]',
    '[::1].evil.example',
    '',
    ' ',
    ':9090',
    'localhost:',
    'localhost:x',
    'localhost:123456',
    'localhost,evil.example',
    'localhost evil',
    '128.0.0.1',
    'localhost.',
    '[::ffff:10.0.0.1]',
  ];
  for (const host of bad) assert.match(await outcome({ host }), /not a loopback name/, host);
});

test('a missing or second Host is refused, also when both are good', async () => {
  assert.match(await outcome({ headers: [] }), /missing/);
  assert.match(await outcome({ headers: ['Host', 'localhost', 'HOST', 'localhost'] }), /more than one/);
});

test('any Origin is refused, also null, an empty one, and our own', async () => {
  for (const origin of ['https://evil.example', 'null', '', 'http://127.0.0.1:9090']) {
    assert.match(await outcome({ headers: ['Host', 'localhost', 'oRiGiN', origin] }), /Origin/, origin);
  }
});

test('an absolute target, which would override the Host, is refused', async () => {
  for (const target of ['http://localhost/a2a/x', 'localhost:80', '*', '']) {
    assert.match(await outcome({ target }), /must be a path/, target);
  }
});

test('the body of what is refused is given up', async () => {
  let cancelled = 0;
  const body: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({
      next: () => assert.fail('nobody may read it'),
      return: () => {
        cancelled++;
        return Promise.resolve({ done: true, value: undefined });
      },
    }),
  };
  await outcome({ host: 'evil.example', body });
  assert.equal(cancelled, 1);
});
