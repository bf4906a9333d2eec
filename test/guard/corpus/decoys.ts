/** Values that come near to what the rules look for, and are something else. */
import { eanDigit, ibanCheck, isbn10Digit, luhnDigit, otherDigit, routingDigit } from './check-digits.ts';
import type { Value } from './draft.ts';
import { cardDigits, formatCard, ibanParts, ssnParts } from './numbers.ts';
import { Random } from './random.ts';

/** What it is, the topic in whose sentences it stands, and how it is made. */
type Maker = readonly [what: string, topic: string, make: (random: Random) => string];

function date(random: Random, separator = '-'): string {
  const two = (n: number): string => String(n).padStart(2, '0');
  return [2015 + random.below(12), two(random.between(1, 12)), two(random.between(1, 28))].join(separator);
}

function time(random: Random): string {
  return [random.below(24), random.below(60), random.below(60)].map((n) => String(n).padStart(2, '0')).join(':');
}

function uuid(random: Random): string {
  return `${random.hex(8)}-${random.hex(4)}-4${random.hex(3)}-${random.pick(['8', '9', 'a', 'b'])}${random.hex(3)}-${random.hex(12)}`;
}

const seconds = (random: Random): number => 1_500_000_000 + random.below(290_000_000);
const HEX_UPPER = '0123456789ABCDEF';

const ANYWHERE: readonly Maker[] = [
  ['uuid', 'id', uuid],
  ['uuid of digits', 'id', (r) => `${r.digits(8)}-${r.digits(4)}-4${r.digits(3)}-8${r.digits(3)}-${r.digits(12)}`],
  ['ulid', 'id', (r) => `01${r.chars('0123456789ABCDEFGHJKMNPQRSTVWXYZ', 24)}`],
  ['ISO timestamp', 'time', (r) => `${date(r)}T${time(r)}.${r.digits(3)}Z`],
  ['ISO timestamp', 'time', (r) => `${date(r)}T${time(r)}.${r.digits(6)}+0${r.between(1, 9)}:00`],
  ['date and time', 'time', (r) => `${date(r)} ${time(r)}`],
  ['date', 'time', (r) => date(r, r.pick(['-', '/', '.']))],
  [
    'date',
    'time',
    (r) =>
      date(r)
        .split('-')
        .toReversed()
        .join(r.pick(['.', '/', '-'])),
  ],
  ['date range', 'time', (r) => `${date(r)} - ${date(r)}`],
  ['compact time', 'time', (r) => date(r, '') + time(r).replaceAll(':', '') + r.digits(3)],
  ['epoch seconds', 'time', (r) => String(seconds(r))],
  ['epoch milliseconds', 'time', (r) => `${seconds(r)}${r.digits(3)}`],
  ['epoch microseconds', 'time', (r) => `${seconds(r)}${r.digits(6)}`],
  ['epoch nanoseconds', 'time', (r) => `${seconds(r)}${r.digits(9)}`],
  ['git commit', 'commit', (r) => r.hex(40)],
  ['git commit', 'commit', (r) => r.hex(7)],
  ['hash', 'hash', (r) => `sha256:${r.hex(64)}`],
  ['hash', 'hash', (r) => r.hex(32)],
  ['hash of digits', 'hash', (r) => r.digits(15) + r.hex(17)],
  ['integrity', 'hash', (r) => `sha512-${r.base64(86)}==`],
  ['base64', 'data', (r) => `${r.base64(r.between(40, 120))}=`],
  ['base64 data URL', 'data', (r) => `data:image/png;base64,iVBORw0KGgo${r.base64(80)}`],
  ['version', 'version', (r) => `v${r.below(20)}.${r.below(40)}.${r.below(30)}`],
  ['version', 'version', (r) => `${r.below(9)}.${r.below(99)}.${r.below(99)}-beta.${r.below(9)}+build.${r.digits(8)}`],
  ['snowflake id', 'id', (r) => String(r.between(1, 9)) + r.digits(17)],
  ['object id', 'id', (r) => r.hex(24)],
  ['trace id', 'trace', (r) => `00-${r.hex(32)}-${r.hex(16)}-01`],
  ['price', 'price', (r) => `${r.between(1, 999)},${r.digits(3)}.${r.digits(2)}`],
  ['price', 'price', (r) => `$${r.between(1, 9)},${r.digits(3)},${r.digits(3)}`],
  ['coordinates', 'place', (r) => `${r.below(90)}.${r.digits(6)}, -${r.below(180)}.${r.digits(6)}`],
  ['long decimal', 'measure', (r) => `0.${r.digits(16)}`],
  ['long decimal', 'measure', (r) => `${r.between(2, 9)}.${r.digits(15)}`],
  ['percentage', 'measure', (r) => `${r.below(100)}.${r.digits(4)}%`],
];

