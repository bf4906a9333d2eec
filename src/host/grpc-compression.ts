import { promisify } from 'node:util';
import { brotliCompress, brotliDecompress, gunzip, gzip } from 'node:zlib';
import type { Compression } from '@connectrpc/connect/protocol';
import { AgentError } from '../contract/agent-error.ts';
import { toHostError } from './envelope.ts';
import { toConnectError } from './grpc-error.ts';

const gzipped = promisify(gzip);
const gunzipped = promisify(gunzip);
const brotlied = promisify(brotliCompress);
const unbrotlied = promisify(brotliDecompress);

/** What messages may be compressed with. The limit on their size holds for what comes out. */
export const COMPRESSIONS: Compression[] = [
  {
    name: 'gzip',
    compress: async (bytes) => plain(await gzipped(bytes)),
    decompress: (bytes, limit) => forConnect(decompressed('gzip', bytes, limit)),
  },
  {
    name: 'br',
    compress: async (bytes) => plain(await brotlied(bytes)),
    decompress: (bytes, limit) => forConnect(decompressed('br', bytes, limit)),
  },
];

type Coding = 'gzip' | 'br';

export function isCoding(name: string | undefined): name is Coding {
  return name === 'gzip' || name === 'br';
}

/** What a message is that came compressed. Throws `AgentError`s. */
export async function decompressed(coding: Coding, bytes: Uint8Array, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  if (bytes.length === 0) return new Uint8Array(0);
  const options = { maxOutputLength: limit };
  try {
    return plain(await (coding === 'gzip' ? gunzipped(bytes, options) : unbrotlied(bytes, options)));
  } catch (cause) {
    throw cause instanceof RangeError
      ? new AgentError('body_too_large', `the message is larger than the ${limit} bytes allowed here`)
      : new AgentError('bad_request', 'the message cannot be decompressed', { cause });
  }
}

async function forConnect<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw toConnectError(toHostError(error));
  }
}

/** The same bytes. Node's are never shared between threads, which the type cannot say. */
function plain(bytes: Buffer): Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
}
