/** How persons and machines are reached: email, telephone, IP addresses. */
import type { Random } from './random.ts';

const FIRST =
  'james,mary,wei,fatima,olga,lars,ana,kofi,yuki,priya,tom,elena,juan,chloe,ahmed,ingrid,sam,nina,diego,zoe'.split(',');
const LAST =
  'smith,garcia,mueller,okafor,tanaka,ivanova,rossi,nguyen,kowalski,silva,dubois,haddad,larsen,patel,o-neill,de-vries,lee,kim,brown,jones'.split(
    ',',
  );
const WORDS =
  'acme,globex,initech,umbrella,northwind,contoso,fabrikam,blue-river,data4you,3com,greenfield,mail,corp,labs,studio'.split(
    ',',
  );
const TLDS: readonly (readonly [number, string])[] = [
  [50, 'com'],
  [10, 'org'],
  [10, 'net'],
  [8, 'io'],
  [8, 'de'],
  [8, 'co.uk'],
  [5, 'fr'],
  [4, 'edu'],
  [4, 'ai'],
  [4, 'com.br'],
  [3, 'ac.jp'],
  [3, 'dev'],
  [2, 'photography'],
  [2, 'travel'],
  [2, 'museum'],
  [1, 'co'],
  [1, 'xn--p1ai'],
];
const PROVIDERS = [
  'gmail.com',
  'yahoo.com',
  'outlook.com',
  'hotmail.co.uk',
  'proton.me',
  'gmx.de',
  'qq.com',
  '163.com',
  'icloud.com',
  'web.de',
];
/** Internationalised names, RFC 6531: in their own letters. */
const INTERNATIONAL = [
  'müller@bücher.de',
  'josé.garcía@correo.es',
  'françois@société.fr',
  'søren@example.dk',
  'łukasz@poczta.pl',
  'иван@почта.рф',
  '用户@例子.中国',
  'χρήστης@παράδειγμα.ελ',
  'user@xn--bcher-kva.example',
];

function local(random: Random): string {
  const first = random.pick(FIRST);
  const last = random.pick(LAST);
  const form = random.weighted([
    [30, `${first}.${last}`],
    [10, `${first[0]}${last}`],
    [8, `${first}_${last}`],
    [5, `${first}-${last}`],
    [8, `${first}${random.between(1, 2005)}`],
    [8, `${first}.${last}+${random.pick(['news', 'test', 'shop-2024', 'inbox.v2'])}`],
    [8, random.pick(['info', 'support', 'sales', 'billing', 'no-reply', 'hr', 'privacy', 'webmaster'])],
    [3, `${first[0]}.${last[0]}`],
    [2, `${first[0]}`],
    [2, `${first}.${random.pick(["o'brien", "d'angelo"])}`],
    [2, `${first}%${last}`],
    [2, random.hex(24)],
    [2, random.digits(8)],
    [1, `bounce-${random.digits(10)}-${random.hex(32)}`],
    [1, `__${first}__`],
  ]);
  return random.chance(0.08)
    ? form.toUpperCase()
    : random.chance(0.1)
      ? (form[0] ?? '').toUpperCase() + form.slice(1)
      : form;
}

function domain(random: Random): string {
  if (random.chance(0.3)) return random.pick(PROVIDERS);
  const labels = [random.pick(WORDS)];
  if (random.chance(0.25)) labels.unshift(random.pick(['mail', 'eu', 'us-east-1', 'mx01', 'dept.faculty', 'a']));
  const name = `${labels.join('.')}.${random.weighted(TLDS)}`;
  return random.chance(0.06) ? name.toUpperCase() : name;
}

export function email(random: Random): string {
  if (random.chance(0.03)) return random.pick(INTERNATIONAL);
  return `${local(random)}@${domain(random)}`;
}

/** Area codes in use in the United States and Canada. */
const AREAS =
  '212,415,312,646,305,713,206,617,503,702,404,213,818,919,602,720,512,214,303,416,604,514,780,916,973'.split(',');

function nanp(random: Random): [string, string, string] {
  let exchange = String(random.between(2, 9)) + random.digits(2);
  if (exchange.endsWith('11') || exchange === '555') exchange = '456';
  return [random.pick(AREAS), exchange, random.digits(4)];
}