const LIKE_CARD: readonly Maker[] = [
  ['card: wrong check digit', 'credit_card', (r) => formatCard(r, brokenCard(r))],
  ['card: wrong check digit', 'id', brokenCard],
  [
    'card: masked',
    'credit_card',
    (r) => `${r.pick(['XXXX-XXXX-XXXX-', '**** **** **** ', '************', '•••• •••• •••• '])}${r.digits(4)}`,
  ],
  ['order number', 'order', (r) => `${r.between(1, 9)}${r.digits(r.between(9, 13))}`],
  ['order number', 'order', (r) => `${r.pick(['1', '7', '9', '0'])}${r.digits(15)}`],
  ['order number', 'order', (r) => `${r.digits(3)}-${r.digits(7)}-${r.digits(7)}`],
  ['order number', 'order', (r) => `ORD-${date(r, '')}-${r.digits(6)}`],
  ['order number in a word', 'order', (r) => `ORD${cardDigits(r)}`],
  ['card in a longer number', 'id', (r) => `${cardDigits(r)}${r.digits(12)}`],
  ['IMEI', 'device', (r) => imei(r)],
  ['ICCID', 'device', (r) => iccid(r)],
  ['ISBN-13', 'isbn', (r) => isbn13(r)],
  ['EAN', 'order', (r) => ean(r)],
  ['tracking number', 'tracking', (r) => `94001${r.digits(17)}`],
  ['tracking number', 'tracking', (r) => `1Z${r.chars('0123456789ABCDEFGHJKLMNPRSTUVWXYZ', 6)}${r.digits(10)}`],
  ['tracking number', 'tracking', (r) => Random.group(`9${r.digits(21)}`, [4, 4, 4, 4, 4, 2], ' ')],
  ['hexadecimal key', 'hash', (r) => r.chars(HEX_UPPER, 16)],
  ['card number in a decimal', 'measure', (r) => `0.${cardDigits(r)}`],
];

const LIKE_SSN: readonly Maker[] = [
  [
    'SSN: area 000, 666 or 9xx',
    'ssn',
    (r) => `${r.pick(['000', '666', `9${r.digits(2)}`])}-${ssnParts(r)[1]}-${ssnParts(r)[2]}`,
  ],
  ['SSN: group 00', 'ssn', (r) => `${ssnParts(r)[0]}-00-${ssnParts(r)[2]}`],
  ['SSN: serial 0000', 'ssn', (r) => `${ssnParts(r)[0]}-${ssnParts(r)[1]}-0000`],
  ['SSN: masked', 'ssn', (r) => `${r.pick(['XXX-XX-', '***-**-'])}${r.digits(4)}`],
  ['ZIP+4', 'place', (r) => `${r.digits(5)}-${r.digits(4)}`],
  ['EIN', 'company', (r) => `${r.between(10, 99)}-${r.digits(7)}`],
  ['longer grouped number', 'id', (r) => `${ssnParts(r).join('-')}-${r.digits(3)}`],
  ['longer number', 'id', (r) => `${r.digits(3)}-${r.digits(2)}-${r.digits(5)}`],
  ['letters around', 'id', (r) => `${r.chars('ABCDEFGHKLM', 2)}${ssnParts(r).join('-')}`],
  ['nine digits', 'order', (r) => r.digits(9)],
  ['CAS number', 'data', (r) => `${r.between(50, 9999)}-${r.digits(2)}-${r.digits(1)}`],
  ['date with a zone', 'time', (r) => `${date(r)}-${r.digits(4)}`],
];

