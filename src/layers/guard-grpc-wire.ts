import { STEP, type Steps } from '../guardrails/steps.ts';

/** How a field is written: https://protobuf.dev/programming-guides/encoding/ */
export const VARINT = 0;
export const FIXED64 = 1;
export const BYTES = 2;
export const GROUP = 3;
export const END_GROUP = 4;
export const FIXED32 = 5;

/** Bytes that are not what an encoder writes, or that two readers may read in two ways. */
export class WireFault extends Error {
  override readonly name = 'WireFault';
}

/**
 * Reads protobuf's binary format, more strictly than most: of numbers and lengths nothing is cut off, and nothing reaches beyond
 * what it stands in. So there is one way to read what is accepted. All methods throw `WireFault`.
 */
export class WireReader {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Number of a field, times eight, plus how it is written. */
  tag(end: number): number {
    const tag = this.uint32(end);
    if (tag >>> 3 === 0) throw new WireFault('a field has the number 0');
    return tag;
  }

  uint32(end: number): number {
    const first = this.at < end ? (this.bytes[this.at] as number) : 128;
    if (first < 128) {
      this.at++;
      return first;
    }
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      if (this.at >= end) throw new WireFault('a number is cut off');
      const byte = this.bytes[this.at++] as number;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) {
        if (value > 0xffff_ffff) break;
        return value;
      }
    }
    throw new WireFault('a number is too large');
  }

  uint64(end: number): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (this.at >= end) throw new WireFault('a number is cut off');
      const byte = this.bytes[this.at++] as number;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) {
        if (value > 0xffff_ffff_ffff_ffffn) break;
        return value;
      }
    }
    throw new WireFault('a number is too large');
  }

  double(end: number): number {
    this.#need(8, end);
    const value = this.#view.getFloat64(this.at, true);
    this.at += 8;
    return value;
  }

  fixed32(end: number): number {
    this.#need(4, end);
    const value = this.#view.getUint32(this.at, true);
    this.at += 4;
    return value;
  }

  /** Where what begins here, with its length, ends. */
  length(end: number): number {
    const length = this.uint32(end);
    this.#need(length, end);
    return this.at + length;
  }

  /** Passes over a field that nothing is known of. */
  skip(tag: number, end: number, depth: number): void {
    switch (tag & 7) {
      case VARINT:
        this.#skipVarint(end);
        return;
      case FIXED64:
        this.#need(8, end);
        this.at += 8;
        return;
      case FIXED32:
        this.#need(4, end);
        this.at += 4;
        return;
      case BYTES:
        this.at = this.length(end);
        return;
      case GROUP:
        if (depth === 0) throw new WireFault('groups in groups');
        for (;;) {
          const inner = this.tag(end);
          if ((inner & 7) !== END_GROUP) this.skip(inner, end, depth - 1);
          else if (inner >>> 3 === tag >>> 3) return;
          else throw new WireFault('a group ends that has not begun');
        }
      default:
        throw new WireFault('a field is written in a way that is none');
    }
  }

  /** Whether what stands there could be a message; the reader stays where it is. */
  *isMessage(start: number, end: number): Steps<boolean> {
    if (start === end) return false;
    const before = this.at;
    this.at = start;
    try {
      for (let paused = start; this.at < end; ) {
        this.skip(this.tag(end), end, MOST_GROUPS);
        if (this.at - paused < STEP) continue;
        paused = this.at;
        yield;
      }
      return true;
    } catch (error) {
      if (error instanceof WireFault) return false;
      throw error;
    } finally {
      this.at = before;
    }
  }

  #skipVarint(end: number): void {
    for (let left = MOST_VARINT; left > 0; left--) {
      if (this.at >= end) throw new WireFault('a number is cut off');
      // Between the beginning and the end.
      if ((this.bytes[this.at++] as number) < 128) return;
    }
    throw new WireFault('a number is too large');
  }

  #need(size: number, end: number): void {
    if (this.at + size > end) throw new WireFault('a field reaches beyond its message');
  }
}

const MOST_GROUPS = 16;
/** Bytes of a number. */
const MOST_VARINT = 10;

/** A field of bytes, with its tag as it came. */
export function bytesField(tag: Uint8Array, content: Uint8Array): Uint8Array {
  const length: number[] = [];
  let left = content.length;
  for (; left > 127; left = Math.floor(left / 128)) length.push((left % 128) | 128);
  length.push(left);
  return Buffer.concat([tag, Buffer.from(length), content]);
}
