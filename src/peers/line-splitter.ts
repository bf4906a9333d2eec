const LF = 0x0a;

/**
 * Cuts bytes into lines (LF, or CR LF) and holds at most `limit` bytes of an unfinished one. Of a longer line `onLine` gets
 * the first `limit` bytes with `cut` set, once, and the rest is dropped.
 */
export class LineSplitter {
  readonly #limit: number;
  readonly #onLine: (line: Buffer, cut: boolean) => void;
  #parts: Buffer[] = [];
  #size = 0;
  #dropping = false;

  constructor(limit: number, onLine: (line: Buffer, cut: boolean) => void) {
    this.#limit = limit;
    this.#onLine = onLine;
  }

  /** Takes the chunk up to the end of its `lines`th line, or all of it; returns how many bytes it has taken. */
  push(chunk: Buffer, lines = Number.POSITIVE_INFINITY): number {
    let start = 0;
    let left = lines;
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, start)) {
      if (left-- <= 0) return start;
      this.#add(chunk.subarray(start, end));
      if (!this.#dropping) this.#emit(false);
      this.#dropping = false;
      start = end + 1;
    }
    if (start < chunk.length) this.#add(chunk.subarray(start));
    return chunk.length;
  }

  /** The source has ended: what is left is a line too. */
  end(): void {
    if (this.#size > 0) this.#emit(false);
  }

  #add(part: Buffer): void {
    if (this.#dropping) return;
    const room = this.#limit - this.#size;
    this.#parts.push(part.length > room ? part.subarray(0, room) : part);
    this.#size += Math.min(part.length, room);
    if (part.length > room) {
      this.#emit(true);
      this.#dropping = true;
    }
  }

  #emit(cut: boolean): void {
    const line = this.#parts.length === 1 ? (this.#parts[0] as Buffer) : Buffer.concat(this.#parts, this.#size);
    this.#parts = [];
    this.#size = 0;
    this.#onLine(line.at(-1) === 0x0d ? line.subarray(0, -1) : line, cut);
  }
}