/** Country code; forms of the number after it, `0` in brackets being said only at home. Numbers in use by ITU's national plans. */
const PLANS: readonly (readonly [number, readonly [code: string, forms: readonly string[]]])[] = [
  [14, ['44', ['(0)20 7### ####', '(0)7700 9#####', '(0)7812 ######', '(0)161 496 ####']]],
  [14, ['49', ['(0)30 2#######', '(0)89 4#######', '(0)151 2#######', '(0)171 3######']]],
  [10, ['33', ['(0)6 12 ## ## ##', '(0)1 42 ## ## ##', '(0)7 68 ## ## ##']]],
  [6, ['34', ['612 ### ###', '914 ### ###', '933 ### ###']]],
  [6, ['39', ['347 ### ####', '333 ### ####', '06 69## ####']]],
  [5, ['31', ['(0)6 12######', '(0)20 62# ####']]],
  [5, ['41', ['(0)79 3## ## ##', '(0)44 2## ## ##']]],
  [3, ['43', ['(0)664 3######', '(0)1 513####']]],
  [3, ['46', ['(0)70 3## ## ##', '(0)8 50# ### ##']]],
  [3, ['48', ['601 ### ###', '512 ### ###']]],
  [3, ['351', ['912 ### ###', '213 ### ###']]],
  [5, ['55', ['11 98###-####', '21 99###-####']]],
  [3, ['52', ['55 54## ####', '33 36## ####']]],
  [8, ['91', ['98### #####', '99### #####', '88### #####']]],
  [6, ['86', ['138 #### ####', '159 #### ####', '186 #### ####']]],
  [5, ['81', ['(0)90-6###-####', '(0)80-4###-####', '(0)3-3###-####']]],
  [3, ['82', ['(0)10-4###-####', '(0)2-3###-####']]],
  [5, ['61', ['(0)412 ### ###', '(0)2 9### ####']]],
  [3, ['65', ['9### ####', '6### ####']]],
  [2, ['27', ['(0)82 ### ####']]],
  [2, ['971', ['(0)50 ### ####']]],
  [2, ['972', ['(0)52-###-####']]],
  [2, ['90', ['(0)532 ### ## ##']]],
  [2, ['7', ['916 ###-##-##']]],
  [2, ['234', ['(0)803 ### ####']]],
];

/** With its country's code, or in the form that the United States use at home. */
export function phone(random: Random): string {
  if (random.chance(0.5)) {
    const [area, exchange, line] = nanp(random);
    return random.weighted([
      [20, `(${area}) ${exchange}-${line}`],
      [22, `${area}-${exchange}-${line}`],
      [10, `${area}.${exchange}.${line}`],
      [4, `${area} ${exchange} ${line}`],
      [12, `+1${area}${exchange}${line}`],
      [10, `+1 ${area} ${exchange} ${line}`],
      [8, `+1-${area}-${exchange}-${line}`],
      [8, `+1 (${area}) ${exchange}-${line}`],
      [5, `1-${area}-${exchange}-${line}`],
      [2, `(${area})${exchange}-${line}`],
      [2, `1 (${area}) ${exchange}-${line}`],
    ]);
  }
  const [code, forms] = random.weighted(PLANS);
  const form = random.fill(random.pick(forms));
  const international = form.replace('(0)', '');
  return random.weighted([
    [35, `+${code} ${international}`],
    [30, `+${code}${international.replace(/[ -]/g, '')}`],
    [8, `+${code}-${international.replaceAll(' ', '-')}`],
    [5, form.startsWith('(0)') ? `+${code} ${form}` : `+${code} ${international}`],
    [4, `(+${code}) ${international}`],
    [3, `00${code} ${international}`],
  ]);
}

/** As dialled at home in another country than the United States; only the language around it tells which. */
export function nationalPhone(random: Random): string {
  const [, forms] = random.weighted(PLANS.filter(([, [, forms]]) => forms.some((form) => form.startsWith('(0)'))));
  return random.fill(random.pick(forms)).replace('(0)', '0');
}

/** Ten digits of a number in the United States, nothing between. */
export function barePhone(random: Random): string {
  return nanp(random).join('');
}

export function ipv4(random: Random): string {
  return random.weighted([
    [30, `10.${random.below(256)}.${random.below(256)}.${random.between(1, 254)}`],
    [20, `192.168.${random.below(256)}.${random.between(1, 254)}`],
    [10, `172.${random.between(16, 31)}.${random.below(256)}.${random.between(1, 254)}`],
    [
      60,
      `${random.pick([23, 34, 52, 64, 81, 93, 104, 142, 151, 185, 203, 212])}.${random.below(256)}.${random.below(256)}.${random.between(1, 254)}`,
    ],
    [5, random.pick(['8.8.8.8', '1.1.1.1', '9.9.9.9', '8.8.4.4'])],
  ]);
}

const PREFIXES = ['2001:db8', '2a00:1450', '2606:4700', '2600:1f18', '2a02:26f0', 'fd12:3456', 'fe80'];

export function ipv6(random: Random): string {
  const prefix = random.pick(PREFIXES);
  const group = (): string => random.hex(random.pick([4, 4, 4, 3, 2])).replace(/^0+/, '') || '1';
  const groups = (count: number): string => Array.from({ length: count }, group).join(':');
  const size = prefix.split(':').length;
  const address = random.weighted([
    [30, `${prefix}:${groups(8 - size)}`],
    [30, `${prefix}${size === 2 ? `:${group()}` : ''}::${groups(random.between(1, 3))}`],
    [10, `${prefix}::${random.between(1, 9)}`],
    [8, `${prefix}::${groups(4)}`],
    [8, Array.from({ length: 8 }, (_, place) => (place === 0 ? '2001' : random.hex(4))).join(':')],
    [2, `::ffff:${ipv4(random)}`],
    [2, `64:ff9b::${groups(2)}`],
  ]);
  return random.chance(0.15) ? address.toUpperCase() : address;
}
