import type { Follower } from './follower.ts';
import { joinSpan, KeywordFollower } from './keyword-follow.ts';
import { type Find, type FindIn, NO_SPANS } from './rule.ts';
import { STEP, type Steps } from './steps.ts';
import { Trie } from './trie.ts';

/** The words of a keyword rule: separated by commas, trimmed, empty ones dropped. */
export function parseKeywords(pattern: string): string[] {
  return pattern
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}

/**
 * Finds every occurrence of any of many words, in words too, without regard to case, in one pass over the text (Aho and
 * Corasick, 1975). Occurrences that overlap are one match, so that no part of a word is left over.
 */
export class Keywords {
  readonly #trie: Trie;

  constructor(words: readonly string[]) {
    this.#trie = new Trie(words);
  }

  /** Whether any word occurs. */
  test(text: string): boolean {
    return this.#trie.runToWord(0, text, 0, text.length) < 0;
  }

  *testInSteps(text: string): Steps<boolean> {
    let state = 0;
    for (let from = 0; from < text.length; from += STEP) {
      if (from > 0) yield;
      state = this.#trie.runToWord(state, text, from, Math.min(from + STEP, text.length));
      if (state < 0) return true;
    }
    return false;
  }

  readonly find: Find = (text) => {
    const spans: number[] = [];
    this.findIn(text, 0, text.length, spans);
    return spans.length > 0 ? spans : NO_SPANS;
  };

  /** By where the words end. What a state knows does not reach further back than the longest word. */
  readonly findIn: FindIn = (text, from, to, spans) => {
    const trie = this.#trie;
    let state = 0;
    for (let i = Math.max(0, from - trie.longest); i < to; i++) {
      state = trie.step(state, text.charCodeAt(i));
      if (state === 0 || i < from) continue;
      const length = trie.wordLength[state] as number;
      if (length > 0) joinSpan(spans, i + 1 - length, i + 1);
    }
    return to;
  };

  follow(): Follower {
    return new KeywordFollower(this.#trie);
  }
}
