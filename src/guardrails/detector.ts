import type { Find, FindIn } from './rule.ts';

/** Finds the matches of a built-in rule. Holds no state; linear in the text. */
export interface Detector {
  /** All matches in a text. */
  readonly find: Find;
  readonly findIn: FindIn;
  /**
   * For texts that come in pieces: a place from `from` on, such that every match that begins before it is decided by `text`
   * alone, whatever comes after. `text.length` when nothing has to wait. Sound always; as large as it can cheaply be, because
   * what is behind it is held back. It looks back no further than a match can reach.
   */
  readonly pending: (text: string, from: number) => number;
  /** Whether there may be a match; false only when `find` finds none. Takes bytes read as Latin-1 too, see prefilter.ts. */
  readonly may?: (text: string) => boolean;
  /**
   * What takes its place for the value of a member of a JSON object whose key matches `key` (of the key as it is written, the first
   * 64 units): the key tells what it is, as in `{"ssn": "123456789"}`.
   */
  readonly hinted?: { readonly key: RegExp; readonly detector: Detector };
  /** Loads what finding takes, so that it is there before the first text. */
  readonly warmUp?: () => void;
}
