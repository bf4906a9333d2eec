import type { AddressInfo } from 'node:net';
import { connect, createServer, type Socket } from 'node:net';
import type { Ends } from './temp.ts';

export interface TcpProxy {
  port: number;
  /** Connections that it has taken so far. */
  taken: () => number;
  /** Ends all connections: by a reset, or as if the far side had closed them in order. */
  cut: (how: 'reset' | 'end') => void;
  /** Closes new connections as soon as they are there, or lets them through again. */
  refuse: (does: boolean) => void;
}

/** Stands before a port of this machine, and passes on bytes until it is told otherwise. Closed with the test. */
export async function tcpProxy(t: Ends, to: number): Promise<TcpProxy> {
  const pairs = new Set<{ near: Socket; far: Socket }>();
  let taken = 0;
  let refuses = false;
  const server = createServer((near) => {
    taken++;
    near.on('error', () => undefined);
    if (refuses) {
      near.destroy();
      return;
    }
    const far = connect(to, '127.0.0.1');
    far.on('error', () => undefined);
    const pair = { near, far };
    pairs.add(pair);
    near.on('close', () => {
      pairs.delete(pair);
      far.destroy();
    });
    far.on('close', () => near.destroy());
    near.pipe(far);
    far.pipe(near);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const cut = (how: 'reset' | 'end'): void => {
    for (const { near, far } of pairs) {
      far.unpipe(near);
      if (how === 'reset') near.resetAndDestroy();
      else near.end();
      far.destroy();
    }
  };
  t.after(() => {
    cut('reset');
    server.close();
  });
  // Listening on TCP, so that the address is an object.
  const { port } = server.address() as AddressInfo;
  return { port, taken: () => taken, cut, refuse: (does) => void (refuses = does) };
}
