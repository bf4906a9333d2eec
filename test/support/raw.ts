import { connect, type Socket } from 'node:net';

export interface RawReply {
  /** Everything that came until the other side closed, or until `until` was seen. */
  text: string;
  status: number;
  closed: boolean;
}

/** Sends bytes as they are and collects what comes back, until the connection ends, `until` matches or time runs out. */
export function raw(
  url: string,
  bytes: string | Buffer,
  { until, timeoutMs = 5_000 }: { until?: RegExp; timeoutMs?: number } = {},
): Promise<RawReply> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    let text = '';
    const socket: Socket = connect(Number(port), hostname, () => {
      socket.write(bytes);
    });
    const finish = (closed: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ text, status: Number(/^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1] ?? 0), closed });
    };
    const timer = setTimeout(() => finish(false), timeoutMs);
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (until?.test(text)) finish(false);
    });
    socket.on('close', () => finish(true));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error);
    });
  });
}
