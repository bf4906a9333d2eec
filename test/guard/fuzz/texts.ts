/** Texts of all that matches, nearly matches, hides a match, or means something to one of the formats. */
import { decoy } from '../corpus/decoys.ts';
import type { Random } from '../corpus/random.ts';
import { positive } from '../corpus/slots.ts';
import { OWN_WORDS } from './engines.ts';

const AWKWARD = [
  '',
  ' ',
  '  ',
  '\n',
  '\r\n',
  '\t',
  '\0',
  '"',
  '\\',
  '\\\\',
  '\\"',
  '\\u0040',
  '\\u00e9',
  '\\ud83d',
  '\\ud83d\\ude00',
  '\\u200b',
  '\\n',
  '%40',
  '%',
  '%4',
  '+',
  '&',
  '=',
  '@',
  '@@',
  'a@',
  '@b.co',
  '.',
  '..',
  '-',
  '--',
  '[REDACTED-SSN]',
  '[REDACTED-CC]',
  '<~>',
  '{',
  '}',
  '[',
  ']',
  ':',
  ',',
  'é',
  'e\u0301',
  'ß',
  '用户',
  '日本語テキスト',
  'блин',
  '😀',
  '👩‍👩‍👧',
  '\u200b',
  '\u200d',
  '\u00ad',
  '\u2060',
  '\ufeff',
  '\u0301',
  '\u2011',
  '\u00a0',
  '\u2028',
  '０',
  '１２３',
  '٤',
  '𝟜',
  '＠',
  '．',
  'top:',
  ':tail',
  'acct-123456',
  'project X1',
  'a zzzq',
  'aq',
  'xxx',
  '<<',
  '>>',
  'kv',
  'k12v',
  'data: ',
  'event: x',
  '\n\n',
  '--B',
  '--B--',
  '4111',
  '1111 1111',
  '123-45-',
  '6789',
  'DE89',
  'sk-',
  '-----BEGIN',
  'eyJ',
];

const ZEROES = [0xff10, 0x0660, 0x1d7ce];
const MARKS = ['\u200b', '\u00ad', '\u2060', '\u0301', '\ufe0f'];

/** As a reader would still recognise it. */
function disguised(random: Random, text: string): string {
  const zero = random.pick(ZEROES);
  const mark = random.pick(MARKS);
  return random.weighted<() => string>([
    [
      3,
      () => text.replace(/\d/g, (digit) => (random.chance(0.7) ? String.fromCodePoint(zero + Number(digit)) : digit)),
    ],
    [3, () => Array.from(text, (c) => (random.chance(0.2) ? c + mark : c)).join('')],
    [2, () => text.replace(/[ -]/g, random.pick(['\u2011', '\u2013', '\u00a0', '.', '_', '/']))],
    [1, () => text.replace('@', '＠').replaceAll('.', '．')],
    [
      1,
      () =>
        Array.from(text, (c) =>
          random.chance(0.4) && c.length === 1 ? `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}` : c,
        ).join(''),
    ],
    [1, () => encodeURIComponent(text)],
    [
      1,
      () =>
        Array.from(text, (c) =>
          random.chance(0.3) && c < '\x7f' ? `%${c.charCodeAt(0).toString(16).padStart(2, '0')}` : c,
        ).join(''),
    ],
  ])();
}

function atom(random: Random): string {
  return random.weighted<() => string>([
    [20, () => positive(random).text.slice(0, 160)],
    [10, () => decoy(random).text.slice(0, 80)],
    [12, () => disguised(random, positive(random).text.slice(0, 60))],
    [30, () => random.pick(AWKWARD)],
    [6, () => random.pick(OWN_WORDS)],
    [8, () => random.digits(random.between(1, 20))],
    [4, () => random.chars('0123456789- .', random.between(1, 40))],
    [4, () => random.chars("ab@.-_+%'", random.between(1, 30))],
    [4, () => random.pick(['aaaa', '1 ', '4-', 'a@', '\\', '4111 ']).repeat(random.between(1, 30))],
    [10, () => random.pick(['the', 'order', 'is', 'SSN', 'IBAN', 'routing number', 'call', 'Tel.'])],
  ])();
}

/** Some of these after another. */
export function freeText(random: Random, most = 6): string {
  let out = '';
  for (let count = random.below(most + 1); count > 0; count--)
    out += atom(random) + random.pick([' ', ' ', '', '', ', ', '\n']);
  return out;
}
