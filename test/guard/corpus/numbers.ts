/** Numbers of persons: payment cards, social security numbers, bank accounts, routing numbers. */
import { ibanCheck, luhnDigit, routingDigit } from './check-digits.ts';
import { Random } from './random.ts';

/** Prefix and length by network, with how often it is seen. */
const NETWORKS: readonly (readonly [
  number,
  readonly [prefix: (random: Random) => string, lengths: readonly number[]],
])[] = [
  [340, [() => '4', [16]]],
  [6, [() => '4', [13, 19]]],
  [200, [(r) => String(r.between(51, 55)), [16]]],
  [60, [(r) => String(r.between(2221, 2720)), [16]]],
  [130, [(r) => r.pick(['34', '37']), [15]]],
  [70, [(r) => r.pick(['6011', '644', '645', '646', '647', '648', '649', '65']), [16]]],
  [40, [(r) => r.pick(['300', '301', '302', '303', '304', '305', '36', '38', '39']), [14]]],
  [45, [(r) => String(r.between(3528, 3589)), [16]]],
  [45, [() => '62', [16, 16, 17, 18, 19]]],
  [20, [(r) => r.pick(['5018', '5020', '5038', '6304', '6759', '6761', '6762', '6763']), [16, 16, 18, 19]]],
  [10, [(r) => String(r.between(2200, 2204)), [16]]],
  [10, [(r) => r.pick(['508500', '607000', '652150', '817300']), [16]]],
  [6, [(r) => r.pick(['506700', '509000', '636368', '650500']), [16]]],
  [4, [() => '506100', [16, 19]]],
  [3, [() => '9792', [16]]],
  [3, [() => '5019', [16]]],
  [1, [() => '1', [15]]],
];

/** Digits alone. */
export function cardDigits(random: Random): string {
  const [prefix, lengths] = random.weighted(NETWORKS);
  const start = prefix(random);
  const payload = start + random.digits(random.pick(lengths) - start.length - 1);
  return payload + luhnDigit(payload);
}

/** As printed on the card of that length. */
function printedGroups(digits: string): readonly number[] {
  if (digits.length === 15) return [4, 6, 5];
  if (digits.length === 14) return [4, 6, 4];
  if (digits.length === 13) return [4, 3, 3, 3];
  return [4, 4, 4, 4, 3];
}

export function formatCard(random: Random, digits: string): string {
  const form = random.weighted([
    [42, 'bare'],
    [34, ' '],
    [20, '-'],
    [2, '4 all over'],
    [1, 'halves'],
  ]);
  if (form === 'bare') return digits;
  if (form === '4 all over') return Random.group(digits, [4, 4, 4, 4, 4], ' ');
  if (form === 'halves') return Random.group(digits, [8, 8, 8], random.pick([' ', '-']));
  return Random.group(digits, printedGroups(digits), form);
}

/** Area, group and serial as they were ever given out. */
export function ssnParts(random: Random): [string, string, string] {
  let area = random.between(1, 899);
  if (area === 666) area = 667;
  return [
    String(area).padStart(3, '0'),
    String(random.between(1, 99)).padStart(2, '0'),
    String(random.between(1, 9999)).padStart(4, '0'),
  ];
}

/** Nine digits without separators; only what is around tells what they are. */
export function bareSsn(random: Random): string {
  return ssnParts(random).join('');
}

export function ssn(random: Random): string {
  return ssnParts(random).join(random.chance(0.78) ? '-' : ' ');
}

/** ISO 13616 registry: country, form of the BBAN (n digits, a capitals, c both), how often. */
const IBANS: readonly (readonly [number, readonly [string, string]])[] = [
  [30, ['DE', '18n']],
  [20, ['GB', '4a14n']],
  [18, ['FR', '10n11c2n']],
  [15, ['NL', '4a10n']],
  [14, ['ES', '20n']],
  [14, ['IT', '1a10n12c']],
  [8, ['CH', '5n12c']],
  [8, ['AT', '16n']],
  [8, ['BE', '12n']],
  [6, ['PL', '24n']],
  [6, ['IE', '4a14n']],
  [6, ['PT', '21n']],
  [5, ['SE', '20n']],
  [4, ['DK', '14n']],
  [4, ['NO', '11n']],
  [4, ['FI', '14n']],
  [4, ['LU', '3n13c']],
  [3, ['CZ', '20n']],
  [3, ['HU', '24n']],
  [3, ['GR', '7n16c']],
  [3, ['RO', '4a16c']],
  [3, ['TR', '5n1n16c']],
  [3, ['AE', '19n']],
  [3, ['SA', '2n18c']],
  [2, ['BG', '4a6n8c']],
  [2, ['HR', '17n']],
  [2, ['EE', '16n']],
  [2, ['LT', '16n']],
  [2, ['LV', '4a13c']],
  [2, ['SK', '20n']],
  [2, ['SI', '15n']],
  [2, ['MT', '4a5n18c']],
  [2, ['CY', '8n16c']],
  [2, ['IL', '19n']],
  [1, ['LI', '5n12c']],
  [1, ['MC', '10n11c2n']],
  [1, ['SM', '1a10n12c']],
  [1, ['IS', '22n']],
  [1, ['UA', '6n19c']],
  [1, ['QA', '4a21c']],
  [1, ['PK', '4a16c']],
  [1, ['KW', '4a22c']],
  [1, ['BR', '23n1a1c']],
  [1, ['RS', '18n']],
  [1, ['GE', '2a16n']],
];

const CAPITALS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** Country and account, without the check digits between them. */
export function ibanParts(random: Random): [country: string, bban: string] {
  const [country, form] = random.weighted(IBANS);
  let bban = '';
  for (const [, size, kind] of form.matchAll(/(\d+)([nac])/g)) {
    // Account numbers have digits nearly everywhere that letters may stand, too.
    const alphabet =
      kind === 'a' ? CAPITALS : kind === 'c' && random.chance(0.2) ? `0123456789${CAPITALS}` : '0123456789';
    bban += random.chars(alphabet, Number(size));
  }
  return [country, bban];
}

export function iban(random: Random): string {
  const [country, bban] = ibanParts(random);
  return country + ibanCheck(country, bban) + bban;
}

export function formatIban(random: Random, electronic: string): string {
  const form = random.weighted([
    [50, 'electronic'],
    [42, 'print'],
    [3, 'lower'],
    [4, 'hyphens'],
  ]);
  if (form === 'electronic') return electronic;
  if (form === 'lower') return electronic.toLowerCase();
  return Random.group(electronic, Array<number>(9).fill(4), form === 'print' ? ' ' : '-');
}

/** ABA routing transit number; the first two digits are those of a Federal Reserve district, thrift or electronic ones. */
export function routingNumber(random: Random): string {
  const prefix = random.weighted([
    [6, random.between(1, 12)],
    [1, random.between(21, 32)],
    [1, random.between(61, 72)],
  ]);
  const eight = String(prefix).padStart(2, '0') + random.digits(6);
  return eight + routingDigit(eight);
}
