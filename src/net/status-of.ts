import { request } from 'node:http';

/** Of a reply's body, what is read at most, so that the connection ends in order after a short one. */
const MOST_BYTES = 64 * 1024;

/**
 * The status of a request without a body, on a connection of its own, final and without following redirects. Rejects when it is not there
 * `timeoutMs` after the call; at that time nothing of the exchange is left, whatever the other side does.
 */
export async function statusOf(url: string, timeoutMs: number, method: 'GET' | 'POST' = 'GET'): Promise<number> {
  const target = new URL(url);
  // Most are asked in plain words, and TLS takes its time to load.
  const send = target.protocol === 'https:' ? (await import('node:https')).request : request;
  return new Promise((resolve, reject) => {
    const asked = send(target, {
      method,
      agent: false,
      headers: { Accept: '*/*', 'User-Agent': 'outrider-probe', Connection: 'close' },
    });
    const timer = setTimeout(() => {
      reject(new Error(`no answer within ${timeoutMs} ms`));
      asked.destroy();
    }, timeoutMs);
    asked.on('error', reject);
    asked.on('close', () => {
      clearTimeout(timer);
      reject(new Error('the connection ended without an answer'));
    });
    asked.on('upgrade', (_reply, socket) => socket.destroy());
    asked.on('response', (reply) => {
      resolve(reply.statusCode ?? 0);
      let read = 0;
      reply.on('error', () => undefined);
      reply.on('data', (chunk: Buffer) => {
        read += chunk.length;
        if (read > MOST_BYTES) asked.destroy();
      });
    });
    asked.end();
  });
}
