/** What stands around values in prose: sentences by language and topic, with `{}` where the value goes. */
import type { Value } from './draft.ts';
import type { Random } from './random.ts';

type Sentences = Readonly<Record<string, readonly string[]>>;

const ENGLISH: Sentences = {
  credit_card: [
    'My card number is {}, expires 09/27.',
    'Please charge {} for the full amount.',
    'Card: {} (CVV on file)',
    'I paid with {} yesterday and it was declined.',
    'Can you update the payment method to {}? Thanks!',
    'card no. {}; exp 11/2028; name as on the account',
    'The statement shows card {} twice',
    '{} is the corporate card for travel.',
  ],
  ssn: [
    'My SSN is {}.',
    'Social security number: {}',
    'the applicant (SSN {}) was approved on Monday',
    'Please verify {} against the payroll file.',
    'SSN={}, DOB on file',
    'Taxpayer "{}" has two open cases.',
  ],
  ssn_bare: ['My SSN is {}.', 'Social security number: {}', 'the applicant (SSN {}) was approved', 'SSN={}'],
  phone_bare: ['Call me at {} after 5pm.', 'Phone: {}', 'my phone number is {}, text is fine', 'Tel. {}'],
  assignment: ['{}', 'In the file: {}', 'set {} first'],
  iban: [
    'Please wire the money to {}.',
    'IBAN: {}',
    'IBAN {} (account holder as above)',
    'The refund goes to account {}, reference 4711.',
    'Our new bank details are {} — please update your records.',
    'Transfer 250 EUR from {} today',
  ],
  email: [
    'You can reach me at {}.',
    'Contact: {}',
    'Please send the invoice to {} and copy accounting.',
    'From: Someone <{}>',
    'Forwarded by {} on Friday',
    'See [my page](mailto:{}) for more.',
    'Is {} still the right address?',
    'cc {}, thanks',
    'The user {} logged in from a new device.',
    'Write to "{}" or call us.',
  ],
  phone: [
    'Call me at {} after 5pm.',
    'Phone: {}',
    'My number is {}, text is fine too.',
    'Tel. {} / fax on request',
    'Reach the on-call engineer on {}.',
    'mobile: {}',
    'Please call back: {}!',
    'WhatsApp {} works best',
  ],
  ipv4: [
    'The request came from {}.',
    'Server {} does not respond to ping.',
    'Connection from {} refused',
    'ssh to {} and restart the service',
    'Block {} at the firewall, please.',
    'host={} is unhealthy',
    'Visit http://{}/status for details',
  ],
  ipv6: [
    'The request came from {}.',
    'Address {} is not reachable.',
    'Add a record for {} today.',
    'client [{}] disconnected',
    'Route to {} was withdrawn',
  ],
  us_routing_number: [
    'Our routing number is {}.',
    'Routing number: {}',
    'ABA routing number {}, checking account',
    'wire to ABA {} please',
    'RTN {} belongs to that bank',
    'The routing transit number {} was rejected',
  ],
  secret: [
    'The key is {} — please rotate it.',
    'export API_KEY={}',
    'I accidentally committed {} to the repository.',
    'token: {}',
    'Use `{}` for the staging system.',
    'Authorization: Bearer {}',
    "api_key='{}'",
  ],
  id: [
    'Ticket {} was closed.',
    'request_id={}',
    'See {} for details.',
    'The object {} was not found',
    'id: {}',
    'ref {}; retry later',
  ],
  order: [
    'Order {} has shipped.',
    'Your order number is {}.',
    'Where is my order {}?',
    'invoice no. {} is overdue',
    'Case #{} is open',
  ],
  tracking: ['Tracking number: {}', 'The parcel {} left the depot.'],
  time: ['The job ran at {}.', 'Scheduled for {}, sharp.', 'Since {} nothing has changed', 'ts={}'],
  commit: ['Fixed in commit {}.', 'git checkout {}', 'bisect says {} broke it'],
  hash: ['The checksum is {}.', 'digest {} does not match', 'ETag: "{}"'],
  data: ['The payload was {}', 'value={}', 'Attached: {}'],
  version: ['Upgrade to version {} first.', 'We run release {} in production', 'agent version {} is out'],
  browser: ['User agent: Mozilla/5.0 (X11; Linux x86_64) {} Safari/537.36'],
  trace: ['traceparent: {}', 'See trace {}'],
  price: ['The total is {} with tax.', 'Price: {}', 'we bought {} of them'],
  place: ['It is near {}.', 'Location: {}', 'ships to {} only'],
  measure: ['The value was {} on average.', 'p99 = {}', 'loss {} after epoch 3'],
  device: ['Device {} is online.', 'The handset has {} on its label'],
  isbn: ['The book is ISBN {}.', 'ISBN: {}'],
  company: ['Our company id is {}.', 'Tax id {} (company)'],
  part: ['Part {} is out of stock.', 'Model no. {}', 'Replace it with {}.'],
  login: ['Log in as {} and look at the logs.', 'psql says: {} denied', '$ ssh {}'],
  mention: ['Thanks {} for the review!', '{} please have a look', 'cc {}'],
  package: ['npm install {} breaks the build', 'Depends on {} since May.'],
  code: ['The line `{}` is to blame.', 'Why does {} not work here?', 'grep for {}'],
  file: ['The file {} is missing.', 'see {}'],
  section: ['As said in section {}, this is fine.', 'Chapter {} explains it'],
};

