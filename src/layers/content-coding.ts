import type { Transform } from 'node:stream';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { OutriderError } from '../errors.ts';
import { countField, type Fields } from '../fields.ts';

/** The content codings that are undone here, as `Content-Encoding` names them. */
export type Coding = 'gzip' | 'deflate' | 'br' | 'zstd';

/** Codings stacked higher than this are an attack, not a message. */
const MAX_CODINGS = 3;

/** The content codings in the order in which they were applied (RFC 9110 §8.4); undefined when they cannot be undone here. */
export function knownCodings(headers: Fields): readonly Coding[] | undefined {
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
      if (coding !== 'gzip' && coding !== 'deflate' && coding !== 'br' && coding !== 'zstd') return undefined;
      codings.push(coding);
    }
  }
  return codings.length > MAX_CODINGS ? undefined : codings;
}

const NO_CODINGS: readonly Coding[] = Object.freeze([]);

type Options = { maxOutputLength?: number; params?: Record<number, number>; chunkSize?: number };

/** What Node's one-shot functions give with `info`; `bytesWritten` is what was taken of the input. */
interface Decoded {
  readonly buffer: Uint8Array;
  readonly engine: { readonly bytesWritten: number };
}

interface Codec {
  decoder(options: Options): Transform & { readonly bytesWritten: number };
  decodeNow(bytes: Uint8Array, options: Options & { info: true }): unknown;
  encode(bytes: Uint8Array): Promise<Uint8Array>;
  encodeNow(bytes: Uint8Array): Uint8Array;
}

const gzip = promisify<Uint8Array, Uint8Array>(zlib.gzip);
const deflate = promisify<Uint8Array, Uint8Array>(zlib.deflate);
const brotliCompress = promisify<Uint8Array, Options, Uint8Array>(zlib.brotliCompress);
const zstdCompress = promisify<Uint8Array, Uint8Array>(zlib.zstdCompress);

/** The default quality of brotli is for files that are compressed once. */
const BROTLI: Options = { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 4 } };

const CODECS: Readonly<Record<Coding, Codec>> = {
  gzip: {
    decoder: zlib.createGunzip,
    decodeNow: zlib.gunzipSync,
    encode: gzip,
    encodeNow: (bytes) => zlib.gzipSync(bytes),
  },
  deflate: {
    decoder: zlib.createInflate,
    decodeNow: zlib.inflateSync,
    encode: deflate,
    encodeNow: (bytes) => zlib.deflateSync(bytes),
  },
  br: {
    decoder: zlib.createBrotliDecompress,
    decodeNow: zlib.brotliDecompressSync,
    encode: (bytes) => brotliCompress(bytes, BROTLI),
    encodeNow: (bytes) => zlib.brotliCompressSync(bytes, BROTLI),
  },
  zstd: {
    decoder: zlib.createZstdDecompress,
    decodeNow: zlib.zstdDecompressSync,
    encode: zstdCompress,
    encodeNow: (bytes) => zlib.zstdCompressSync(bytes),
  },
};

/** No text that somebody has written becomes so much larger; what is small all the same does not matter. */
const MOST_RATIO = 256;
const FREE = 2 ** 20;

/** Up to this size, on either side, the thread pool costs more time than it saves. */
const SMALL = 65_536;

/**
 * Undoes the codings. `hold` is told of all bytes that come into being, before there are more, and may throw. Bytes that
 * a decoder passes over (after the end, or in a frame to be skipped) would reach their reader unread: `bad_request`.
 */
export async function decode(
  bytes: Uint8Array,
  codings: readonly Coding[],
  limit: number,
  hold: (bytes: number) => void = () => {},
): Promise<Uint8Array> {
  if (bytes.length === 0) return bytes;
  let plain = bytes;
  for (const coding of codings.toReversed()) {
    if (coding === 'zstd' && hasSkippableFrame(plain)) throw malformed(undefined);
    plain = await decodeOne(plain, CODECS[coding], limit, hold);
  }
  return plain;
}

async function decodeOne(
  bytes: Uint8Array,
  codec: Codec,
  limit: number,
  hold: (bytes: number) => void,
): Promise<Uint8Array> {
  if (bytes.length <= SMALL) {
    try {
      // With `info`, this is what Node gives.
      const options = { maxOutputLength: Math.min(SMALL, limit), info: true } as const;
      const { buffer, engine } = codec.decodeNow(bytes, options) as Decoded;
      if (engine.bytesWritten !== bytes.length) throw malformed(undefined);
      hold(buffer.length);
      return buffer;
    } catch (error) {
      if (!isTooLarge(error)) throw malformed(error);
    }
  }
  const decoder = codec.decoder({ chunkSize: SMALL });
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    decoder.end(bytes);
    // Streams of bytes give buffers.
    for await (const chunk of decoder as AsyncIterable<Uint8Array>) {
      size += chunk.length;
      if (size > limit) {
        throw new OutriderError('body_too_large', `the decoded body is larger than the ${limit} bytes allowed here`);
      }
      if (size > FREE && size > MOST_RATIO * bytes.length) {
        throw new OutriderError('body_too_large', `the body decodes to more than ${MOST_RATIO} times its size`);
      }
      hold(chunk.length);
      chunks.push(chunk);
    }
  } catch (error) {
    throw malformed(error);
  }
  if (decoder.bytesWritten !== bytes.length) throw malformed(undefined);
  return Buffer.concat(chunks, size);
}

/** The beginning of what is coded, up to `size` bytes; empty when nothing can be told yet, or it is not in that coding. */
export async function decodePrefix(bytes: Uint8Array, coding: Coding, size: number): Promise<Uint8Array> {
  const decoder = CODECS[coding].decoder({ chunkSize: size });
  return new Promise((resolve) => {
    const settle = (found: Uint8Array): void => {
      decoder.destroy();
      resolve(found);
    };
    decoder.once('data', settle);
    decoder.once('error', () => settle(NOTHING));
    decoder.write(bytes, () => setImmediate(settle, NOTHING));
  });
}

const NOTHING = new Uint8Array(0);

const ZSTD_MAGIC = 0xfd2fb528;

/** Whether one of the frames is to be skipped, or the frames cannot be told apart (RFC 8878 §3.1). */
function hasSkippableFrame(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  while (at < bytes.length) {
    if (at + 6 > bytes.length || view.getUint32(at, true) !== ZSTD_MAGIC) return true;
    const descriptor = view.getUint8(at + 4);
    const isSingleSegment = (descriptor & 0x20) !== 0;
    const sizeFlag = descriptor >> 6;
    const sizeBytes = sizeFlag === 0 ? (isSingleSegment ? 1 : 0) : 2 ** sizeFlag;
    at += 5 + (isSingleSegment ? 0 : 1) + ([0, 1, 2, 4][descriptor & 3] ?? 0) + sizeBytes;
    for (let isLast = false; !isLast; ) {
      if (at + 3 > bytes.length) return true;
      const header = view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
      isLast = (header & 1) === 1;
      // A block of one byte that is repeated takes one.
      at += 3 + (((header >> 1) & 3) === 1 ? 1 : header >> 3);
    }
    at += (descriptor & 4) !== 0 ? 4 : 0;
  }
  return at !== bytes.length;
}

function isTooLarge(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
}

function malformed(cause: unknown): OutriderError {
  if (cause instanceof OutriderError) return cause;
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