const LIKE_IBAN: readonly Maker[] = [
  ['IBAN: wrong check digits', 'iban', (r) => brokenIban(r)],
  ['IBAN: wrong check digits', 'iban', (r) => Random.group(brokenIban(r), [4, 4, 4, 4, 4, 4, 4], ' ')],
  ['IBAN: wrong length', 'iban', (r) => shortIban(r)],
  ['IBAN: no such country', 'iban', (r) => `XX${r.digits(20)}`],
  [
    'part number',
    'part',
    (r) => `${r.chars('ABCDEFGHKLMNPRST', 2)}${r.digits(2)}-${r.digits(4)}-${r.digits(4)}-${r.digits(4)}`,
  ],
  ['part number', 'part', (r) => `GB${r.digits(2)}${r.chars('ABCDEFGHK', 4)}${r.digits(4)}`],
  [
    'licence key',
    'part',
    (r) => Array.from({ length: 5 }, () => r.chars('ABCDEFGHJKLMNPQRSTUVWXYZ23456789', 5)).join('-'),
  ],
  ['VIN', 'part', (r) => `WVWZZZ1JZ${r.chars('ABCDEFGHJKLMN', 1)}W${r.digits(6)}`],
  ['BIC', 'iban', (r) => `${r.chars('ABCDEFGHKLMNPRST', 4)}DE${r.pick(['FF', 'HH', '55'])}XXX`],
  ['SEPA creditor', 'company', (r) => `DE${r.digits(2)}ZZZ0${r.digits(10)}`],
  ['VAT number', 'company', (r) => `${r.pick(['DE', 'ATU', 'PL', 'DK'])}${r.digits(9)}`],
  ['hexadecimal', 'hash', (r) => r.chars(HEX_UPPER, 32)],
];

const LIKE_EMAIL: readonly Maker[] = [
  [
    'host without a domain',
    'login',
    (r) => `${r.pick(['root', 'admin', 'postgres', 'ubuntu'])}@${r.pick(['localhost', 'db1', 'web-03'])}`,
  ],
  ['mention', 'mention', (r) => `@${r.pick(['maria', 'dev_team', 'john.doe', 'octocat', 'channel'])}`],
  [
    'npm package',
    'package',
    (r) =>
      `@${r.pick(['scope', 'types', 'angular', 'acme'])}/${r.pick(['core', 'node', 'ui-kit'])}@${r.below(20)}.${r.below(9)}.${r.below(9)}`,
  ],
  [
    'npm package',
    'package',
    (r) => `${r.pick(['lodash', 'react', 'left-pad'])}@${r.below(20)}.${r.below(9)}.${r.below(9)}`,
  ],
  ['npm range', 'package', (r) => `${r.pick(['express', 'vite', 'zod'])}@^${r.below(20)}.${r.below(9)}.0`],
  [
    'at-rule',
    'code',
    (r) =>
      r.pick([
        '@media (max-width: 600px)',
        '@import url("a.css")',
        '@font-face { src: url(x.woff2) }',
        '@keyframes spin',
      ]),
  ],
  [
    'annotation',
    'code',
    (r) => r.pick(['@Override', '@app.route("/users")', '@Component({})', '@pytest.fixture', '@param name']),
  ],
  ['object name', 'code', (r) => `com.example.Widget@${r.hex(8)}`],
  ['Kotlin label', 'code', (r) => r.pick(['return@forEach', 'this@MainActivity', 'break@outer'])],
  ['image of double size', 'file', (r) => `${r.pick(['logo', 'icon-home', 'splash'])}@${r.pick(['2x', '3x'])}.png`],
  ['image digest', 'package', (r) => `nginx@sha256:${r.hex(64)}`],
  ['price each', 'price', (r) => `${r.between(2, 20)} @ $${r.between(1, 99)}.${r.digits(2)}`],
  ['no local part', 'login', (r) => `@${r.pick(['example.com', 'acme.io'])}`],
  ['no domain', 'login', (r) => `${r.pick(['sales', 'j.doe'])}@`],
  ['Matrix id', 'mention', (r) => `@${r.pick(['anna', 'bot'])}:matrix.org`],
  ['map position', 'file', (r) => `maps/@${r.between(10, 80)}.${r.digits(4)},${r.between(1, 99)}.${r.digits(4)},15z`],
];

