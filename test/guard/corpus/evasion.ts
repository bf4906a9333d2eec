/** Values spelt so that a plain search misses them while a reader does not. */

import type { Made } from './bodies.ts';
import { email } from './contact.ts';
import type { Draft } from './draft.ts';
import { COMPACT, toJson } from './json-text.ts';
import { cardDigits, iban, ssnParts } from './numbers.ts';
import { Random } from './random.ts';
import { sentence } from './sentences.ts';

/** Decimal digits in other places of Unicode, by their zero. */
const ZEROES = [0xff10, 0x0660, 0x06f0, 0x0966, 0x1d7ce];
const INVISIBLE = ['\u200b', '\u200c', '\u200d', '\u2060', '\u00ad', '\ufeff'];
const DASHES = ['\u2010', '\u2011', '\u2012', '\u2013', '\u2014', '\u2212', '\uff0d'];
const SPACES = ['\u00a0', '\u2009', '\u202f', '\u2007', '\u3000'];

function inDigits(zero: number, text: string): string {
  return text.replace(/\d/g, (digit) => String.fromCodePoint(zero + Number(digit)));
}

function fullWidth(text: string): string {
  return text.replace(/[!-~]/g, (c) => String.fromCharCode(c.charCodeAt(0) + 0xfee0));
}

/** With something invisible put in at one place to three. */
function sprinkled(random: Random, text: string, what: string): string {
  let out = text;
  for (let i = random.between(1, 3); i > 0; i--) {
    const at = random.between(1, out.length - 1);
    out = out.slice(0, at) + what + out.slice(at);
  }
  return out;
}

function disguised(random: Random, type: string): string {
  if (type === 'email') {
    const address = email(random).toLowerCase();
    return random.weighted<() => string>([
      [30, () => address.replace('@', '\uff20')],
      [15, () => address.replace('@', '\ufe6b')],
      [25, () => fullWidth(address)],
      [30, () => sprinkled(random, address, random.pick(INVISIBLE))],
    ])();
  }
  const plain =
    type === 'ssn'
      ? ssnParts(random).join('-')
      : type === 'iban'
        ? Random.group(iban(random), Array<number>(9).fill(4), ' ')
        : Random.group(cardDigits(random), [4, 4, 4, 4, 3], '-');
  return random.weighted<() => string>([
    [25, () => inDigits(random.pick(ZEROES), plain)],
    [15, () => (type === 'iban' ? fullWidth(plain) : inDigits(0xff10, plain))],
    [30, () => sprinkled(random, plain, random.pick(INVISIBLE))],
    [15, () => plain.replace(/[ -]/g, random.pick(type === 'iban' ? SPACES : [...DASHES, ...SPACES]))],
    [8, () => sprinkled(random, plain, '\u0301')],
  ])();
}

export function evasion(draft: Draft): Made {
  const { random } = draft;
  const type = random.pick(['credit_card', 'ssn', 'iban', 'email']);
  const spelt = random.chance(0.2);
  const plain =
    type === 'email'
      ? email(random)
      : type === 'ssn'
        ? ssnParts(random).join('-')
        : type === 'iban'
          ? iban(random)
          : cardDigits(random);
  const text = spelt ? plain : disguised(random, type);
  draft.put({ topic: type, text, label: { type, text } });
  const content = sentence(random, { topic: type, text });
  if (!spelt && random.chance(0.4)) return { content_type: 'text/plain; charset=utf-8', body: content };
  const body = toJson(
    { model: 'gpt-4.1', messages: [{ role: 'user', content }] },
    { ...COMPACT, ascii: random.chance(0.3) },
  );
  // Some characters spelt out, as no encoder needs to.
  const hidden = spelt ? escapeSome(random, text) : undefined;
  return { content_type: 'application/json', body: hidden === undefined ? body : body.replace(text, () => hidden) };
}

function escapeSome(random: Random, text: string): string {
  return Array.from(text, (c) =>
    c.length === 1 && (c === '@' || random.chance(0.3)) ? `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}` : c,
  ).join('');
}
