import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { cancelBody, isStream, readBody } from '../body.ts';
import { OutriderError } from '../errors.ts';
import { countField, type Fields, getField, withField, withoutFields } from '../fields.ts';
import { type Transcoded, transcode } from '../guardrails/charset.ts';
import type { Engine } from '../guardrails/engine.ts';
import { inspect } from '../guardrails/inspect.ts';
import { parseMediaType } from '../guardrails/media.ts';
import type { Action, Hit } from '../guardrails/rule.ts';
import type { AuditEntry, AuditSink } from '../ledger/port.ts';
import { type Layer, UNCHANGED } from '../stack.ts';

export interface GuardOptions {
  readonly engine: Engine;
  /** Bytes of a body that is read, before and after its content coding is undone. */
  readonly bodyLimit: number;
  /** Where the rules are applied; in audit rows. */
  readonly surface: 'request' | 'a2a' | 'mcp';
  /** On whose behalf; in audit rows. */
  readonly actor: string;
  readonly audit: AuditSink;
  /** Told of each rule that found something in a call, with the audit row. */
  readonly onHit?: (hit: Hit) => void;
  readonly now: () => Date;
}

/**
 * Runs the guardrails over the body of a call. A body that may be text is read whole, up to `bodyLimit`; one that is declared
 * to be binary streams through. What cannot be read is refused, not passed. A call that switches protocols passes.
 * Throws `blocked`, `body_too_large`, `unsupported_media_type` (content coding or charset), `bad_request` (malformed).
 */
export function guard(options: GuardOptions): Layer {
  const { engine, bodyLimit } = options;
  return async (call, next) => {
    if (call.body === null || ('upgrade' in call && call.upgrade)) return next(UNCHANGED);
    let contentType: string | undefined;
    let codings: readonly Coding[];
    try {
      contentType = readContentType(call.headers);
      if (parseMediaType(contentType).reader === 'binary') return await next(UNCHANGED);
      codings = readCodings(call.headers);
      checkLength(call.headers, bodyLimit);
    } catch (error) {
      await cancelBody(call.body);
      throw error;
    }
    const original = await readBody(call.body, bodyLimit);
    const plain = await decode(original, codings, bodyLimit);
    const text = toUtf8(plain, contentType);
    const { bytes, hits, blockedBy, unreadable } = inspect(engine, text.utf8, contentType);
    for (const hit of hits) {
      options.audit.audit(auditEntry(hit, options));
      options.onHit?.(hit);
    }
    if (blockedBy !== undefined) {
      throw new OutriderError('blocked', `blocked by guardrail ${blockedBy}`, { details: { rule: blockedBy } });
    }
    if (unreadable === 'encoded_part') {
      throw new OutriderError('unsupported_media_type', 'a part of the body has an encoding that cannot be inspected');
    }
    if (bytes === text.utf8) return next(isStream(call.body) ? { body: original } : UNCHANGED);
    const body = await encode(text.encode(bytes), codings);
    return next({ body, headers: headersFor(call.headers, body) });
  };
}

const PAST: Readonly<Record<Action, string>> = { block: 'blocked', redact: 'redacted', warn: 'warned' };

function auditEntry({ rule, action, count, path }: Hit, { surface, actor, now }: GuardOptions): AuditEntry {
  return {
    event_type: `guardrail.${PAST[action]}`,
    actor,
    resource: `guardrail/${rule}`,
    metadata: { rule, action, surface, count, ...(path !== undefined && { path }) },
    timestamp: now().toISOString(),
  };
}

/** Two of them could be one for us and the other for the agent. */
function readContentType(headers: Fields): string | undefined {
  if (countField(headers, 'content-type') > 1) {
    throw new OutriderError('bad_request', 'the request has more than one Content-Type');
  }
  return getField(headers, 'content-type');
}

function checkLength(headers: Fields, limit: number): void {
  if (Number(getField(headers, 'content-length') ?? 0) > limit) {
    throw new OutriderError('body_too_large', `the body is larger than the ${limit} bytes allowed here`);
  }
}

function toUtf8(bytes: Uint8Array, contentType: string | undefined): Transcoded {
  const { reader, charset } = parseMediaType(contentType);
  // Each part of a multipart body has its own charset.
  const text = transcode(bytes, reader === 'multipart' ? 'utf-8' : charset);
  if (text === 'unknown')
    throw new OutriderError('unsupported_media_type', 'the charset of the body cannot be inspected');
  if (text === 'malformed')
    throw new OutriderError('bad_request', 'the body is not text in the charset that it declares');
  return text;
}

/** Fields that describe the bytes of the body as they were, or announce such a field. */
const STALE = new Set(['transfer-encoding', 'trailer', 'content-md5', 'digest', 'content-digest', 'repr-digest']);

function headersFor(headers: Fields, body: Uint8Array): Fields {
  return withField(
    withoutFields(headers, (name) => STALE.has(name)),
    'Content-Length',
    String(body.length),
  );
}

type Coding = 'gzip' | 'deflate' | 'br' | 'zstd';

/** Codings stacked higher than this are an attack, not a message. */
const MAX_CODINGS = 3;

/** The content codings in the order in which they were applied (RFC 9110 §8.4). */
function readCodings(headers: Fields): readonly Coding[] {
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

async function decode(bytes: Uint8Array, codings: readonly Coding[], limit: number): Promise<Uint8Array> {
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

async function encode(bytes: Uint8Array, codings: readonly Coding[]): Promise<Uint8Array> {
  let coded = bytes;
  for (const coding of codings) {
    const codec = CODECS[coding];
    coded = coded.length <= SMALL ? codec.encodeNow(coded) : await codec.encode(coded);
  }
  return coded;
}
