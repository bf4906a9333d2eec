import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import { serve, startAgent } from '../support/agent.ts';
import { type Outrider, startOutrider, TOKEN } from '../support/outrider.ts';
import { raw } from '../support/raw.ts';

const AUTH = { authorization: `Bearer ${TOKEN}` };

async function withSidecar(agentUrl: string, config: string, run: (sidecar: Outrider) => Promise<void>): Promise<void> {
  const sidecar = await startOutrider({ agentUrl, config });
  try {
    await run(sidecar);
  } finally {
    await sidecar.stop();
  }
}

test('one request more than may be in flight is 503 with Retry-After, and there is room again afterwards', async () => {
  const waiting: ServerResponse[] = [];
  const server = createServer((request, response) => {
    request.resume();
    if (request.url === '/wait') waiting.push(response);
    else response.end('ok');
  });
  const agent = await serve(server);
  try {
    await withSidecar(agent.url, 'limits: { concurrent_requests: 2 }', async ({ inbound }) => {
      const first = [1, 2].map(() => fetch(`${inbound}/wait`, { headers: AUTH }));
      while (waiting.length < 2) await once(server, 'request');
      const refused = await fetch(`${inbound}/x`, { headers: AUTH });
      assert.equal(refused.status, 503);
      assert.equal(refused.headers.get('retry-after'), '1');
      assert.equal(JSON.parse(await refused.text()).code, 'overloaded');
      assert.equal((await fetch(`${inbound}/health`)).status, 200);
      // A reply that streams keeps its place until the stream has ended.
      waiting[0]?.write('begun');
      waiting[1]?.end();
      const streaming = await Promise.race(first);
      assert.equal(streaming.status, 200);
      await (await first[1])?.text();
      assert.equal((await fetch(`${inbound}/x`, { headers: AUTH })).status, 200);
      waiting[0]?.end();
      await (await first[0])?.text();
    });
  } finally {
    await agent.close();
  }
});

test('a principal above its rate is 429 with Retry-After; others are not', async () => {
  const agent = await startAgent();
  try {
    await withSidecar(agent.url, 'limits: { requests_per_second: 0.5, burst: 3 }', async ({ inbound }) => {
      const statuses: number[] = [];
      let last: Response | undefined;
      for (let i = 0; i < 5; i++) {
        last = await fetch(`${inbound}/x`, { headers: AUTH });
        await last.text();
        statuses.push(last.status);
      }
      assert.deepEqual(statuses, [200, 200, 200, 429, 429]);
      const wait = Number(last?.headers.get('retry-after'));
      assert.ok(wait >= 1 && wait <= 2, String(wait));
      // Who is not let in at all does not use up anybody's rate.
      assert.equal((await fetch(`${inbound}/x`)).status, 401);
    });
  } finally {
    await agent.close();
  }
});

test('a body that rules must read is bounded: 413 by its length, and by what comes when it has none', async () => {
  const agent = await startAgent();
  try {
    await withSidecar(agent.url, 'limits: { body_bytes: 64KiB }', async ({ inbound }) => {
      const post = (body: string | Uint8Array<ArrayBuffer>, type: string): Promise<Response> =>
        fetch(`${inbound}/x`, { method: 'POST', headers: { ...AUTH, 'content-type': type }, body });
      const fits = 'a'.repeat(64 * 1024);
      assert.equal((await post(fits, 'text/plain')).status, 200);
      const over = await post(`${fits}b`, 'text/plain');
      assert.equal(over.status, 413);
      assert.equal(JSON.parse(await over.text()).code, 'body_too_large');
      const chunk = `4000\r\n${'a'.repeat(0x4000)}\r\n`;
      const unending = await raw(
        inbound,
        `POST /x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n${chunk.repeat(20)}`,
      );
      assert.equal(unending.status, 413, unending.text);
      assert.ok(unending.closed);
      // What no rule reads may be larger.
      assert.equal((await post(new Uint8Array(1_000_000), 'application/octet-stream')).status, 200);
      assert.equal(agent.seen.length, 2);
    });
  } finally {
    await agent.close();
  }
});

test('many idle connections do not keep others out', async () => {
  const agent = await startAgent();
  try {
    await withSidecar(agent.url, '{}', async ({ inbound }) => {
      const port = Number(new URL(inbound).port);
      const sockets = await Promise.all(
        Array.from({ length: 200 }, async () => {
          const socket = connect(port, '127.0.0.1');
          await once(socket, 'connect');
          return socket;
        }),
      );
      assert.equal((await fetch(`${inbound}/x`, { headers: AUTH })).status, 200);
      for (const socket of sockets) socket.destroy();
    });
  } finally {
    await agent.close();
  }
});
