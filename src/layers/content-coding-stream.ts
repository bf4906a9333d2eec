import type { Transform } from 'node:stream';
import zlib from 'node:zlib';
import { OutriderError } from '../errors.ts';
import type { Coding } from './content-coding.ts';

type Decoder = Transform & { readonly bytesWritten: number };
type Encoder = Transform & { flush(kind: number, done: () => void): void };

/** Bytes that a decoder gives at once, and that it may have ready. */
const PIECE = 32_768;
/** Room for all that a piece can become: an encoder never waits for its reader. */
const ROOM = { chunkSize: 65_536, readableHighWaterMark: 2 ** 20 };

const { constants } = zlib;

const CODECS: Readonly<Record<Coding, { decoder: () => Decoder; encoder: () => Encoder; flush: number }>> = {
  gzip: {
    decoder: () => zlib.createGunzip({ chunkSize: PIECE }),
    encoder: () => zlib.createGzip(ROOM),
    flush: constants.Z_SYNC_FLUSH,
  },
  deflate: {
    decoder: () => zlib.createInflate({ chunkSize: PIECE }),
    encoder: () => zlib.createDeflate(ROOM),
    flush: constants.Z_SYNC_FLUSH,
  },
  br: {
    decoder: () => zlib.createBrotliDecompress({ chunkSize: PIECE }),
    // The default quality is for files that are compressed once.
    encoder: () => zlib.createBrotliCompress({ ...ROOM, params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }),
    flush: constants.BROTLI_OPERATION_FLUSH,
  },
  zstd: {
    decoder: () => zlib.createZstdDecompress({ chunkSize: PIECE }),
    encoder: () => zlib.createZstdCompress(ROOM),
    flush: constants.ZSTD_e_flush,
  },
};

/**
 * Undoes the codings of a stream as it comes: what is there of the text is given at once, in pieces of at most 32 KB. The
 * source is asked for no more than is decoded. Fails with `bad_request` (not in that coding, cut short, or followed by
 * something else) and `body_too_large` when one chunk of the source becomes more than `limit` bytes; with the source's own
 * error after all that came before.
 */
export function decodeStream(
  source: AsyncIterator<Uint8Array>,
  codings: readonly Coding[],
  limit: number,
): AsyncIterator<Uint8Array> {
  return codings.toReversed().reduce((inner, coding) => decodeOne(inner, coding, limit), source);
}

function decodeOne(source: AsyncIterator<Uint8Array>, coding: Coding, limit: number): AsyncIterator<Uint8Array> {
  const decoder = CODECS[coding].decoder();
  let wake: (() => void) | undefined;
  /** Lets go of who waits for the decoder to take a chunk. */
  let taking: (() => void) | undefined;
  let failure: unknown;
  let isTaking = false;
  let taken = 0;
  let given = 0;
  const notify = (): void => {
    wake?.();
    wake = undefined;
  };
  decoder.on('readable', notify);
  decoder.on('end', notify);
  decoder.on('close', () => {
    taking?.();
    notify();
  });
  decoder.on('error', (error) => {
    failure ??= malformed(error);
    notify();
  });

  /** Gives the decoder what comes next, and is done when all of it was taken. */
  const feed = async (): Promise<void> => {
    isTaking = true;
    try {
      const { done, value } = await source.next();
      if (done) {
        // Nothing at all is no text, and no fault.
        if (taken === 0) decoder.destroy();
        else decoder.end();
      } else if (value.length > 0) {
        given = 0;
        taken += value.length;
        await new Promise<void>((resolve) => {
          taking = resolve;
          decoder.write(value, () => resolve());
        });
      }
    } catch (error) {
      failure ??= error;
    }
    isTaking = false;
    notify();
  };

  const next = async (): Promise<IteratorResult<Uint8Array, undefined>> => {
    for (;;) {
      // No encoding is set, so these are bytes.
      const piece = decoder.read() as Buffer | null;
      if (piece !== null) {
        given += piece.length;
        if (given <= limit) return { done: false, value: piece };
        failure = new OutriderError('body_too_large', `a piece of the body becomes more than ${limit} bytes`);
      }
      if (failure !== undefined) {
        await give();
        throw failure;
      }
      if (decoder.readableEnded || decoder.destroyed) {
        if (decoder.bytesWritten !== taken) throw malformed(undefined);
        return { done: true, value: undefined };
      }
      const waiting = new Promise<void>((resolve) => {
        wake = resolve;
      });
      if (!isTaking && !decoder.writableEnded) void feed();
      await waiting;
    }
  };
  const give = async (): Promise<void> => {
    decoder.destroy();
    await source.return?.();
  };
  return {
    next,
    async return() {
      await give();
      return { done: true, value: undefined };
    },
  };
}

function malformed(cause: unknown): OutriderError {
  return new OutriderError('bad_request', 'the body is not in the content coding that it declares', { cause });
}

/** Applies codings to a stream, piece by piece: what is given can be decoded at once, nothing of it waits for more. */
export class StreamEncoder {
  readonly #encoders: readonly { encoder: Encoder; flush: number }[];

  constructor(codings: readonly Coding[]) {
    this.#encoders = codings.map((coding) => {
      const { encoder, flush } = CODECS[coding];
      return { encoder: encoder(), flush };
    });
  }

  /** `piece`: well below a megabyte, since all that it becomes is kept until it is given. */
  async push(piece: Uint8Array): Promise<Uint8Array> {
    let coded = piece;
    for (const { encoder, flush } of this.#encoders) {
      if (coded.length === 0) break;
      coded = await codedBy(encoder, (done) => {
        encoder.write(coded);
        encoder.flush(flush, done);
      });
    }
    return coded;
  }

  /** What stands at the end of what is coded. */
  async end(): Promise<Uint8Array> {
    let coded = NOTHING;
    for (const { encoder } of this.#encoders) {
      const last = coded;
      const chunks: Buffer[] = [];
      await settled(encoder, (done) => {
        // The callback of `end` would come before the last bytes do.
        encoder.on('readable', () => chunks.push(...ready(encoder)));
        encoder.on('end', done);
        if (last.length > 0) encoder.write(last);
        encoder.end();
      });
      coded = Buffer.concat(chunks);
    }
    return coded;
  }

  /** Frees what the encoders hold, when there will be no end. */
  destroy(): void {
    for (const { encoder } of this.#encoders) encoder.destroy();
  }
}

const NOTHING: Uint8Array = new Uint8Array(0);

/** All that an encoder gives for a piece of work; nothing when it is destroyed meanwhile. */
async function codedBy(encoder: Encoder, work: (done: () => void) => void): Promise<Uint8Array> {
  await settled(encoder, work);
  const chunks = ready(encoder);
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}

function settled(encoder: Encoder, work: (done: () => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: unknown): void => {
      encoder.off('error', settle);
      encoder.off('close', settle);
      if (error instanceof Error) reject(error);
      else resolve();
    };
    encoder.on('error', settle);
    encoder.on('close', settle);
    work(() => settle());
  });
}

function ready(encoder: Encoder): Buffer[] {
  const chunks: Buffer[] = [];
  for (;;) {
    // No encoding is set, so these are bytes.
    const chunk = encoder.read() as Buffer | null;
    if (chunk === null) return chunks;
    chunks.push(chunk);
  }
}
