import { createServer } from 'node:net';

/** Below what systems give to those who connect elsewhere (from 32768 on Linux, 49152 on macOS): such a port stays free. */
const FIRST_PORT = 10_000;
const PORTS_A_WORKER = 2_000;
const WORKERS = 11;

// Test files run side by side, each in a process; the runner numbers those that run at the same time.
const worker = Number(process.env['NODE_TEST_WORKER_ID'] ?? 0) % WORKERS;
let next = Math.floor(Math.random() * PORTS_A_WORKER);

/**
 * A port of 127.0.0.1 that nobody listens on, for what has to know its port before it starts. No other call, of this file or of
 * one that runs beside it, gets the same one: between this call and the listening, which may be seconds, nobody takes it.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < PORTS_A_WORKER; tries += 1) {
    const port = FIRST_PORT + worker * PORTS_A_WORKER + next;
    next = (next + 1) % PORTS_A_WORKER;
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port from ${FIRST_PORT + worker * PORTS_A_WORKER} on`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
