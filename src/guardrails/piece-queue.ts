import type { Piece } from './run.ts';

/**
 * Pieces that wait, in order. Stretches that leave as they came are one piece, and so are the parts of a replacement, so that
 * there are few of them.
 */
export class PieceQueue {
  #pieces: Piece[] = [];
  /** Place of the first piece that was not taken, and how much of that was. */
  #head = 0;
  #taken = 0;

  add(raw: number, text: string | undefined): void {
    const pieces = this.#pieces;
    const at = pieces.length - 1;
    const last = at < this.#head ? undefined : (pieces[at] as Piece);
    if (last !== undefined && text === undefined && last.text === undefined) {
      pieces[at] = { raw: last.raw + raw, text };
    } else if (last?.text !== undefined && last.raw === 0) {
      pieces[at] = { raw, text: last.text + (text ?? '') };
    } else {
      pieces.push({ raw, text });
    }
  }

  /** All of them, the parts of a replacement whose last part has not come included. */
  takeAll(): readonly Piece[] {
    const pieces = this.#pieces;
    if (pieces.length === 0) return NO_PIECES;
    this.#pieces = [];
    return pieces;
  }

  /** Whether something comes in the place of what waits. */
  get hasEdits(): boolean {
    return this.#pieces.some(({ text }, place) => text !== undefined && place >= this.#head);
  }

  /** What is left of the next piece. A replacement whose last part has not come is none yet. */
  get size(): number {
    const piece = this.#pieces[this.#head];
    return piece === undefined ? 0 : piece.raw - this.#taken;
  }

  /** What it becomes; undefined: nothing else. */
  get text(): string | undefined {
    return this.#pieces[this.#head]?.text;
  }

  /** Takes at most `most` units of the next piece, of a replacement the whole; how many they were. */
  take(most: number): number {
    const piece = this.#pieces[this.#head];
    if (piece === undefined || piece.raw === 0) return 0;
    const left = piece.raw - this.#taken;
    if (piece.text === undefined && most < left) {
      this.#taken += most;
      return most;
    }
    this.#taken = 0;
    this.#head++;
    if (this.#head === this.#pieces.length) {
      this.#pieces = [];
      this.#head = 0;
    } else if (this.#head > ROOM && 2 * this.#head > this.#pieces.length) {
      this.#pieces = this.#pieces.slice(this.#head);
      this.#head = 0;
    }
    return left;
  }
}

const NO_PIECES: readonly Piece[] = Object.freeze([]);

/** Pieces that were taken may pile up before they are dropped. */
const ROOM = 64;
