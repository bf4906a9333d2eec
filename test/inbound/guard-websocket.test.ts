import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type RawData, WebSocket, WebSocketServer } from 'ws';
import { serve } from '../support/agent.ts';
import { type Outrider, startOutrider, TOKEN } from '../support/outrider.ts';
import { raw } from '../support/raw.ts';
import { until } from '../support/until.ts';

const AUTH = { authorization: `Bearer ${TOKEN}` };
const LIMIT = 20_000;
const SSN = '219-09-9999';
const EMAIL = 'ada.planted@secret-mail.example';
const BLOCKED = 'blocked by guardrail no-bluebirds';
const HEAD = (path: string): string =>
  `GET ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${TOKEN}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`;

interface AgentSide {
  ws: WebSocket;
  path: string;
  extensions: string | undefined;
  got: string[];
  closed?: { code: number; reason: string };
}

let server: Server;
let close: () => Promise<void>;
let outrider: Outrider;
const sides: AgentSide[] = [];

before(async () => {
  server = createServer();
  // An agent that would compress, if it were asked to.
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: { threshold: 0 } });
  server.on('upgrade', (request, socket: Duplex, head) => {
    const path = request.url ?? '';
    if (path === '/stubborn') {
      socket.on('error', () => undefined);
      socket.on('end', () => socket.end());
      socket.resume();
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n',
      );
      return;
    }
    sockets.handleUpgrade(request, socket, head, (ws) => {
      const side: AgentSide = { ws, path, extensions: request.headers['sec-websocket-extensions'], got: [] };
      sides.push(side);
      ws.on('error', () => undefined);
      ws.on('message', (data, isBinary) => {
        side.got.push(textOf(data));
        if (path === '/echo') ws.send(data, { binary: isBinary });
      });
      ws.on('close', (code, reason) => {
        side.closed = { code, reason: String(reason) };
      });
    });
  });
  const served = await serve(server);
  close = () => served.close();
  outrider = await startOutrider({
    agentUrl: served.url,
    config: `
limits: { body_bytes: ${LIMIT} }
guardrails:
  - name: no-bluebirds
    type: keyword
    pattern: "bluebird"
    action: block
`,
  });
});
after(async () => {
  await close();
  await outrider.stop();
});

/** Nothing here asks for another form than the one buffer that is the default. */
function textOf(data: RawData): string {
  assert.ok(Buffer.isBuffer(data));
  return data.toString();
}

/** A socket through the sidecar and what the agent has of it; text that comes is kept. */
async function open(path = '/echo', options: { perMessageDeflate?: boolean } = {}) {
  const before = sides.length;
  const ws = new WebSocket(outrider.inbound.replace('http', 'ws') + path, { headers: AUTH, ...options });
  const got: string[] = [];
  let closed: { code: number; reason: string } | undefined;
  ws.on('error', () => undefined);
  ws.on('message', (data) => got.push(textOf(data)));
  ws.on('close', (code, reason) => {
    closed = { code, reason: String(reason) };
  });
  await once(ws, 'open');
  const agent = await until(() => sides[before], 'the agent’s side');
  return {
    ws,
    got,
    agent,
    ended: () => until(() => closed && agent.closed && { caller: closed, agent: agent.closed }, 'both ends'),
  };
}

test('messages are redacted in both directions: JSON, text, and what is split over frames', async () => {
  const { ws, got, agent, ended } = await open();
  ws.send(`{"mail": "${EMAIL}", "n": 1.0}`);
  ws.send(`SSN ${SSN}`);
  ws.send('my SSN is 219', { fin: false });
  ws.send('-09-', { fin: false });
  ws.ping();
  ws.send('9999, ok', { fin: true });
  ws.send('clean');
  const expected = [
    '{"mail": "[REDACTED-EMAIL]", "n": 1.0}',
    'SSN [REDACTED-SSN]',
    'my SSN is [REDACTED-SSN], ok',
    'clean',
  ];
  await until(() => got.length === expected.length, 'the echoes');
  assert.deepEqual(agent.got, expected);
  assert.deepEqual(got, expected);
  agent.ws.send(`from the agent: ${EMAIL}`);
  await until(() => got.length === expected.length + 1, 'a message of the agent');
  assert.equal(got.at(-1), 'from the agent: [REDACTED-EMAIL]');
  ws.close(4001, 'enough');
  assert.deepEqual(await ended(), {
    caller: { code: 4001, reason: 'enough' },
    agent: { code: 4001, reason: 'enough' },
  });
});

test('many messages and large ones arrive in order and as they were, pings are answered', async () => {
  const { ws, got, ended } = await open();
  const texts = Array.from({ length: 500 }, (_, i) => `${i} ${'lorem ipsum '.repeat((i * 7) % 1_000)}`);
  for (const text of texts) ws.send(text);
  ws.ping('beat');
  assert.equal(String((await once(ws, 'pong'))[0]), 'beat');
  await until(() => got.length === texts.length, 'all echoes');
  assert.deepEqual(got, texts);
  ws.close();
  assert.equal((await ended()).agent.code, 1005);
});

