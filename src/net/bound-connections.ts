import type { Server, Socket } from 'node:net';

/**
 * Keeps no more than `most` connections open: one more, and the one that came first is cut. Whoever only holds connections open, as an
 * attacker does, shuts nobody out that way; callers who are answered at once are gone, or idle, before it is their turn.
 */
export function boundConnections(server: Server, most: number): void {
  // A set keeps the order in which its members came.
  const open = new Set<Socket>();
  server.on('connection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    if (open.size <= most) return;
    const [first] = open;
    first?.destroy();
  });
}
