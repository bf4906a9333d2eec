import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { OutriderError } from '../errors.ts';
import { countField, type Fields } from '../fields.ts';

/** The content codings that are undone here, as `Content-Encoding` names them. */
export type Coding = 'gzip' | 'deflate' | 'br' | 'zstd';

/** Codings stacked higher than this are an attack, not a message. */
const MAX_CODINGS = 3;

/** The content codings in the order in which they were applied (RFC 9110 §8.4). */
export function readCodings(headers: Fields): readonly Coding[] {
  if (countField(headers, 'content-encoding') === 0) return NO_CODINGS;
  const codings: Coding[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i]?.toLowerCase() !== 'content-encoding') continue;
    for (const name of (headers[i + 1] ?? '').split(',')) {
      const coding = name
        .trim()
        .toLowerCase()
        .replace(/^x-gzip$/, 'gzip');
      if (coding === '' || coding === 'identity') continue;
      if (coding !== 'gzip' && coding !== 'deflate' && coding !== 'br' && coding !== 'zstd') {
        throw new OutriderError('unsupported_media_type', 'the content coding of the body cannot be inspected');
      }
      codings.push(coding);
    }
  }
  if (codings.length > MAX_CODINGS)
    throw new OutriderError('unsupported_media_type', 'the body has too many content codings');
  return codings;
}

const NO_CODINGS: readonly Coding[] = Object.freeze([]);

type Options = { maxOutputLength?: number; params?: Record<number, number> };

interface Codec {
  decode(bytes: Uint8Array, options: Options): Promise<Uint8Array>;
  decodeNow(bytes: Uint8Array, options: Options): Uint8Array;
  encode(bytes: Uint8Array): Promise<Uint8Array>;
  encodeNow(bytes: Uint8Array): Uint8Array;
}

const gunzip = promisify<Uint8Array, Options, Uint8Array>(zlib.gunzip);
const gzip = promisify<Uint8Array, Uint8Array>(zlib.gzip);
const inflate = promisify<Uint8Array, Options, Uint8Array>(zlib.inflate);
const deflate = promisify<Uint8Array, Uint8Array>(zlib.deflate);
const brotliDecompress = promisify<Uint8Array, Options, Uint8Array>(zlib.brotliDecompress);
const brotliCompress = promisify<Uint8Array, Options, Uint8Array>(zlib.brotliCompress);
const zstdDecompress = promisify<Uint8Array, Options, Uint8Array>(zlib.zstdDecompress);
const zstdCompress = promisify<Uint8Array, Uint8Array>(zlib.zstdCompress);

/** The default quality of brotli is for files that are compressed once. */
const BROTLI: Options = { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 4 } };

const CODECS: Readonly<Record<Coding, Codec>> = {
  gzip: { decode: gunzip, decodeNow: zlib.gunzipSync, encode: gzip, encodeNow: (bytes) => zlib.gzipSync(bytes) },
  deflate: {
    decode: inflate,
    decodeNow: zlib.inflateSync,
    encode: deflate,
    encodeNow: (bytes) => zlib.deflateSync(bytes),
  },
  br: {
    decode: brotliDecompress,
    decodeNow: zlib.brotliDecompressSync,
    encode: (bytes) => brotliCompress(bytes, BROTLI),
    encodeNow: (bytes) => zlib.brotliCompressSync(bytes, BROTLI),
  },
  zstd: {
    decode: zstdDecompress,
    decodeNow: zlib.zstdDecompressSync,
    encode: zstdCompress,
    encodeNow: (bytes) => zlib.zstdCompressSync(bytes),
  },
};

/** Up to this size, on either side, the thread pool costs more time than it saves. */
const SMALL = 65_536;

export async function decode(bytes: Uint8Array, codings: readonly Coding[], limit: number): Promise<Uint8Array> {
  if (bytes.length === 0) return bytes;
  let plain = bytes;
  for (const coding of codings.toReversed()) plain = await decodeOne(plain, CODECS[coding], limit);
  return plain;
}

async function decodeOne(bytes: Uint8Array, codec: Codec, limit: number): Promise<Uint8Array> {
  if (bytes.length <= SMALL) {
    try {
      return codec.decodeNow(bytes, { maxOutputLength: Math.min(SMALL, limit) });
    } catch (error) {
      if (!isTooLarge(error)) throw malformed(error);
    }
  }
  try {
    return await codec.decode(bytes, { maxOutputLength: limit });
  } catch (error) {
    if (!isTooLarge(error)) throw malformed(error);
    throw new OutriderError('body_too_large', `the decoded body is larger than the ${limit} bytes allowed here`);
  }
}

function isTooLarge(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
}

function malformed(cause: unknown): OutriderError {
  return new OutriderError('bad_request', 'the body is not in the content coding that it declares', { cause });
}

export async function encode(bytes: Uint8Array, codings: readonly Coding[]): Promise<Uint8Array> {
  let coded = bytes;
  for (const coding of codings) {
    const codec = CODECS[coding];
    coded = coded.length <= SMALL ? codec.encodeNow(coded) : await codec.encode(coded);
  }
  return coded;
}
