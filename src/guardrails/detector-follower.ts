import type { Detector } from './detector.ts';
import type { Follower } from './follower.ts';

/** Units that detectors look back at, from where a match begins: as far as a word that names a number may stand before it. */
const CONTEXT = 64;
/** Units of context that may pile up before they are dropped: one large cut is cheaper than many small ones. */
const SLACK = 512;

/** Lets a detector, which holds no state, follow a text. */
export class DetectorFollower implements Follower {
  readonly #detector: Detector;
  #text = '';
  /** Place of the first unit of `#text`. */
  #base = 0;
  /** Everything before this place is decided. */
  #decided = 0;
  #lastStart = 0;
  #lastEnd = 0;

  constructor(detector: Detector) {
    this.#detector = detector;
  }

  push(text: string, spans: number[]): number {
    this.#text += text;
    const from = this.#decided - this.#base;
    const to = this.#detector.pending(this.#text, from);
    if (to > from) this.#find(to, spans);
    if (this.#decided - this.#base > SLACK) this.#drop();
    return this.#decided;
  }

  end(spans: number[]): void {
    this.#find(this.#text.length, spans);
  }

  clone(): DetectorFollower {
    const copy = new DetectorFollower(this.#detector);
    copy.#text = this.#text;
    copy.#base = this.#base;
    copy.#decided = this.#decided;
    copy.#lastStart = this.#lastStart;
    copy.#lastEnd = this.#lastEnd;
    return copy;
  }

  /** Finds what begins before `to`, a place in `#text`. */
  #find(to: number, spans: number[]): void {
    const base = this.#base;
    // Some detectors look at the end of the match before.
    const found = this.#lastEnd > base ? [Math.max(0, this.#lastStart - base), this.#lastEnd - base] : [];
    const known = found.length;
    this.#detector.findIn(this.#text, this.#decided - base, to, found);
    // Where it would go on rests on text that has not come yet.
    this.#decided = base + Math.max(to, found.at(-1) ?? 0);
    if (found.length === known) return;
    for (let i = known; i < found.length; i++) spans.push(base + (found[i] as number));
    this.#lastStart = base + (found.at(-2) as number);
    this.#lastEnd = base + (found.at(-1) as number);
  }

  #drop(): void {
    const cut = this.#decided - this.#base - CONTEXT;
    this.#text = this.#text.slice(cut);
    this.#base += cut;
  }
}
