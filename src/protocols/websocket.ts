/** WebSocket frames as they are on the wire (RFC 6455 §5), no extension negotiated. Nothing here knows what messages say. */

/** Who sends: clients mask every frame, servers none (§5.1). */
export type Sender = 'client' | 'server';

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** Status codes of Close frames (§7.4.1, and 1013 of the IANA registry). */
export const CLOSE = {
  protocolError: 1002,
  unsupportedData: 1003,
  invalidPayload: 1007,
  policyViolation: 1008,
  messageTooBig: 1009,
  internalError: 1011,
  tryAgainLater: 1013,
} as const;

export type CloseCode = (typeof CLOSE)[keyof typeof CLOSE];

/** Bytes of the payload of a control frame (§5.5). */
export const CONTROL_LIMIT = 125;
/** The same without the status code that comes before the reason of a Close frame. */
export const REASON_LIMIT = CONTROL_LIMIT - 2;

export interface FrameHeader {
  readonly opcode: number;
  /** Whether it ends its message. */
  readonly fin: boolean;
  /** Bytes of the payload. */
  readonly length: number;
  /** The masking key, first byte highest; undefined for frames of servers. */
  readonly mask: number | undefined;
}

/** Bytes of one frame that came together. Of a control frame always all of them. */
export interface FramePart {
  readonly frame: FrameHeader;
  /** As they came. The first part has the header, even when nothing of the payload is there yet. */
  readonly raw: Uint8Array;
  /** What of `raw` is payload, masked if the frame is. */
  readonly payload: Uint8Array;
  readonly isFirst: boolean;
  /** Place of `payload` in that of the frame. */
  readonly offset: number;
  /** Bytes of the frame that are still to come. */
  readonly left: number;
}

/** What came is not WebSocket: the connection has to be closed with this code (§7.1.7). */
export interface FrameFault {
  readonly code: CloseCode;
  readonly reason: string;
}

export function isControl(opcode: number): boolean {
  return opcode >= OPCODE.close;
}

/**
 * Takes the bytes of one direction apart, however they are cut into chunks. `push` a chunk, then ask `next` until it gives
 * undefined; a fault is final. Holds back no more than the header of a frame, or a control frame that is not complete.
 */
export class FrameReader {
  readonly #isMasked: boolean;
  #bytes: Uint8Array = EMPTY;
  #at = 0;
  /** The data frame whose payload is being read. */
  #frame: FrameHeader | undefined;
  #offset = 0;
  #isWithinMessage = false;
  #fault: FrameFault | undefined;

  constructor(sender: Sender) {
    this.#isMasked = sender === 'client';
  }

  push(chunk: Uint8Array): void {
    const rest = this.#bytes.length - this.#at;
    this.#bytes = rest === 0 ? chunk : Buffer.concat([this.#bytes.subarray(this.#at), chunk]);
    this.#at = 0;
  }

  next(): FramePart | FrameFault | undefined {
    if (this.#fault !== undefined) return this.#fault;
    if (this.#frame === undefined) return this.#begin();
    if (this.#at === this.#bytes.length) return undefined;
    return this.#part(this.#frame, this.#at, this.#at, false);
  }

  #begin(): FramePart | FrameFault | undefined {
    const start = this.#at;
    const available = this.#bytes.length - start;
    if (available < 2) return undefined;
    const first = this.#byte(start);
    const second = this.#byte(start + 1);
    const fault = this.#faultOf(first, second);
    if (fault !== undefined) return this.#fail(CLOSE.protocolError, fault);
    const short = second & 0x7f;
    const extended = short === 127 ? 8 : short === 126 ? 2 : 0;
    const size = 2 + extended + (this.#isMasked ? 4 : 0);
    if (available < size) return undefined;
    const high = extended === 8 ? this.#uint32(start + 2) : 0;
    const length =
      extended === 8
        ? high * 2 ** 32 + this.#uint32(start + 6)
        : extended === 2
          ? this.#byte(start + 2) * 256 + this.#byte(start + 3)
          : short;
    if (high >= 2 ** 31 || (extended === 8 && length < 65_536) || (extended === 2 && length < 126)) {
      return this.#fail(CLOSE.protocolError, 'invalid frame length');
    }
    // Beyond, lengths could not be counted exactly.
    if (high >= 2 ** 21) return this.#fail(CLOSE.messageTooBig, 'frame too large');
    const frame: FrameHeader = {
      opcode: first & 0x0f,
      fin: first >= 0x80,
      length,
      mask: this.#isMasked ? this.#uint32(start + size - 4) : undefined,
    };
    if (isControl(frame.opcode)) {
      if (available < size + length) return undefined;
    } else {
      this.#isWithinMessage = !frame.fin;
    }
    this.#offset = 0;
    return this.#part(frame, start, start + size, true);
  }

  /** What is wrong with a frame that begins with these two bytes. */
  #faultOf(first: number, second: number): string | undefined {
    const opcode = first & 0x0f;
    const length = second & 0x7f;
    if ((first & 0x70) !== 0) return 'reserved bit set without an extension';
    if ((opcode > OPCODE.binary && opcode < OPCODE.close) || opcode > OPCODE.pong) return 'unknown opcode';
    if (second >= 0x80 !== this.#isMasked) return this.#isMasked ? 'frame not masked' : 'frame masked by a server';
    if (isControl(opcode)) {
      if (first < 0x80) return 'fragmented control frame';
      if (length > CONTROL_LIMIT) return 'control frame too long';
      return opcode === OPCODE.close && length === 1 ? 'close frame without a status code' : undefined;
    }
    if (opcode === OPCODE.continuation) return this.#isWithinMessage ? undefined : 'continuation of no message';
    return this.#isWithinMessage ? 'message begun within a message' : undefined;
  }

  #part(frame: FrameHeader, start: number, payload: number, isFirst: boolean): FramePart {
    const end = Math.min(this.#bytes.length, payload + frame.length - this.#offset);
    const offset = this.#offset;
    this.#at = end;
    this.#offset += end - payload;
    const left = frame.length - this.#offset;
    this.#frame = left === 0 ? undefined : frame;
    const raw = this.#bytes.subarray(start, end);
    return { frame, raw, payload: raw.subarray(payload - start), isFirst, offset, left };
  }

  #fail(code: CloseCode, reason: string): FrameFault {
    this.#fault = { code, reason };
    return this.#fault;
  }

  #byte(at: number): number {
    // Callers have looked that so many bytes are there.
    return this.#bytes[at] as number;
  }

  #uint32(at: number): number {
    return this.#byte(at) * 2 ** 24 + ((this.#byte(at + 1) << 16) | (this.#byte(at + 2) << 8) | this.#byte(at + 3));
  }
}

