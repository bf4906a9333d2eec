import type { Style } from './rule.ts';
import { viewOf } from './view.ts';

/** A hash that only the holder of a key can make: of a match in canonical form, for one rule. 16 hexadecimal digits. */
export type KeyedHash = (rule: string, canonical: string) => string;

/**
 * What comes in the place of a match. `mask`: the match with its letters and digits as `*`, but for the last four. `hash`:
 * `[NAME:16 hexadecimal digits]`, the same for the same value however it is written. Throws when the style needs a key and
 * there is none.
 */
export function replacer(
  rule: { readonly name: string; readonly style: Style; readonly text: string },
  hash: KeyedHash | undefined,
): string | ((match: string) => string) {
  const { name, style, text } = rule;
  if (style === 'replace') return text;
  if (style === 'mask') return mask;
  if (hash === undefined) throw new Error('style hash needs a key');
  const label = name.toUpperCase().replaceAll('_', '-');
  return (match) => `[${label}:${hash(name, canonical(name, match))}]`;
}

const SHOWN = 4;

/**
 * Numbers show their last four digits from nine digits on, as is customary for social security and telephone numbers. All
 * else shows the last four letters and digits when these are no more than a third. What is shorter shows none.
 */
const MIN_NUMBER = 9;
const MIN_WORD = 3 * SHOWN;

const LETTERS_AND_DIGITS = /[\p{L}\p{N}]/gu;
const LETTER = /\p{L}/u;
/** A line end, once an escape, must not part an event or a line. */
const CONTROLS = /\p{Cc}/gu;

function mask(match: string): string {
  const size = match.match(LETTERS_AND_DIGITS)?.length ?? 0;
  const hidden = size - (size >= (LETTER.test(match) ? MIN_WORD : MIN_NUMBER) ? SHOWN : 0);
  let seen = 0;
  return match.replace(LETTERS_AND_DIGITS, (character) => (seen++ < hidden ? '*' : character)).replace(CONTROLS, '*');
}

/** Rules whose matches are the same value with and without separators. */
const NUMBERS: ReadonlySet<string> = new Set(['ssn', 'credit_card', 'phone', 'iban', 'us_routing_number']);

function canonical(rule: string, match: string): string {
  const plain = viewOf(match).text.normalize('NFKC').toLowerCase();
  return NUMBERS.has(rule) ? plain.replace(/[^\p{L}\p{N}]/gu, '') : plain;
}
