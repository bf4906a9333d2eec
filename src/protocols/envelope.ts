import type { Fields } from '../fields.ts';

/**
 * Messages one behind the other in a body, each with a byte of flags and four of length before it: gRPC and gRPC-Web
 * (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, "Length-Prefixed-Message"), Connect
 * (https://connectrpc.com/docs/protocol, "Enveloped-Message").
 */

/** Of all three: the message is compressed. */
export const COMPRESSED = 1;
/** Of Connect: the last of a stream, JSON that says how it ended. */
export const END_STREAM = 2;
/** Of gRPC-Web: trailers as lines of text. */
export const TRAILERS = 0x80;

/** Bytes before each message: the flags, and its length. */
export const ENVELOPE_HEAD = 5;
const HEAD: number = ENVELOPE_HEAD;
/** Stretches of bytes that are put together at once: one each for very many bytes would take far more room than they do. */
const MANY_PARTS = 1024;

export interface Frame {
  readonly flags: number;
  readonly payload: Uint8Array;
  /** All of it as it came. */
  readonly bytes: Uint8Array;
}

/** Takes a body in chunks, cut anywhere, and gives its messages. Without a copy for those that came in one chunk. */
export class EnvelopeReader {
  readonly #limit: number;
  /** Not taken yet, in order; and what stood before those, put together. */
  #parts: Uint8Array[] = [];
  #begun: Uint8Array[] = [];
  #size = 0;
  /** Of the first message that is not complete; 0: not known. */
  #wanted = 0;

  /** `limit`: bytes of a message. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Bytes that came and belong to no message that was given. */
  get size(): number {
    return this.#size;
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    if (this.#parts.length === MANY_PARTS) {
      this.#begun.push(Buffer.concat(this.#parts));
      this.#parts = [];
    }
    this.#parts.push(chunk);
    this.#size += chunk.length;
  }

  /** The next message; undefined when more has to come. `too_large`: it says that it is, and nothing more can be read. */
  next(): Frame | 'too_large' | undefined {
    if (this.#size < HEAD) return undefined;
    if (this.#wanted === 0) {
      const head = this.#first(HEAD);
      const length = announced(head);
      if (length > this.#limit) return 'too_large';
      this.#wanted = HEAD + length;
    }
    const wanted = this.#wanted;
    if (this.#size < wanted) return undefined;
    const all = this.#first(wanted);
    const bytes = all.subarray(0, wanted);
    this.#drop(all, wanted);
    // There are more bytes than the head has.
    return { flags: bytes[0] as number, payload: bytes.subarray(HEAD), bytes };
  }

  /** All that came and belongs to no message that was given. */
  takeRest(): Uint8Array {
    const rest = Buffer.concat([...this.#begun, ...this.#parts]);
    this.#begun = [];
    this.#parts = [];
    this.#size = 0;
    this.#wanted = 0;
    return rest;
  }

  /** Bytes of which the first so many are what came first. */
  #first(size: number): Uint8Array {
    const first = this.#begun[0] ?? this.#parts[0];
    if (first !== undefined && first.length >= size) return first;
    const all = Buffer.concat([...this.#begun, ...this.#parts]);
    this.#begun = [];
    this.#parts = [all];
    return all;
  }

  #drop(first: Uint8Array, size: number): void {
    const list = this.#begun.length > 0 ? this.#begun : this.#parts;
    if (first.length === size) list.shift();
    else list[0] = first.subarray(size);
    this.#size -= size;
    this.#wanted = 0;
  }
}

/**
 * The message that a body begins with which has come whole. Undefined: the body ends before the message does. `too_large`: it says
 * that it has more bytes than `limit`.
 */
export function firstFrame(bytes: Uint8Array, limit: number): Frame | 'too_large' | undefined {
  if (bytes.length < HEAD) return undefined;
  const length = announced(bytes);
  if (length > limit) return 'too_large';
  const end = HEAD + length;
  if (bytes.length < end) return undefined;
  // There are more bytes than the head has.
  return { flags: bytes[0] as number, payload: bytes.subarray(HEAD, end), bytes: bytes.subarray(0, end) };
}

/** The length that a head says. */
function announced(head: Uint8Array): number {
  return new DataView(head.buffer, head.byteOffset, HEAD).getUint32(1);
}

/** A message in its envelope. */
export function envelope(flags: number, payload: Uint8Array): Uint8Array {
  const bytes = Buffer.allocUnsafe(HEAD + payload.length);
  bytes[0] = flags;
  bytes.writeUInt32BE(payload.length, 1);
  bytes.set(payload, HEAD);
  return bytes;
}

/** Payload of the last message of gRPC-Web: fields as lines. */
export function trailerLines(fields: Fields): Uint8Array {
  let lines = '';
  for (let i = 0; i < fields.length; i += 2) lines += `${fields[i]}: ${fields[i + 1]}\r\n`;
  return Buffer.from(lines, 'latin1');
}
