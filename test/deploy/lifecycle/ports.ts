import { createServer } from 'node:net';

/**
 * A port that nobody listens on, and that the system gives to nobody who connects elsewhere: those are above 32767 on Linux. An
 * agent is told its port before it starts, so it cannot take any that is free.
 */
export async function agentPort(): Promise<number> {
  for (;;) {
    const port = 12_000 + Math.floor(Math.random() * 20_000);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
