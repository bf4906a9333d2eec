import { connect, type IncomingHttpHeaders } from 'node:http2';
import type { ServedHost } from './support.ts';

export const SERVICE = '/outrider.agent.v1.AgentService';

/** Of fields that stand there twice, the values joined. */
export interface RawReply {
  headers: Record<string, string>;
  trailers: Record<string, string>;
  body: Buffer;
}

/** One call over HTTP/2 by hand. */
export function unary(
  host: Pick<ServedHost, 'url'>,
  method: string,
  body: Buffer | readonly Buffer[],
  more: Record<string, string> = {},
): Promise<RawReply> {
  const session = connect(host.url);
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': method.startsWith('/') ? method : `${SERVICE}/${method}`,
      'content-type': 'application/grpc',
      authorization: 'Bearer alice',
      te: 'trailers',
      ...more,
    });
    const reply: RawReply = { headers: {}, trailers: {}, body: Buffer.alloc(0) };
    stream.on('response', (headers) => (reply.headers = texts(headers)));
    stream.on('trailers', (trailers) => (reply.trailers = texts(trailers)));
    stream.on('data', (chunk: Buffer) => (reply.body = Buffer.concat([reply.body, chunk])));
    stream.on('error', reject);
    stream.on('close', () => {
      session.close();
      resolve(reply);
    });
    for (const piece of Array.isArray(body) ? body : [body]) stream.write(piece);
    stream.end();
  });
}

export function envelope(message: Uint8Array, flags = 0, length = message.length): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flags);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, message]);
}

function texts(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}