const GERMAN: Sentences = {
  credit_card: [
    'Meine Kreditkarte hat die Nummer {}.',
    'Bitte belasten Sie die Karte {} mit dem Betrag.',
    'Kartennummer: {}, gültig bis 09/27',
  ],
  iban: [
    'Bitte überweisen Sie auf {}.',
    'IBAN: {}',
    'Das neue Konto lautet {}, danke.',
    'Kontoverbindung ({}) geändert',
  ],
  email: ['Sie erreichen mich unter {}.', 'E-Mail: {}', 'Rechnung bitte an {} schicken', 'Grüße, {}'],
  phone: ['Rufen Sie mich unter {} an.', 'Telefon: {}', 'Handy {} (ab 18 Uhr)'],
  ipv4: ['Der Server {} ist nicht erreichbar.', 'Anfrage von {} abgelehnt'],
  ipv6: ['Die Adresse {} antwortet nicht.'],
  secret: ['Der Schlüssel lautet {}.', 'Bitte Token {} sperren'],
  id: ['Vorgang {} wurde geschlossen.', 'Kennung: {}'],
  order: ['Ihre Bestellung {} ist unterwegs.', 'Rechnung Nr. {} ist fällig'],
  time: ['Der Lauf war am {}.'],
};

const FRENCH: Sentences = {
  credit_card: ['Mon numéro de carte est le {}.', 'Veuillez débiter la carte {} s’il vous plaît.'],
  iban: ['Merci de virer la somme sur le compte {}.', 'IBAN : {}', 'Nouveau RIB : {} (à partir de mai)'],
  email: ['Écrivez-moi à {}.', 'Courriel : {}', '«{}» est mon adresse'],
  phone: ['Appelez-moi au {}.', 'Tél. : {}', 'portable {} après midi'],
  ipv4: ['Le serveur {} ne répond pas.'],
  secret: ['La clé est {}.'],
  order: ['Votre commande {} a été expédiée.', 'Commande n° {}'],
  id: ['Dossier {} clos.'],
  time: ['Depuis le {} rien ne marche.'],
};

const SPANISH: Sentences = {
  credit_card: ['Mi tarjeta es {}.', 'Número de tarjeta: {}'],
  iban: ['Transfiera el importe a {}, por favor.', 'IBAN: {}'],
  email: ['Mi correo es {}.', '¿Sigue siendo válido {}?', 'Correo: {}'],
  phone: ['Llámeme al {}.', 'Teléfono: {}', '¡El móvil es {}!'],
  ssn: ['Mi número de seguro social es {}.'],
  ipv4: ['La petición viene de {}.'],
  secret: ['La clave es {}.'],
  order: ['Su pedido {} está en camino.'],
  id: ['El caso {} está cerrado.'],
};

const ITALIAN: Sentences = {
  credit_card: ['Il numero della carta è {}.'],
  iban: ['Il bonifico va fatto su {}.', 'IBAN: {}'],
  email: ['Scrivimi a {}.', 'Posta elettronica: {}'],
  phone: ['Chiamami al {}.', 'Cellulare: {}'],
  order: ['Il tuo ordine {} è stato spedito.'],
};

const PORTUGUESE: Sentences = {
  credit_card: ['O número do cartão é {}.'],
  iban: ['Transfira para a conta {}.'],
  email: ['Meu e-mail é {}.', 'Envie para {}, por favor'],
  phone: ['Ligue para {}.', 'Celular: {}'],
  order: ['O pedido {} foi enviado.'],
};

const POLISH: Sentences = {
  credit_card: ['Numer karty to {}.'],
  iban: ['Proszę przelać na konto {}.'],
  email: ['Mój adres to {}.', 'Proszę pisać na {}'],
  phone: ['Proszę dzwonić pod {}.'],
  order: ['Zamówienie {} zostało wysłane.'],
};