const EMPTY = new Uint8Array(0);

/**
 * Masks or unmasks (§5.3) bytes whose place in the payload of their frame is `offset`; always a copy. Without a key they are
 * given back as they are.
 */
export function applyMask(bytes: Uint8Array, mask: number | undefined, offset = 0): Uint8Array {
  if (mask === undefined) return bytes;
  const out = Buffer.allocUnsafe(bytes.length);
  copyMasked(bytes, mask, offset, out, 0);
  return out;
}

function copyMasked(bytes: Uint8Array, mask: number, offset: number, out: Uint8Array, at: number): void {
  const a = keyByte(mask, offset);
  const b = keyByte(mask, offset + 1);
  const c = keyByte(mask, offset + 2);
  const d = keyByte(mask, offset + 3);
  // Within the array, all of them.
  const whole = bytes.length - (bytes.length % 4);
  let i = 0;
  for (; i < whole; i += 4, at += 4) {
    out[at] = (bytes[i] as number) ^ a;
    out[at + 1] = (bytes[i + 1] as number) ^ b;
    out[at + 2] = (bytes[i + 2] as number) ^ c;
    out[at + 3] = (bytes[i + 3] as number) ^ d;
  }
  for (; i < bytes.length; i++, at++) out[at] = (bytes[i] as number) ^ keyByte(mask, offset + i);
}

function keyByte(mask: number, offset: number): number {
  return (mask >>> (24 - 8 * (offset % 4))) & 0xff;
}

/** One frame with this payload, which is masked when there is a key. A control frame's payload must be within `CONTROL_LIMIT`. */
export function buildFrame(
  payload: Uint8Array,
  { opcode, mask, fin = true }: { opcode: number; mask: number | undefined; fin?: boolean },
): Uint8Array {
  const { length } = payload;
  const extended = length > 0xffff ? 8 : length > CONTROL_LIMIT ? 2 : 0;
  const size = 2 + extended + (mask === undefined ? 0 : 4);
  const frame = Buffer.allocUnsafe(size + length);
  frame[0] = (fin ? 0x80 : 0) | opcode;
  frame[1] = (mask === undefined ? 0 : 0x80) | (extended === 8 ? 127 : extended === 2 ? 126 : length);
  if (extended === 2) frame.writeUInt16BE(length, 2);
  if (extended === 8) {
    frame.writeUInt32BE(Math.floor(length / 2 ** 32), 2);
    frame.writeUInt32BE(length % 2 ** 32, 6);
  }
  if (mask === undefined) {
    frame.set(payload, size);
  } else {
    frame.writeUInt32BE(mask, size - 4);
    copyMasked(payload, mask, 0, frame, size);
  }
  return frame;
}

/** A Close frame (§5.5.1). A reason that is too long is cut at the end of a character. */
export function closeFrame(code: number, reason: string, mask: number | undefined): Uint8Array {
  const text = cutUtf8(Buffer.from(reason, 'utf8'), REASON_LIMIT);
  return buildFrame(Buffer.concat([Buffer.of(code >> 8, code & 0xff), text]), { opcode: OPCODE.close, mask });
}

/** At most `limit` bytes from the beginning of a text in UTF-8, and no part of a character. */
export function cutUtf8(text: Uint8Array, limit: number): Uint8Array {
  if (text.length <= limit) return text;
  let end = limit;
  // A byte that goes on with a character.
  while (end > 0 && ((text[end] as number) & 0xc0) === 0x80) end--;
  return text.subarray(0, end);
}
