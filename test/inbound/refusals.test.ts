import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startAgent, type TestAgent } from '../support/agent.ts';
import { type Outrider, startOutrider, TOKEN } from '../support/outrider.ts';
import { raw } from '../support/raw.ts';

let agent: TestAgent;
let outrider: Outrider;

before(async () => {
  agent = await startAgent();
  outrider = await startOutrider({ agentUrl: agent.url, config: 'limits: { header_timeout: 1s, header_bytes: 8KiB }' });
});
after(async () => {
  await agent.close();
  await outrider.stop();
});

const AUTH = `Authorization: Bearer ${TOKEN}\r\n`;

/** Everything a request smuggler would try, and the status that ends it before it is a request. */
const REFUSED: [what: string, bytes: string, status: number][] = [
  ['two Host fields', `GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n${AUTH}\r\n`, 400],
  ['no Host field', `GET / HTTP/1.1\r\n${AUTH}\r\n`, 400],
  ['a malformed Host', `GET / HTTP/1.1\r\nHost: a b\r\n${AUTH}\r\n`, 400],
  ['a target that names another host', `GET http://other/ HTTP/1.1\r\nHost: a\r\n${AUTH}\r\n`, 400],
  ['a target with credentials', `GET http://x@a/ HTTP/1.1\r\nHost: a\r\n${AUTH}\r\n`, 400],
  [
    'a length beside Transfer-Encoding',
    `POST / HTTP/1.1\r\nHost: a\r\n${AUTH}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    400,
  ],
  ['two lengths', `POST / HTTP/1.1\r\nHost: a\r\n${AUTH}Content-Length: 1\r\nContent-Length: 1\r\n\r\na`, 400],
  ['a list of lengths', `POST / HTTP/1.1\r\nHost: a\r\n${AUTH}Content-Length: 1, 1\r\n\r\na`, 400],
  ['a length with a sign', `POST / HTTP/1.1\r\nHost: a\r\n${AUTH}Content-Length: +1\r\n\r\na`, 400],
  ['a hexadecimal length', `POST / HTTP/1.1\r\nHost: a\r\n${AUTH}Content-Length: 0x1\r\n\r\na`, 400],
  ['an empty length', `POST / HTTP/1.1\r\nHost: a\r\n${AUTH}Content-Length: \r\n\r\n`, 400],
  [
    'a coding before chunked',
    `POST / HTTP/1.1\r\nHost: a\r\n${AUTH}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
    400,
  ],
  [
    'an unknown transfer coding',
    `POST / HTTP/1.1\r\nHost: a\r\n${AUTH}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
    400,
  ],
  [
    'two transfer codings',
    `POST / HTTP/1.1\r\nHost: a\r\n${AUTH}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n`,
    400,
  ],
  ['chunked in HTTP/1.0', `POST / HTTP/1.0\r\nHost: a\r\n${AUTH}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
  ['a folded field', `GET / HTTP/1.1\r\nHost: a\r\n${AUTH}X-A: one\r\n two\r\n\r\n`, 400],
  ['a field folded by a tab', `GET / HTTP/1.1\r\nHost: a\r\n${AUTH}X-A: one\r\n\ttwo\r\n\r\n`, 400],
  ['a control byte in a field', `GET / HTTP/1.1\r\nHost: a\r\n${AUTH}X-A: a\x01b\r\n\r\n`, 400],
  ['a zero byte in a field', `GET / HTTP/1.1\r\nHost: a\r\n${AUTH}X-A: a\x00b\r\n\r\n`, 400],
  ['a bare carriage return', `GET / HTTP/1.1\r\nHost: a\r\n${AUTH}X-A: a\rb\r\n\r\n`, 400],
  ['bare line feeds', `GET / HTTP/1.1\nHost: a\n\n`, 400],
  ['a space before the colon', `GET / HTTP/1.1\r\nHost: a\r\n${AUTH}X-A : b\r\n\r\n`, 400],
  ['a control byte in the target', `GET /a\x01 HTTP/1.1\r\nHost: a\r\n${AUTH}\r\n`, 400],
  ['an unknown version', `GET / HTTP/1.9\r\nHost: a\r\n${AUTH}\r\n`, 400],
  ['TLS on a plain port', '\x16\x03\x01\x02\x00\x01', 400],
  ['CONNECT', `CONNECT a:1 HTTP/1.1\r\nHost: a\r\n${AUTH}\r\n`, 405],
  ['an unknown expectation', `POST / HTTP/1.1\r\nHost: a\r\n${AUTH}Expect: tea\r\nContent-Length: 1\r\n\r\na`, 417],
  ['headers that are too large', `GET / HTTP/1.1\r\nHost: a\r\n${AUTH}X-A: ${'a'.repeat(9_000)}\r\n\r\n`, 431],
  ['too many headers', `GET / HTTP/1.1\r\nHost: a\r\n${AUTH}${'a: b\r\n'.repeat(2_000)}\r\n`, 431],
];

for (const [what, bytes, status] of REFUSED) {
  test(`${what} is refused with ${status} and the connection closed`, async () => {
    const before = agent.seen.length;
    const reply = await raw(outrider.inbound, Buffer.from(bytes, 'latin1'));
    assert.equal(reply.status, status, reply.text);
    assert.ok(reply.closed);
    assert.equal(agent.seen.length, before, 'the agent saw it');
    assert.match(reply.text, /application\/problem\+json/);
  });
}

test('headers that do not come are answered with 408', async () => {
  const started = performance.now();
  const reply = await raw(outrider.inbound, 'GET / HTTP/1.1\r\nHost: a\r\n');
  assert.equal(reply.status, 408, reply.text);
  assert.match(reply.text, /"code":"request_timeout"/);
  assert.ok(performance.now() - started < 4_000);
});

test('what is late is told in the same words, in HTTP/1.1 and where the beginning of HTTP/2 came', async () => {
  for (const bytes of ['GET / HTTP/1.1\r\nHost: a\r\n', 'PRI * HTTP/2.0\r\n']) {
    const reply = await raw(outrider.inbound, bytes);
    assert.equal(reply.status, 408, reply.text);
    assert.match(reply.text, /the request did not arrive in time/);
  }
});

test('a connection on which nothing comes is closed in the same time', async () => {
  const reply = await raw(outrider.inbound, '');
  assert.ok(reply.closed);
});

test('a second request smuggled behind a body is not taken from it', async () => {
  const before = agent.seen.length;
  const inner = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';
  const reply = await raw(
    outrider.inbound,
    `POST /outer HTTP/1.1\r\nHost: a\r\n${AUTH}Content-Type: application/octet-stream\r\nContent-Length: ${inner.length}\r\nConnection: close\r\n\r\n${inner}`,
  );
  assert.equal(reply.status, 200);
  assert.deepEqual(
    agent.seen.slice(before).map(({ target }) => target),
    ['/outer'],
  );
});

test('after a malformed chunk the agent never sees a complete request', async () => {
  const before = agent.seen.length;
  const reply = await raw(
    outrider.inbound,
    `POST / HTTP/1.1\r\nHost: a\r\n${AUTH}Content-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n`,
  );
  assert.ok(reply.closed);
  assert.equal(agent.seen.length, before);
});