test('a block closes both sides with 1008 and the name of the rule; nothing of it arrives, nor what comes after', async () => {
  const { ws, got, agent, ended } = await open();
  ws.send('before');
  ws.send('a blue', { fin: false });
  ws.send('bird', { fin: true });
  ws.send('after');
  const end = { code: 1008, reason: BLOCKED };
  assert.deepEqual(await ended(), { caller: end, agent: end });
  assert.deepEqual(agent.got, ['before']);
  assert.ok(got.length <= 1);

  const other = await open('/silent');
  other.agent.ws.send('before');
  other.agent.ws.send('{"t":"\\u0062luebird"}');
  other.agent.ws.send('after');
  assert.deepEqual(await other.ended(), { caller: end, agent: end });
  assert.deepEqual(other.got, ['before']);
});

test('no compression is agreed on, whoever offers it', async () => {
  const { ws, got, agent, ended } = await open('/echo', { perMessageDeflate: true });
  assert.equal(ws.extensions, '');
  assert.equal(agent.extensions, undefined);
  ws.send(EMAIL);
  await until(() => got.length === 1, 'the echo');
  assert.deepEqual(got, ['[REDACTED-EMAIL]']);
  ws.close();
  await ended();
});

test('an agent that compresses all the same is refused', async () => {
  const reply = await raw(outrider.inbound, HEAD('/stubborn'), { until: /\}$/ });
  assert.equal(reply.status, 502);
  assert.match(reply.text, /extension that was not offered/);
});

test('binary messages pass as they are, but text is read whatever it is declared to be', async () => {
  const { ws, agent, ended } = await open();
  const bytes = Buffer.concat([Buffer.of(0, 1, 2, 250), Buffer.from(SSN), Buffer.alloc(3 * LIMIT, 1)]);
  ws.send(bytes);
  assert.deepEqual((await once(ws, 'message'))[0], bytes);
  ws.send(Buffer.from(`{"ssn":"${SSN}"}`));
  const [data, isBinary] = await once(ws, 'message');
  assert.equal(String(data), '{"ssn":"[REDACTED-SSN]"}');
  assert.equal(isBinary, true);
  assert.equal(agent.got.at(-1), '{"ssn":"[REDACTED-SSN]"}');
  ws.close();
  await ended();
});

test('text that is too large closes with 1009, text that is none with 1007, and what is no WebSocket with 1002', async () => {
  const { ws, agent, ended } = await open();
  ws.send('a'.repeat(LIMIT));
  await once(ws, 'message');
  ws.send('a'.repeat(LIMIT + 1));
  const closed = await ended();
  assert.deepEqual([closed.caller.code, closed.agent.code], [1009, 1009]);
  assert.equal(agent.got.length, 1);

  for (const [frame, code] of [
    ['8181 00000000 ff', 1007],
    ['c181 00000000 61', 1002],
    ['8101 61', 1002],
  ] as const) {
    const before = sides.length;
    const bytes = Buffer.concat([Buffer.from(HEAD('/echo')), Buffer.from(frame.replaceAll(' ', ''), 'hex')]);
    const reply = await raw(outrider.inbound, bytes);
    const at = reply.text.indexOf('\r\n\r\n') + 4;
    const close = Buffer.from(reply.text.slice(at), 'latin1');
    assert.deepEqual([close[0], close.readUInt16BE(2), reply.closed], [0x88, code, true]);
    const side = await until(() => sides[before], 'the agent’s side');
    assert.equal((await until(() => side.closed, 'its end')).code, code);
    assert.deepEqual(side.got, []);
  }
});

test('a caller that vanishes in the middle of a message takes its socket with it, and nothing of the message arrives', async () => {
  const { ws, agent } = await open();
  ws.send('half a message', { fin: false });
  ws.ping();
  await once(ws, 'pong');
  ws.terminate();
  const { code } = await until(() => agent.closed, 'its end');
  assert.equal(code, 1006);
  assert.deepEqual(agent.got, []);
});

test('a reader that is slow slows the agent down, and gets everything', async () => {
  const { ws, got, agent, ended } = await open('/silent');
  const text = 'x'.repeat(LIMIT);
  const count = 1_500;
  ws.pause();
  for (let i = 0; i < count; i++) agent.ws.send(`${i} ${text.slice(0, -10)}`);
  await delay(300);
  // Neither the sidecar nor the sockets' buffers take 30 MB.
  assert.ok(agent.ws.bufferedAmount > 5_000_000, `${agent.ws.bufferedAmount}`);
  ws.resume();
  await until(() => got.length === count, 'all messages');
  assert.deepEqual(
    got.map((message) => Number.parseInt(message, 10)),
    Array.from({ length: count }, (_, i) => i),
  );
  ws.close();
  await ended();
});

test('however they ended, no socket to the agent is left', async () => {
  const connections = (): Promise<number> =>
    new Promise((resolve, reject) => {
      server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
    });
  await until(async () => (await connections()) === 0, 'no connections');
});

test('nothing that a rule matched stands in the logs', () => {
  const output = outrider.process.stdout + outrider.process.stderr;
  for (const planted of [SSN, EMAIL, 'luebird"']) assert.equal(output.includes(planted), false);
});
