import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { test } from 'node:test';
import { boundConnections } from './bound-connections.ts';

test('one connection more, and the one that came first is cut', async (t) => {
  const server = createServer((socket) => socket.on('error', () => undefined));
  boundConnections(server, 2);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const open = async () => {
    const accepted = once(server, 'connection');
    const socket = connect(port, '127.0.0.1').resume();
    t.after(() => socket.destroy());
    await accepted;
    return socket;
  };
  const first = await open();
  const second = await open();
  // One that has left makes room.
  second.destroy();
  await new Promise((resolve) => setTimeout(resolve, 50));
  const third = await open();
  assert.equal(first.readableEnded, false);
  const cut = once(first, 'close');
  const fourth = await open();
  await cut;
  assert.deepEqual([third.closed, fourth.closed], [false, false]);
});
