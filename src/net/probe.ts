import { connect } from 'node:net';

/**
 * Tells whether something accepts TCP connections at the URL's host and port. Questions asked while one is under way share
 * its answer, and an answer is kept for `keepMs`, so that open endpoints cannot be used to hammer the agent.
 */
export function tcpProbe(url: string, { timeoutMs = 1000, keepMs = 250 } = {}): () => Promise<boolean> {
  const { hostname, port, protocol } = new URL(url);
  const target = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || (protocol === 'https:' ? 443 : 80)) };
  let latest: Promise<boolean> | undefined;
  return () => {
    latest ??= attempt(target, timeoutMs).finally(() => {
      setTimeout(() => {
        latest = undefined;
      }, keepMs).unref();
    });
    return latest;
  };
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