const LIKE_PHONE: readonly Maker[] = [
  ['phone-like id', 'order', (r) => `INV-${r.between(2015, 2026)}-${r.digits(3)}-${r.digits(4)}`],
  ['phone-like id', 'id', (r) => `REQ_415${r.digits(7)}`],
  ['phone-like id', 'part', (r) => `${r.digits(4)}-${r.digits(4)}`],
  ['phone-like id', 'part', (r) => `${r.digits(3)}.${r.digits(3)}.${r.digits(2)}`],
  ['phone-like id', 'order', (r) => `${r.pick(['0', '1'])}${r.digits(2)}-${r.digits(3)}-${r.digits(4)}`],
  ['too long', 'id', (r) => `+1${r.digits(16)}`],
  ['no such country', 'id', (r) => `+999 ${r.digits(3)} ${r.digits(3)} ${r.digits(4)}`],
  ['ISBN-10', 'isbn', (r) => isbn10(r)],
  ['ISBN-13', 'isbn', (r) => `978-0-${r.digits(3)}-${r.digits(5)}-${r.digits(1)}`],
  ['years', 'time', (r) => `${r.between(1950, 1999)}-${r.between(2000, 2026)}`],
  ['score', 'measure', (r) => `${r.between(100, 199)}-${r.between(100, 199)}`],
  ['extension', 'company', (r) => `x${r.digits(4)}`],
  ['difference', 'measure', (r) => `+${r.digits(4)} -${r.digits(3)}`],
];

const LIKE_IP: readonly Maker[] = [
  ['version of four parts', 'version', (r) => `${r.between(1, 9)}.${r.below(20)}.${r.below(10)}.${r.below(10)}`],
  [
    'version of four parts',
    'browser',
    (r) => `Chrome/${r.between(90, 130)}.0.${r.between(4000, 6800)}.${r.below(200)}`,
  ],
  ['version of four parts', 'version', (r) => `10.0.${r.between(17_000, 26_000)}.${r.between(300, 4000)}`],
  ['octet above 255', 'ipv4', (r) => `${r.between(256, 999)}.${r.below(256)}.${r.below(256)}.${r.below(256)}`],
  ['octet above 255', 'ipv4', (r) => `192.168.${r.below(256)}.${r.between(256, 999)}`],
  ['OID', 'data', (r) => `1.3.6.1.4.1.${r.between(300, 9999)}.${r.below(99)}`],
  ['five parts', 'version', (r) => `${r.below(9)}.${r.below(9)}.${r.below(9)}.${r.below(9)}.${r.below(9)}`],
  ['three parts', 'version', (r) => `10.${r.below(256)}.${r.below(256)}`],
  ['section', 'section', (r) => `${r.between(1, 9)}.${r.between(1, 9)}.${r.between(1, 9)}.${r.between(1, 9)}`],
  ['MAC address', 'device', (r) => Array.from({ length: 6 }, () => r.hex(2)).join(r.pick([':', '-']))],
  ['fingerprint', 'hash', (r) => Array.from({ length: 16 }, () => r.hex(2)).join(':')],
  ['scope operator', 'code', (r) => r.pick(['std::vector', 'a::b::c', 'Foo::Bar', 'div::before', 'List::map'])],
  ['time', 'time', time],
  ['ratio', 'measure', (r) => `${r.between(1, 21)}:${r.between(1, 9)}`],
  ['verse', 'section', (r) => `${r.between(1, 50)}:${r.between(1, 30)}:${r.between(1, 9)}`],
];

const LIKE_ROUTING: readonly Maker[] = [
  ['routing number: wrong check digit', 'us_routing_number', (r) => brokenRouting(r)],
  ['routing number: no such district', 'us_routing_number', (r) => routed(`${r.between(33, 59)}${r.digits(6)}`)],
  ['ticket of nine digits', 'order', (r) => r.digits(9)],
  ['ticket of nine digits', 'id', (r) => `${r.between(1, 9)}${r.digits(8)}`],
];

