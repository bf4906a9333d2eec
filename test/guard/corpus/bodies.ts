/** Bodies as agents get and send them, by kind. Each takes note in the draft of what it puts in. */
import type { Draft, Value } from './draft.ts';
import { type Json, JsonNumber, jsonStyle, toJson } from './json-text.ts';
import { filler, LANGUAGES, sentence } from './sentences.ts';
import { type SlotOptions, slot } from './slots.ts';

export interface Made {
  readonly content_type: string;
  readonly body: string;
}

const JSON_TYPE = 'application/json';

/** Names of fields in which programs keep a value. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  credit_card: ['card_number', 'cardNumber', 'pan', 'number', 'payment_method'],
  ssn: ['ssn', 'social_security_number', 'tax_id'],
  ssn_bare: ['ssn', 'social_security_number'],
  iban: ['iban', 'account', 'bankAccount'],
  email: ['email', 'to', 'user', 'contact_email', 'replyTo'],
  phone: ['phone', 'mobile', 'phoneNumber', 'tel'],
  phone_bare: ['phone', 'phone_number'],
  ipv4: ['ip', 'remote_addr', 'client_ip', 'host'],
  ipv6: ['ip', 'remote_addr', 'address'],
  us_routing_number: ['routing_number', 'aba', 'routingNumber'],
  secret: ['api_key', 'token', 'secret', 'password', 'authorization'],
  assignment: ['connection', 'env', 'config'],
  time: ['created_at', 'timestamp', 'date'],
  version: ['version', 'release'],
  order: ['order_id', 'order', 'reference'],
  hash: ['checksum', 'digest', 'etag'],
  commit: ['sha', 'commit'],
  section: ['section', 'chapter'],
};

function field(draft: Draft, { topic }: Value, place: number): string {
  const name = draft.random.pick(FIELDS[topic] ?? ['id', 'value', 'ref', 'name', 'data', 'query']);
  return place === 0 ? name : `${name}_${place}`;
}

export function times<T>(count: number, make: (place: number) => T): T[] {
  return Array.from({ length: count }, (_, place) => make(place));
}

/** Sentences, some about values, with others before and after. */
export function text(draft: Draft, options: SlotOptions, language = 'en', most = 3): string {
  const { random } = draft;
  const parts = times(random.between(1, most), () => sentence(random, slot(draft, options), language));
  if (random.chance(0.5)) parts.push(filler(random, language));
  if (random.chance(0.3)) parts.unshift(filler(random, language));
  return parts.join(random.pick([' ', ' ', '\n', '\n\n']));
}

/** Mostly English. */
export function language(draft: Draft): string {
  return draft.random.chance(0.6) ? 'en' : draft.random.pick(Object.keys(LANGUAGES));
}

/** An object of fields with values, some of them in sentences, numbers, lists, objects or keys. */
function fields(draft: Draft, options: SlotOptions, most = 4): Record<string, Json> {
  const { random } = draft;
  const out: Record<string, Json> = {};
  for (let place = 0, count = random.between(1, most); place < count; place++) {
    const value = slot(draft, options);
    const name = field(draft, value, place);
    const isNumber = /^[1-9]\d*$/.test(value.text);
    out[name] = random.weighted<() => Json>([
      [50, () => value.text],
      [isNumber ? 12 : 0, () => new JsonNumber(value.text)],
      [20, () => sentence(random, value)],
      [8, () => [value.text, random.below(100)]],
      [8, () => ({ value: value.text, primary: random.chance(0.5) })],
      [4, () => ({ [value.text]: random.below(10) })],
    ])();
  }
  return out;
}

const TOOLS = [
  'create_customer',
  'send_email',
  'lookup_account',
  'run_query',
  'charge',
  'http_request',
  'update_ticket',
];

