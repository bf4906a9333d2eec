import { connect } from 'node:net';
import { type KeepOptions, keptAnswer } from './kept-answer.ts';

/** Tells whether something accepts TCP connections at the URL's host and port, within `timeoutMs`. */
export function tcpProbe(
  url: string,
  { timeoutMs = 1000, ...keep }: KeepOptions & { timeoutMs?: number } = {},
): () => Promise<boolean> {
  const { hostname, port, protocol } = new URL(url);
  const target = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || (protocol === 'https:' ? 443 : 80)) };
  return keptAnswer(() => attempt(target, timeoutMs), keep);
}

function attempt(target: { host: string; port: number }, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ ...target, timeout: timeoutMs });
    const done = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => done(true));
    socket.once('timeout', () => done(false));
    socket.once('error', () => done(false));
  });
}
