/** Bodies for the fuzzer: by grammars, with all that is known to be awkward mixed in, and spoilt now and then. */
import type { Random } from '../corpus/random.ts';
import { positive } from '../corpus/slots.ts';
import { freeText } from './texts.ts';

export interface Input {
  readonly contentType: string;
  readonly body: Uint8Array;
}

function quoted(random: Random, text: string): string {
  const json = JSON.stringify(text);
  if (random.chance(0.7)) return json;
  // Spelt out at random, as no encoder needs to.
  return json.replace(/[^\\"]/g, (c, place: number) =>
    random.chance(0.15) &&
    json[place - 1] !== '\\' &&
    !/\\u[0-9a-f]{0,3}$/i.test(json.slice(Math.max(0, place - 5), place))
      ? `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`
      : c,
  );
}

function number(random: Random): string {
  return random.weighted<() => string>([
    [5, () => String(random.below(1000))],
    [5, () => positive(random, 'credit_card').text.replace(/\D/g, '')],
    [2, () => `-${positive(random, 'credit_card').text.replace(/\D/g, '')}`],
    [2, () => `${random.between(1, 9)}${random.digits(random.between(0, 40))}`],
    [
      1,
      () =>
        `${random.between(1, 9)}.${random.digits(random.between(1, 20))}e${random.pick(['', '+', '-'])}${random.below(400)}`,
    ],
    [1, () => '0.0'],
    [1, () => `${positive(random, 'credit_card').text.replace(/\D/g, '')}${random.pick(['.0', 'e0', 'E+2', '.5e-1'])}`],
  ])();
}

const KEYS = ['content', 'text', 'model', 'type', 'index', 'id', 'messages', 'a', 'a', ''];

function blank(random: Random): string {
  return random.weighted([
    [12, ''],
    [3, ' '],
    [1, '\n  '],
    [1, '\t\r\n'],
  ]);
}

export function json(random: Random, depth = 0): string {
  const gap = (): string => blank(random);
  const kind = random.below(depth > 4 ? 6 : 10);
  if (kind < 4) return quoted(random, freeText(random, 4));
  if (kind === 4) return number(random);
  if (kind === 5) return random.pick(['true', 'false', 'null', '""', '{}', '[]']);
  const count = random.below(4);
  if (kind < 8)
    return `[${gap()}${Array.from({ length: count }, () => json(random, depth + 1)).join(`${gap()},${gap()}`)}${gap()}]`;
  const members = Array.from({ length: count }, () => {
    const key = random.chance(0.75) ? JSON.stringify(random.pick(KEYS)) : quoted(random, freeText(random, 2));
    return `${key}${gap()}:${gap()}${json(random, depth + 1)}`;
  });
  return `{${gap()}${members.join(`${gap()},${gap()}`)}${gap()}}`;
}

function nested(random: Random): string {
  const depth = random.between(1, 200);
  const isArray = random.chance(0.5);
  const inner = quoted(random, freeText(random, 2));
  return (isArray ? '[' : '{"a":').repeat(depth) + inner + (isArray ? ']' : '}').repeat(depth);
}

function formBody(random: Random): string {
  return Array.from({ length: random.between(1, 4) }, () => {
    const parts = [freeText(random, 2), freeText(random, 3)];
    const written = parts.map((part) =>
      random.weighted<() => string>([
        [5, () => new URLSearchParams([['', part]]).toString().slice(1)],
        [2, () => encodeURIComponent(part.replace(/[\ud800-\udfff]/g, ''))],
        [2, () => part.replace(/[&=]/g, '')],
      ])(),
    );
    return written.join(random.chance(0.95) ? '=' : '');
  }).join('&');
}

function multipart(random: Random): string {
  const line = random.chance(0.8) ? '\r\n' : '\n';
  const parts = Array.from({ length: random.between(1, 3) }, () => {
    const name = random.chance(0.8) ? 'a' : freeText(random, 1).replace(/[\r\n"]/g, '');
    const file = random.chance(0.3) ? `; filename="f.txt"` : '';
    const type = random.weighted([
      [5, ''],
      [2, `Content-Type: text/plain${line}`],
      [2, `Content-Type: application/json${line}`],
      [1, `Content-Type: application/octet-stream${line}`],
      [1, `Content-Type: application/x-www-form-urlencoded${line}`],
    ]);
    const content = /json/.test(type) ? json(random) : freeText(random);
    return `--B${line}Content-Disposition: form-data; name="${name}"${file}${line}${type}${line}${content}${line}`;
  });
  return `${random.chance(0.1) ? `${freeText(random, 2)}${line}` : ''}${parts.join('')}--B--${random.pick([line, ''])}${random.chance(0.1) ? freeText(random, 2) : ''}`;
}

/** One text cut into the same place of many events, between others. */
function events(random: Random, separator: string): string {
  const lanes = Array.from({ length: random.between(1, 2) }, () => freeText(random, 5));
  const lines: string[] = [];
  const left = lanes.map((text) => Array.from(text));
  while (left.some((text) => text.length > 0) && lines.length < 40) {
    const index = random.below(left.length);
    const piece = (left[index] ?? []).splice(0, random.between(0, random.pick([1, 3, 8, 30]))).join('');
    lines.push(
      random.weighted<() => string>([
        [6, () => `{"choices":[{"index":${index},"delta":{"content":${quoted(random, piece)}}}]}`],
        [
          3,
          () =>
            `{"type":"content_block_delta","index":${index},"delta":{"type":"text_delta","text":${quoted(random, piece)}}}`,
        ],
        [1, () => `{"index": ${index}, "text": ${quoted(random, piece)}, "n": ${number(random)}}`],
      ])(),
    );
    if (random.chance(0.08))
      lines.push(random.pick(['{"type":"ping"}', '[DONE]', json(random), freeText(random, 2).replace(/[\r\n]/g, ' ')]));
  }
  if (separator === '\n') return lines.join('\n') + random.pick(['\n', '']);
  const end = random.pick(['\n', '\n', '\n', '\r\n', '\r']);
  return lines
    .map((line) => {
      const name = random.weighted([
        [8, ''],
        [1, `event: x${end}`],
        [1, `id: 7${end}`],
        [1, `: keep-alive${end}${end}`],
        [1, `retry: 10${end}`],
      ]);
      // Data in several lines: what is between them is a line end.
      const data = line.includes(', "') && random.chance(0.3) ? line.replace(', "', `,${end}data: "`) : line;
      return `${name}data:${random.pick([' ', ' ', ''])}${data}${end}${end}`;
    })
    .join('');
}

function spoilt(random: Random, body: Uint8Array): Uint8Array {
  if (body.length === 0) return body;
  const at = random.below(body.length);
  switch (random.below(4)) {
    case 0:
      return body.slice(0, at);
    case 1: {
      const out = Uint8Array.from(body);
      out[at] = random.below(256);
      return out;
    }
    case 2:
      return Buffer.concat([body.slice(0, at), body.slice(Math.min(body.length, at + random.between(1, 9)))]);
    default:
      return Buffer.concat([
        body.slice(0, at),
        Buffer.from([random.pick([0xff, 0xc3, 0xe2, 0xed, 0xf0, 0x80, 0xa0])]),
        body.slice(at),
      ]);
  }
}

/** The input with this number in the sequence that a seed gives. */
export function makeInput(random: Random): Input {
  const [contentType, make] = random.weighted<readonly [string, () => string]>([
    [30, ['application/json', () => json(random)]],
    [3, ['application/json', () => nested(random)]],
    [4, ['application/json; charset=utf-8', () => json(random) + random.pick(['', ' ', '\n', json(random), ','])]],
    [25, ['text/plain', () => freeText(random, 6)]],
    [4, ['text/plain', () => json(random)]],
    [3, ['', () => random.pick([freeText(random), json(random)])]],
    [8, ['application/x-www-form-urlencoded', () => formBody(random)]],
    [6, ['multipart/form-data; boundary=B', () => multipart(random)]],
    [8, ['text/event-stream', () => events(random, '\n\n')]],
    [4, ['application/x-ndjson', () => events(random, '\n')]],
    [2, ['application/octet-stream', () => freeText(random)]],
    [2, ['text/html', () => `<p>${freeText(random)}</p>`]],
    [1, ['application/x-ndjson', () => [json(random), json(random)].join('\n')]],
  ]);
  const body = Buffer.from(make(), 'utf8');
  return { contentType, body: random.chance(0.12) ? spoilt(random, body) : body };
}

/** Where to cut it. */
export function cuts(random: Random, body: Uint8Array): Uint8Array[] {
  // Byte by byte takes long, and short bodies show as much.
  const most = random.weighted([
    [body.length < 120 ? 12 : 1, 1],
    [body.length < 240 ? 12 : 2, 3],
    [12, 16],
    [12, 64],
    [6, body.length],
  ]);
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < body.length; ) {
    const to = Math.min(body.length, at + (most === 1 ? 1 : random.between(0, Math.max(1, most))));
    chunks.push(body.subarray(at, to));
    at = to;
  }
  return chunks;
}
