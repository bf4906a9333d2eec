import { unitAt } from './characters.ts';
import { BASE64, isMixed } from './key-format.ts';
import { ahead, isOpen, type Shape } from './lookahead.ts';
import type { FindIn } from './rule.ts';
import { isIn, unitSet, WORD } from './unit-set.ts';

const LENGTH = 40;
/** `secret_access_key` up to its last letter: what is kept in sight of a text that comes in pieces. */
const BEFORE = 16;
const BETWEEN = unitSet(' \t\r\n"\'`\\:=>,');
const MAX_BETWEEN = 10;
const REACH = 1 + MAX_BETWEEN + LENGTH + 2;
const NAME = /secret_?(?:access_?)?key$/i;

/**
 * Where the AWS secret access key begins whose name ends at `at`: 40 characters of base64 that nothing marks but their name
 * before them (`aws_secret_access_key = …`, `"SecretAccessKey": "…"`). -1 when there is none.
 */
function secretStart(text: string, at: number): number {
  if ((unitAt(text, at) | 32) !== 121 || !NAME.test(text.slice(Math.max(0, at - BEFORE), at + 1))) return -1;
  let start = at + 1;
  while (start - at <= MAX_BETWEEN && isIn(BETWEEN, ahead(text, start))) start++;
  if (start === at + 1) return -1;
  return secretEnd(text, start) > start ? start : -1;
}

/** Where the secret access key ends that begins at `start`; `start` itself when none does. */
function secretEnd(text: string, start: number): number {
  const end = start + LENGTH;
  for (let i = start; i < end; i++) if (!isIn(BASE64, ahead(text, i))) return start;
  const after = ahead(text, end);
  if (isIn(WORD, after) || isIn(BASE64, after)) return start;
  const key = text.slice(start, end);
  return isMixed(key) && /[a-z]/.test(key) && /[A-Z]/.test(key) ? end : start;
}

/** The same without a name before it, for values whose member has it. */
export const AWS_SECRET: Shape = {
  match: (text, start) => (isIn(BASE64, unitAt(text, start - 1)) ? start : secretEnd(text, start)),
  reach: LENGTH + 2,
  starts: BASE64,
};

export const AWS_SECRET_KEY = /secret[ _-]?(?:access[ _-]?)?key/i;

/** `findIn` counts such a key as beginning at the end of its name. */
export const findAwsSecretsIn: FindIn = (text, from, to, spans) => {
  for (let at = from; at < to; at++) {
    const start = secretStart(text, at);
    if (start >= 0) spans.push(start, start + LENGTH);
  }
  return to;
};

export function openAwsSecret(text: string, from: number): number {
  for (let at = Math.max(from, text.length - REACH); at < text.length; at++) {
    if ((unitAt(text, at) | 32) === 121 && isOpen(secretStart, text, at)) return at;
  }
  return text.length;
}
