/** Bytes that come in parts. A first part is kept as it is; with the second all of them are copied together. */
export class Gathered {
  #bytes: Uint8Array = EMPTY;
  #size = 0;
  #isOwn = false;

  get size(): number {
    return this.#size;
  }

  /** All of them so far. To be used before more are added. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#size);
  }

  add(part: Uint8Array): void {
    const size = this.#size + part.length;
    if (this.#size === 0 && !this.#isOwn) {
      this.#bytes = part;
    } else if (part.length > 0) {
      if (!this.#isOwn || size > this.#bytes.length) {
        // Small parts would keep the large chunks alive of which they are views.
        const room = Buffer.allocUnsafeSlow(Math.max(2 * size, 256));
        room.set(this.bytes);
        this.#bytes = room;
        this.#isOwn = true;
      }
      this.#bytes.set(part, this.#size);
    }
    this.#size = size;
  }
}

/** Bytes that may leave. What was one stretch of memory is one again, without a copy. */
export class Outgoing {
  #parts: Uint8Array[] = [];

  get isEmpty(): boolean {
    return this.#parts.length === 0;
  }

  add(part: Uint8Array): void {
    if (part.length === 0) return;
    const last = this.#parts.at(-1);
    if (last !== undefined && last.buffer === part.buffer && last.byteOffset + last.length === part.byteOffset) {
      this.#parts[this.#parts.length - 1] = Buffer.from(last.buffer, last.byteOffset, last.length + part.length);
    } else {
      this.#parts.push(part);
    }
  }

  take(): Uint8Array {
    const parts = this.#parts;
    this.#parts = [];
    const [only] = parts;
    return only !== undefined && parts.length === 1 ? only : Buffer.concat(parts);
  }
}

const EMPTY = new Uint8Array(0);
