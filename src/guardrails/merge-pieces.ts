import { PieceQueue } from './piece-queue.ts';
import type { Piece } from './run.ts';

/**
 * Takes from two readings of a text what both have come to, and gives the union of their edits: what either replaces is
 * replaced. Edits that overlap become one, with the text of the one that begins first, or of `first`.
 */
export class PieceMerger {
  readonly first: PieceQueue;
  readonly second: PieceQueue;
  /** An edit whose end has not come in one of them: what it becomes, and how far either has come in it. */
  #text: string | undefined;
  #ofFirst = 0;
  #ofSecond = 0;

  constructor(first: PieceQueue, second: PieceQueue) {
    this.first = first;
    this.second = second;
  }

  /** Whether something comes in the place of what waits. */
  get hasEdits(): boolean {
    return this.#text !== undefined || this.first.hasEdits || this.second.hasEdits;
  }

  /** What both have come to since. */
  take(): readonly Piece[] {
    const { first, second } = this;
    const out = new PieceQueue();
    for (;;) {
      if (this.#text === undefined) {
        const size = Math.min(first.size, second.size);
        if (size === 0) break;
        if (first.text === undefined && second.text === undefined) {
          first.take(size);
          second.take(size);
          out.add(size, undefined);
          continue;
        }
        this.#text = first.text ?? second.text;
        this.#ofFirst = first.text === undefined ? 0 : first.take(0);
        this.#ofSecond = second.text === undefined ? 0 : second.take(0);
      }
      if (!this.#isWhole()) break;
      out.add(this.#ofFirst, this.#text);
      this.#text = undefined;
    }
    return out.takeAll();
  }

  /** Goes on in the reading that is behind, as far as the other has come, and as far as edits there reach. */
  #isWhole(): boolean {
    while (this.#ofFirst !== this.#ofSecond) {
      const isFirst = this.#ofFirst < this.#ofSecond;
      const taken = (isFirst ? this.first : this.second).take(Math.abs(this.#ofFirst - this.#ofSecond));
      if (taken === 0) return false;
      if (isFirst) this.#ofFirst += taken;
      else this.#ofSecond += taken;
    }
    return true;
  }
}