export function toolCall(draft: Draft, options: SlotOptions): Made {
  const { random } = draft;
  const name = random.pick(TOOLS);
  const id = `call_${random.base62(24)}`;
  const body = random.weighted<() => Json>([
    [
      30,
      () => ({
        model: 'gpt-4.1',
        messages: [
          { role: 'user', content: text(draft, options) },
          {
            role: 'assistant',
            content: null,
            tool_calls: [
              {
                id,
                type: 'function',
                function: { name, arguments: toJson(fields(draft, options), jsonStyle(random)) },
              },
            ],
          },
        ],
      }),
    ],
    [15, () => ({ role: 'tool', tool_call_id: id, content: toJson(fields(draft, options, 3)) })],
    [
      25,
      () => ({
        id: `msg_${random.base62(22)}`,
        type: 'message',
        role: 'assistant',
        content: [
          { type: 'text', text: text(draft, options) },
          { type: 'tool_use', id: `toolu_${random.base62(22)}`, name, input: fields(draft, options) },
        ],
        stop_reason: 'tool_use',
        usage: { input_tokens: random.between(100, 9000), output_tokens: random.between(1, 900) },
      }),
    ],
    [
      20,
      () => ({
        jsonrpc: '2.0',
        id: random.below(1000),
        method: 'tools/call',
        params: { name, arguments: fields(draft, options) },
      }),
    ],
    [
      15,
      () => ({
        jsonrpc: '2.0',
        id: random.hex(8),
        method: 'message/send',
        params: {
          message: {
            role: 'user',
            messageId: random.hex(16),
            parts: [
              { kind: 'text', text: text(draft, options) },
              { kind: 'data', data: fields(draft, options, 2) },
            ],
          },
        },
      }),
    ],
    [
      10,
      () => ({
        jsonrpc: '2.0',
        id: random.below(99),
        result: { content: [{ type: 'text', text: text(draft, options) }], isError: false },
      }),
    ],
  ])();
  return { content_type: JSON_TYPE, body: toJson(body, jsonStyle(random)) };
}

export function chat(draft: Draft, options: SlotOptions): Made {
  const { random } = draft;
  const tongue = language(draft);
  const messages = times(random.between(1, 3), (place) => ({
    role: place % 2 === 0 ? 'user' : 'assistant',
    content: text(draft, options, tongue),
  }));
  const body = random.chance(0.7)
    ? { model: 'gpt-4.1', messages, temperature: 0.2 }
    : { model: 'claude', max_tokens: 1024, system: 'Be brief.', messages };
  return {
    content_type: random.pick([JSON_TYPE, JSON_TYPE, 'application/json; charset=utf-8']),
    body: toJson(body, jsonStyle(random)),
  };
}

export function log(draft: Draft, options: SlotOptions): Made {
  const { random } = draft;
  const stamp = (): string =>
    `2025-0${random.between(1, 9)}-1${random.below(10)}T0${random.below(10)}:${random.between(10, 59)}:${random.between(10, 59)}.${random.digits(3)}Z`;
  const lines = times(random.between(1, 5), () => {
    const value = slot(draft, options);
    return random.weighted([
      [
        30,
        `${stamp()} ${random.pick(['INFO', 'WARN', 'ERROR', 'DEBUG'])} [worker-${random.below(9)}] ${sentence(random, value)}`,
      ],
      [
        20,
        `ts=${stamp()} level=info msg="request done" ${field(draft, value, 0)}=${value.text} dur=${random.below(900)}ms`,
      ],
      [15, `ts=${stamp()} level=warn ${field(draft, value, 0)}="${value.text}"`],
      [15, `[${stamp()}] ${field(draft, value, 0)}: ${value.text}`],
      [
        10,
        `Mar ${random.between(10, 28)} 0${random.below(10)}:12:44 host-${random.below(9)} app[${random.between(100, 9999)}]: ${sentence(random, value)}`,
      ],
      [10, `${stamp()} {"level":"info","msg":${JSON.stringify(sentence(random, value))}}`],
    ]);
  });
  return { content_type: 'text/plain', body: `${lines.join('\n')}\n` };
}