const RUSSIAN: Sentences = {
  credit_card: ['Номер моей карты {}.', 'Карта: {}'],
  email: ['Моя почта {}.', 'Пишите на {}, спасибо'],
  phone: ['Позвоните мне по номеру {}.', 'Телефон: {}'],
  iban: ['Счёт {} открыт.'],
  order: ['Ваш заказ {} отправлен.'],
  id: ['Заявка {} закрыта.'],
};

const JAPANESE: Sentences = {
  credit_card: ['カード番号は{}です。', 'クレジットカード：{}'],
  email: ['メールは{}までお願いします。', 'メール：{}', '「{}」に送ってください。'],
  phone: ['電話番号は{}です。', '電話：{}'],
  iban: ['口座は{}です。'],
  order: ['注文番号は{}です。'],
  time: ['日時は{}です。'],
};

const CHINESE: Sentences = {
  credit_card: ['我的卡号是{}。', '信用卡：{}'],
  email: ['我的邮箱是{}。', '邮箱：{}', '请发送到{}，谢谢'],
  phone: ['请拨打{}。', '电话：{}'],
  iban: ['请汇款到{}。'],
  order: ['您的订单{}已发货。', '订单号：{}'],
};

const KOREAN: Sentences = {
  credit_card: ['카드 번호는 {}입니다.'],
  email: ['이메일은 {}입니다.', '이메일: {}'],
  phone: ['전화번호는 {}입니다.'],
  order: ['주문 번호는 {}입니다.'],
};

const ARABIC: Sentences = {
  credit_card: ['رقم بطاقتي هو {}.'],
  email: ['بريدي الإلكتروني {}.', 'البريد: {}'],
  phone: ['رقم هاتفي {}.'],
  iban: ['رقم الحساب {}'],
};

const HINDI: Sentences = {
  credit_card: ['मेरा कार्ड नंबर {} है।'],
  email: ['मेरा ईमेल {} है।'],
  phone: ['मेरा फ़ोन नंबर {} है।'],
};

export const LANGUAGES: Readonly<Record<string, Sentences>> = {
  en: ENGLISH,
  de: GERMAN,
  fr: FRENCH,
  es: SPANISH,
  it: ITALIAN,
  pt: PORTUGUESE,
  pl: POLISH,
  ru: RUSSIAN,
  ja: JAPANESE,
  zh: CHINESE,
  ko: KOREAN,
  ar: ARABIC,
  hi: HINDI,
};

/** The value with nothing but such marks around it. Brackets and quotes that no value holds at its ends. */
const MARKS = [
  '{}',
  '({})',
  '"{}"',
  "'{}'",
  '`{}`',
  '**{}**',
  '<{}>',
  '[{}]',
  '“{}”',
  '{},',
  '{};',
  '{}:',
  '- {}',
  '| {} |',
  '> {}',
  '{}?',
  '{}!',
  '\t{}\t',
];

/** Letters of scripts that are written without spaces. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u;

/** A value in a sentence about it, or alone among marks. */
export function sentence(random: Random, { topic, text, isContextual }: Value, language = 'en'): string {
  // A replacement function, as `$` means something in a replacement text.
  // Where there are no spaces, nobody could tell where a value in the same letters begins.
  if (UNSPACED.test(text) || (!isContextual && random.chance(0.12)))
    return random.pick(MARKS).replace('{}', () => text);
  const about = LANGUAGES[language]?.[topic] ?? ENGLISH[topic] ?? ENGLISH['id'];
  if (about === undefined) throw new RangeError(`no sentence about ${topic}`);
  return random.pick(about).replace('{}', () => text);
}

const FILLERS: Readonly<Record<string, readonly string[]>> = {
  en: [
    'Thanks in advance.',
    'Let me know if anything is unclear.',
    'We have 3 open issues, 2 of them since 2024.',
    'The weather is fine today.',
    'I tried it 5 times already!',
    'Revenue rose by 4.5% to $12,300.',
  ],
  de: ['Vielen Dank im Voraus.', 'Mit freundlichen Grüßen', 'Wir treffen uns um 14:30 Uhr in Raum 204.'],
  fr: ['Merci d’avance.', 'Cordialement', 'Rendez-vous à 14h30, salle 12.'],
  es: ['Gracias de antemano.', 'Un saludo', 'Son 12 personas.'],
  ja: ['よろしくお願いします。', '会議は15時からです。'],
  zh: ['谢谢。', '会议在下午三点。'],
};

export function filler(random: Random, language = 'en'): string {
  return random.pick(FILLERS[language] ?? FILLERS['en'] ?? []);
}
