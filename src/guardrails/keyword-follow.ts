import type { Follower } from './follower.ts';
import type { Trie } from './trie.ts';

/**
 * Follows a text with words. Holds back what may still become a word, and the words before it that it would overlap, since
 * words that overlap are one match.
 */
export class KeywordFollower implements Follower {
  readonly #trie: Trie;
  #state = 0;
  /** Units taken. */
  #at = 0;
  /** Matches that are not decided. */
  #found: number[] = [];

  constructor(trie: Trie) {
    this.#trie = trie;
  }

  push(text: string, spans: number[]): number {
    const trie = this.#trie;
    const { wordLength } = trie;
    const found = this.#found;
    let state = this.#state;
    for (let i = 0; i < text.length; i++) {
      state = trie.step(state, text.charCodeAt(i));
      const length = wordLength[state] as number;
      if (length > 0) joinSpan(found, this.#at + i + 1 - length, this.#at + i + 1);
    }
    this.#state = state;
    this.#at += text.length;
    let decided = this.#at - (trie.live[state] as number);
    if (found.length === 0) return decided;
    let open = found.length;
    // Start and end come in pairs.
    while (open > 0 && decided < (found[open - 1] as number)) {
      open -= 2;
      decided = Math.min(decided, found[open] as number);
    }
    this.#give(open, spans);
    return decided;
  }

  end(spans: number[]): void {
    this.#give(this.#found.length, spans);
  }

  clone(): KeywordFollower {
    const copy = new KeywordFollower(this.#trie);
    copy.#state = this.#state;
    copy.#at = this.#at;
    copy.#found = [...this.#found];
    return copy;
  }

  #give(count: number, spans: number[]): void {
    for (let i = 0; i < count; i++) spans.push(this.#found[i] as number);
    this.#found.splice(0, count);
  }
}

/** Adds an occurrence; occurrences come in order of their ends. Those it overlaps become one with it. */
export function joinSpan(spans: number[], start: number, end: number): void {
  let from = start;
  while (spans.length > 0 && from < (spans[spans.length - 1] as number)) {
    spans.pop();
    from = Math.min(from, spans.pop() as number);
  }
  spans.push(from, end);
}