export function csv(draft: Draft, options: SlotOptions): Made {
  const { random } = draft;
  const separator = random.pick([',', ',', ';', '\t']);
  const cell = (value: string): string =>
    value.includes(separator) || /["\n]/.test(value) || random.chance(0.15)
      ? `"${value.replaceAll('"', '""')}"`
      : value;
  const columns = random.between(1, 3);
  // The names of the columns are those of the values in the first row.
  const names = ['id'];
  const rows = times(random.between(1, 4), (row) => {
    const cells = times(columns, (place) => {
      const value = slot(draft, { ...options, lines: false, context: row === 0 });
      if (row === 0) names.push(field(draft, value, place));
      return cell(value.text);
    });
    return [String(1000 + row), ...cells, random.pick(['active', 'new', ''])].join(separator);
  });
  const header = [...names, 'status'].join(separator);
  return { content_type: 'text/csv', body: `${[header, ...rows].join('\n')}\n` };
}

export function prose(draft: Draft, options: SlotOptions): Made {
  return {
    content_type: draft.random.pick(['text/plain', 'text/plain; charset=utf-8']),
    body: text(draft, options, language(draft), 4),
  };
}

export function form(draft: Draft, options: SlotOptions): Made {
  const { random } = draft;
  const pairs = times(random.between(1, 4), (place): [string, string] => {
    const value = slot(draft, options);
    return [field(draft, value, place), random.chance(0.7) ? value.text : sentence(random, value)];
  });
  const body = random.chance(0.7)
    ? new URLSearchParams(pairs).toString()
    : pairs.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&');
  return { content_type: 'application/x-www-form-urlencoded', body };
}

export function ndjson(draft: Draft, options: SlotOptions): Made {
  const { random } = draft;
  const lines = times(random.between(1, 4), () =>
    toJson({ level: 'info', time: 1_700_000_000_000 + random.below(1e9), ...fields(draft, options, 2) }),
  );
  return {
    content_type: random.pick(['application/x-ndjson', 'application/jsonl+json']),
    body: `${lines.join('\n')}\n`,
  };
}

export function document(draft: Draft, options: SlotOptions): Made {
  const { random } = draft;
  const lined = { ...options, lines: false };
  return random.weighted<() => Made>([
    [
      40,
      () => {
        const rows = times(random.between(1, 3), () => slot(draft, lined)).map(
          (value, place) => `| ${field(draft, value, place)} | ${value.text} |`,
        );
        const body = `# Report\n\n${text(draft, lined)}\n\n| name | value |\n|---|---|\n${rows.join('\n')}\n\n- ${sentence(random, slot(draft, lined))}\n`;
        return { content_type: 'text/markdown', body };
      },
    ],
    [
      25,
      () => {
        const cells = times(
          random.between(1, 3),
          () => `<td>${markup(slot(draft, { ...lined, context: false }).text)}</td>`,
        );
        const body = `<!doctype html><html><body><p>${markup(text(draft, lined))}</p><table><tr>${cells.join('')}</tr></table></body></html>`;
        return { content_type: 'text/html', body };
      },
    ],
    [
      20,
      () => {
        const items = times(random.between(1, 4), () => slot(draft, lined)).map(
          (value, place) => `  ${field(draft, value, place)}: ${random.chance(0.5) ? value.text : `"${value.text}"`}`,
        );
        return { content_type: 'application/yaml', body: `settings:\n${items.join('\n')}\n` };
      },
    ],
    [
      15,
      () => {
        const items = times(random.between(1, 3), () => slot(draft, lined)).map((value, place) => {
          const name = field(draft, value, place);
          return `<${name}>${markup(value.text)}</${name}>`;
        });
        return {
          content_type: 'application/xml',
          body: `<?xml version="1.0"?>\n<record>\n${items.join('\n')}\n</record>\n`,
        };
      },
    ],
  ])();
}

/** `&` and `<` are all that must be spelt out in text; values that are to be found hold neither. */
function markup(value: string): string {
  return value.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