const LIKE_SECRET: readonly Maker[] = [
  [
    'short prefix',
    'code',
    (r) => r.pick(['sk-learn', 'task-force', 'sk_live', 'ghp_', 'hf_hub_download', 'npm_config_cache', 'xoxb', 'AKIA']),
  ],
  ['prefix and too little', 'code', (r) => `${r.pick(['ghp_', 'sk-', 'AIza', 'glpat-', 'npm_', 'hf_'])}${r.base62(8)}`],
  [
    'reference to a secret',
    'code',
    (r) =>
      r.pick([
        '${AWS_SECRET_ACCESS_KEY}',
        '{{ secrets.NPM_TOKEN }}',
        'process.env.OPENAI_API_KEY',
        '<your-api-key>',
        '$STRIPE_KEY',
      ]),
  ],
  [
    'public key',
    'data',
    (r) => `-----BEGIN PUBLIC KEY-----\n${r.base64(64)}\n${r.base64(40)}==\n-----END PUBLIC KEY-----`,
  ],
  [
    'certificate',
    'data',
    (r) => `-----BEGIN CERTIFICATE-----\nMII${r.base64(61)}\n${r.base64(64)}\n-----END CERTIFICATE-----`,
  ],
  ['SSH public key', 'data', (r) => `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${r.base64(43)} host-key`],
  ['publishable key', 'code', (r) => `pk_live_${r.base62(24)}`],
  ['half of a JWT', 'data', () => 'eyJhbGciOiJIUzI1NiJ9'],
  ['AWS resource', 'id', (r) => `AIDA${r.chars('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', 16)}`],
  ['forty characters', 'hash', (r) => r.base62(40)],
  ['slug', 'file', (r) => `sk-${r.pick(['learn', 'image', 'video'])}-tutorial-for-beginners-part-${r.below(20)}-of-20`],
];

function brokenCard(random: Random): string {
  const digits = cardDigits(random);
  return digits.slice(0, -1) + otherDigit(luhnDigit(digits.slice(0, -1)), random.below(9));
}

function imei(random: Random): string {
  const payload = random.pick(['35', '86', '01']) + random.digits(12);
  return payload + luhnDigit(payload);
}

function iccid(random: Random): string {
  const payload = `89${random.digits(16)}`;
  return payload + luhnDigit(payload);
}

function isbn13(random: Random): string {
  const twelve = `978${random.digits(9)}`;
  const digits = twelve + eanDigit(twelve);
  return random.chance(0.5) ? digits : Random.group(digits, [3, 1, 4, 4, 1], '-');
}

function isbn10(random: Random): string {
  const nine = random.digits(9);
  return Random.group(nine + isbn10Digit(nine), [1, 3, 5, 1], random.pick(['-', ' ']));
}

function ean(random: Random): string {
  const twelve = random.pick(['40', '50', '76', '87']) + random.digits(10);
  return twelve + eanDigit(twelve);
}

function brokenIban(random: Random): string {
  const [country, bban] = ibanParts(random);
  const right = Number(ibanCheck(country, bban));
  return country + String(2 + ((right + random.between(1, 94)) % 97)).padStart(2, '0') + bban;
}

/** Some digits of the account are missing, the check digits fit what is left. */
function shortIban(random: Random): string {
  const digits = random.digits(16);
  return `DE${ibanCheck('DE', digits)}${digits}`;
}

function routed(eight: string): string {
  return eight + routingDigit(eight);
}

function brokenRouting(random: Random): string {
  const eight = `0${random.between(1, 9)}${random.digits(6)}`;
  return eight + otherDigit(routingDigit(eight), random.below(9));
}

const KINDS: readonly (readonly [number, readonly Maker[]])[] = [
  [32, ANYWHERE],
  [14, LIKE_CARD],
  [10, LIKE_SSN],
  [9, LIKE_IBAN],
  [13, LIKE_EMAIL],
  [9, LIKE_PHONE],
  [9, LIKE_IP],
  [2, LIKE_ROUTING],
  [7, LIKE_SECRET],
];

/** By their form alone they could be IPv4 addresses. */
const CONTEXTUAL = new Set(['version of four parts', 'section']);

export function decoy(random: Random): Value {
  const [what, topic, make] = random.pick(random.weighted(KINDS));
  const text = make(random);
  return { topic, text, decoy: { what, text }, isContextual: CONTEXTUAL.has(what) };
}
