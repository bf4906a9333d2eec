import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createEngine, type Engine } from './engine.ts';
import { EventStream } from './event-stream.ts';
import { inspect } from './inspect.ts';
import type { RuleConfig } from './rule.ts';
import { Tally } from './tally.ts';

const LIMIT = 4_000_000;
const engine = createEngine();

interface Ran {
  readonly out: string;
  readonly tally: Tally;
  readonly stream: EventStream;
}

function run(chunks: readonly (string | Uint8Array)[], lines: 'sse' | 'json' = 'sse', using: Engine = engine): Ran {
  const tally = new Tally();
  const stream = new EventStream(using, tally, { limit: LIMIT, lines });
  const out = chunks.map((chunk) => stream.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk));
  out.push(stream.end());
  return { out: Buffer.concat(out).toString('latin1'), tally, stream };
}

function utf8(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString();
}

/** A text as it leaves when it is at hand as a whole. */
function whole(text: string): string {
  return JSON.parse(
    Buffer.from(inspect(engine, Buffer.from(JSON.stringify(text)), 'application/json').bytes).toString(),
  );
}

interface Shape {
  readonly name: string;
  readonly lines: 'sse' | 'json';
  readonly write: (piece: string) => string;
  /** The piece in what left. */
  readonly read: (event: string) => string;
}

function dataOf(event: string): string {
  return event
    .split(/\r\n|\r|\n/)
    .filter((line) => line.startsWith('data:'))
    .map((line) => line.slice(5).replace(/^ /, ''))
    .join('\n');
}

function shape(name: string, make: (piece: string) => object, read: (value: never) => string, prefix = ''): Shape {
  return {
    name,
    lines: 'sse',
    write: (piece) => `${prefix}data: ${JSON.stringify(make(piece))}\n\n`,
    read: (event) => read(JSON.parse(dataOf(event)) as never),
  };
}

const openAi = (content: string, index = 0, finish: string | null = null): object => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1_700_000_000,
  model: 'm-1',
  system_fingerprint: 'fp_1',
  choices: [{ index, delta: { content }, logprobs: null, finish_reason: finish }],
});

const SHAPES: readonly Shape[] = [
  shape(
    'chat completion chunks',
    (piece) => openAi(piece),
    (value: { choices: [{ delta: { content: string } }] }) => value.choices[0].delta.content,
  ),
  shape(
    'content block deltas',
    (text) => ({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } }),
    (value: { delta: { text: string } }) => value.delta.text,
    'event: content_block_delta\n',
  ),
  shape(
    'response deltas',
    (delta) => ({ type: 'response.output_text.delta', item_id: 'msg_1', output_index: 0, content_index: 0, delta }),
    (value: { delta: string }) => value.delta,
    'event: response.output_text.delta\n',
  ),
  shape(
    'A2A artifact updates',
    (text) => ({
      jsonrpc: '2.0',
      id: 1,
      result: {
        kind: 'artifact-update',
        taskId: 't',
        contextId: 'c',
        artifact: { artifactId: 'a', parts: [{ kind: 'text', text }] },
        append: true,
        lastChunk: false,
      },
    }),
    (value: { result: { artifact: { parts: [{ text: string }] } } }) => value.result.artifact.parts[0].text,
  ),
  shape(
    'A2A status updates',
    (text) => ({
      jsonrpc: '2.0',
      id: 1,
      result: {
        kind: 'status-update',
        taskId: 't',
        status: { state: 'working', message: { role: 'agent', parts: [{ kind: 'text', text }], messageId: 'm' } },
        final: false,
      },
    }),
    (value: { result: { status: { message: { parts: [{ text: string }] } } } }) =>
      value.result.status.message.parts[0].text,
  ),
  shape(
    'tokens',
    (token) => ({ agent: 'weather', token }),
    (value: { token: string }) => value.token,
  ),
  shape(
    'strings',
    (piece) => [piece],
    (value: [string]) => value[0],
  ),
  {
    name: 'plain data',
    lines: 'sse',
    write: (piece) => `data: ${piece}\n\n`,
    read: dataOf,
  },
  {
    name: 'JSON lines',
    lines: 'json',
    write: (content) => `${JSON.stringify({ model: 'm', message: { role: 'assistant', content }, done: false })}\n`,
    read: (line) => (JSON.parse(line) as { message: { content: string } }).message.content,
  },
];

const TEXTS = [
  'my number is 123-45-6789, thanks',
  'pay with 4111 1111 1111 1111 now',
  'card: 4111111111111111',
  'write to ada.lovelace@example.com or bob@example.org.',
  '123-45-6789',
  'é 😀 ada@example.com 😀',
];

function eventsOf(out: string, lines: Shape['lines']): string[] {
  return lines === 'sse' ? out.split('\n\n').slice(0, -1) : out.split('\n').slice(0, -1);
}

function join({ read, lines }: Shape, out: string): { text: string; count: number } {
  const events = eventsOf(out, lines).filter((event) => !event.startsWith(':'));
  return { text: events.map(read).join(''), count: events.length };
}

for (const shape of SHAPES) {
  test(`a match that is cut in two anywhere leaves as from the whole: ${shape.name}`, () => {
    for (const text of TEXTS) {
      for (let at = 0; at <= text.length; at++) {
        // Half of a pair can be written as an escape only.
        if (!text.slice(0, at).isWellFormed()) continue;
        const pieces = [text.slice(0, at), text.slice(at)];
        const { out } = run(pieces.map(shape.write), shape.lines);
        assert.deepEqual(join(shape, utf8(out)), { text: whole(text), count: 2 }, `${text} at ${at}`);
      }
    }
  });

  test(`a match in up to six events leaves as from the whole, however the bytes are cut: ${shape.name}`, () => {
    const cuts = fc.array(fc.nat(40), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(fc.constantFrom(...TEXTS), cuts, fc.integer({ min: 1, max: 400 }), (text, cuts, size) => {
        const units = Array.from(text);
        const places = [0, ...cuts.map((cut) => cut % (units.length + 1)).sort((a, b) => a - b), units.length];
        const pieces = places.slice(1).map((place, i) => units.slice(places[i], place).join(''));
        const bytes = Buffer.from(pieces.map(shape.write).join(shape.lines === 'sse' ? ': ping\n\n' : ''));
        const chunks: Uint8Array[] = [];
        for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
        const { out, tally } = run(chunks, shape.lines);
        assert.deepEqual(join(shape, utf8(out)), { text: whole(text), count: pieces.length });
        assert.ok(tally.matches > 0);
      }),
      { numRuns: 150 },
    );
  });
}

const LINE_ENDS = ['\n', '\r\n', '\r'];
const line = fc.oneof(
  fc.constantFrom(
    'data',
    'data:',
    'data: ',
    'data:x',
    'data: 123-45',
    'data:-6789',
    'data: {"a":"ada@ex"}',
    'data: {"a":"ample.com"}',
    'data: {"a":',
    'data: "b"}',
    'data: [DONE]',
    'data: {"choices":[{"index":0,"delta":{"content":"4111 1111 "},"finish_reason":null}]}',
    'data: {"choices":[{"index":0,"delta":{"content":"1111 1111"},"finish_reason":"stop"}]}',
    'event: message',
    'event: ada@example.com',
    'id: 123-45-6789',
    'retry: 10',
    ': ping 4111111111111111',
    'ada@example.com',
    'data\0',
    'data: é😀',
    '',
    '',
    '',
  ),
  fc.string({ maxLength: 6 }).map((text) => text.replace(/[\r\n]/g, '')),
);
const stream = fc
  .array(fc.tuple(line, fc.constantFrom(...LINE_ENDS)), { maxLength: 16 })
  .chain((lines) =>
    fc.tuple(
      fc.constant(lines.flat().join('')),
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }),
    ),
  );

test('where the chunks are cut makes no difference, and nothing but matches changes', () => {
  fc.assert(
    fc.property(stream, fc.boolean(), ([text, sizes], hasMark) => {
      const bytes = Buffer.from((hasMark ? '\ufeff' : '') + text);
      for (const lines of ['sse', 'json'] as const) {
        const chunks: Uint8Array[] = [];
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const size = sizes[i % sizes.length] as number;
          chunks.push(bytes.subarray(at, at + size));
          at += size;
        }
        const atOnce = run([bytes], lines);
        const inChunks = run(chunks, lines);
        assert.equal(inChunks.out, atOnce.out);
        assert.deepEqual(inChunks.tally.hits, atOnce.tally.hits);
        if (atOnce.tally.matches === 0) assert.equal(atOnce.out, bytes.toString('latin1'));
        assert.doesNotMatch(atOnce.out, /123-45-6789|4111111111111111|ada@example\.com/);
        // As many lines went out as came in.
        if (lines === 'json') assert.equal(atOnce.out.split('\n').length, bytes.toString('latin1').split('\n').length);
      }
    }),
    { numRuns: 1500 },
  );
});

test('bytes that are not UTF-8 survive, beside a match too', () => {
  const bytes = Buffer.concat([
    Buffer.from('data: '),
    Buffer.from([0xff, 0xc3]),
    Buffer.from(' 123-45-6789 '),
    Buffer.from([0xe2, 0x82]),
    Buffer.from('\n\n'),
  ]);
  const expected = Buffer.concat([
    Buffer.from('data: '),
    Buffer.from([0xff, 0xc3]),
    Buffer.from(' [REDACTED-SSN] '),
    Buffer.from([0xe2, 0x82]),
    Buffer.from('\n\n'),
  ]);
  for (const size of [1, 3, 100]) {
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
      bytes.subarray(i * size, (i + 1) * size),
    );
    assert.equal(run(chunks).out, expected.toString('latin1'));
  }
});

test('choices that stream at the same time do not mix, wherever they stand in their array', () => {
  const events = [
    openAi('4111 1111', 0),
    openAi('123-45-', 1),
    openAi(' 1111', 0),
    openAi('6789', 1),
    openAi(' 1111', 0),
  ];
  const { out } = run(events.map((event) => `data: ${JSON.stringify(event)}\n\n`));
  const texts = eventsOf(out, 'sse').map((event) => JSON.parse(dataOf(event)).choices[0]);
  assert.deepEqual(
    texts.map(({ index, delta }) => `${index}${delta.content}`),
    ['0[REDACTED-CC]', '1[REDACTED-SSN]', '0', '1', '0'],
  );
  const both = (a: number, first: string, b: number, second: string): string =>
    `data: {"choices":[{"delta":{"content":"${first}"},"index":${a}},{"delta":{"content":"${second}"},"index":${b}}]}\n\n`;
  const swapped = run([both(0, '123-45', 1, 'ada@exam'), both(1, 'ple.com', 0, '-6789')]).out;
  assert.equal(swapped, both(0, '[REDACTED-SSN]', 1, '[REDACTED-EMAIL]') + both(1, '', 0, ''));
});

test('a counter beside a text does not part it', () => {
  const event = (index: number, text: string): string =>
    `data: {"index":${index},"token":{"id":${index},"text":"${text}"}}\n\n`;
  assert.equal(run([event(1, 'ada@'), event(2, 'example.com')]).out, event(1, '[REDACTED-EMAIL]') + event(2, ''));
});

test('a token leaves as soon as the next one comes, and an event with nothing to follow at once', () => {
  const stream = new EventStream(engine, new Tally(), { limit: LIMIT, lines: 'sse' });
  const push = (text: string): string => Buffer.from(stream.push(Buffer.from(text))).toString();
  const events = ['Hello', ' world', ', it', ' is', ' fine.'].map(
    (piece) => `data: ${JSON.stringify(openAi(piece))}\n\n`,
  );
  assert.equal(
    push('event: ping\ndata: {"type":"ping","id":"evt_1"}\n\n'),
    'event: ping\ndata: {"type":"ping","id":"evt_1"}\n\n',
  );
  assert.equal(push(': keep-alive\n\n'), ': keep-alive\n\n');
  // The fingerprint is not known to be one before it is seen twice.
  let out = '';
  for (const [i, event] of events.entries()) {
    out += push(event);
    assert.equal(out, events.slice(0, i).join(''));
  }
  assert.ok(stream.holds);
  assert.equal(
    push(`data: ${JSON.stringify(openAi('', 0, 'stop'))}\n\n`),
    `${events.at(-1)}data: ${JSON.stringify(openAi('', 0, 'stop'))}\n\n`,
  );
  assert.ok(!stream.holds);
});

test('what is weakly held leaves on release, and the text still goes on', () => {
  const stream = new EventStream(engine, new Tally(), { limit: LIMIT, lines: 'sse' });
  const event = (piece: string): string => `data: ${JSON.stringify(openAi(piece))}\n\n`;
  assert.equal(stream.push(Buffer.from(event('Hello'))).length, 0);
  assert.equal(Buffer.from(stream.release()).toString(), event('Hello'));
  assert.ok(!stream.holds);
  assert.equal(stream.release().length, 0);
  assert.equal(stream.push(Buffer.from(event(' 4111 1111 1111'))).length, 0);
  assert.equal(stream.release().length, 0, 'twelve digits are no little thing');
  assert.ok(stream.holds);
  stream.push(Buffer.from(event(' 1111')));
  assert.equal(Buffer.from(stream.end()).toString(), event(' [REDACTED-CC]') + event(''));
});

test('the end of a block, of a choice and of a stream lets go what is held', () => {
  const cases: [string, string][] = [
    [
      'data: {"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"Hello"}}\n\n',
      'data: {"type":"content_block_stop","index":2}\n\n',
    ],
    [
      'data: {"choices":[{"index":0,"delta":{"content":"Hello"}}]}\n\n',
      'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n',
    ],
    [
      'data: {"type":"response.output_text.delta","item_id":"m","output_index":0,"delta":"Hello"}\n\n',
      'data: {"type":"response.output_text.done","item_id":"m","output_index":0,"text":"Hello."}\n\n',
    ],
    [
      'data: {"result":{"kind":"artifact-update","artifact":{"artifactId":"a","parts":[{"text":"Hello"}]}}}\n\n',
      'data: {"result":{"kind":"artifact-update","artifact":{"artifactId":"a","parts":[]},"lastChunk":true}}\n\n',
    ],
    ['data: {"token":"Hello"}\n\n', 'data: [DONE]\n\n'],
    ['data: Hello\n\n', 'data: [DONE]\n\n'],
  ];
  for (const [text, end] of cases) {
    const stream = new EventStream(engine, new Tally(), { limit: LIMIT, lines: 'sse' });
    assert.equal(stream.push(Buffer.from(text)).length, 0, text);
    const out = Buffer.from(stream.push(Buffer.from(end))).toString();
    assert.ok(out.startsWith(text), end);
  }
});

test('a stream that says of each event that it is the last is not believed twice', () => {
  const event = (text: string): string =>
    `data: {"candidates":[{"content":{"parts":[{"text":"${text}"}]},"finishReason":"STOP","index":0}]}\n\n`;
  const { out } = run([event('a '), event('b '), event('123-45-'), event('6789')]);
  assert.equal(out, event('a ') + event('b ') + event('[REDACTED-SSN]') + event(''));
});

test('whole values in a row are read one by one, too', () => {
  for (const name of ['ssn', 'text', 'content', 'customer']) {
    const line = (text: string): string => `{"${name}":"${text}","n":1}\n`;
    const { out, tally } = run([line('123-45-6789'), line('123-45-6780'), line('Hello')], 'json');
    assert.equal(out, line('[REDACTED-SSN]') + line('[REDACTED-SSN]') + line('Hello'), name);
    assert.deepEqual(tally.hits, [{ rule: 'ssn', action: 'redact', count: 2, path: `$.${name}` }]);
  }
  assert.equal(run(['data: 123-45-6789\n\ndata: Hello\n\n']).out, 'data: [REDACTED-SSN]\n\ndata: Hello\n\n');
});

test('every part of an event is read: names, numbers, keys, other fields, comments', () => {
  const events: [string, string][] = [
    ['event: ada@example.com\ndata: x\n\n', 'event: [REDACTED-EMAIL]\ndata: x\n\n'],
    ['id: 123-45-6789\n\n', 'id: [REDACTED-SSN]\n\n'],
    [': 123-45-6789\n\n', ': [REDACTED-SSN]\n\n'],
    ['note: 123-45-6789\n\n', 'note: [REDACTED-SSN]\n\n'],
    ['123-45-6789\n\n', '[REDACTED-SSN]\n\n'],
    ['data: {"id":"ada@example.com"}\n\n', 'data: {"id":"[REDACTED-EMAIL]"}\n\n'],
    ['data: {"ada@example.com":1}\n\n', 'data: {"[REDACTED-EMAIL]":1}\n\n'],
    ['data: {"n" : 4111111111111111 , "m":1.50}\n\n', 'data: {"n" : "[REDACTED-CC]" , "m":1.50}\n\n'],
    ['data: {"a":"x\\n\\u0061da@example.com\\ty"}\n\n', 'data: {"a":"x\\n[REDACTED-EMAIL]\\ty"}\n\n'],
    [
      'data: {"a":1,\ndata:  "b":"123-45-6789",\ndata: "c":4111111111111111}\n\n',
      'data: {"a":1,\ndata:  "b":"[REDACTED-SSN]",\ndata: "c":"[REDACTED-CC]"}\n\n',
    ],
    [
      'data: a 123-45-6789\r\ndata: b ada@example.com\r\n\r\n',
      'data: a [REDACTED-SSN]\r\ndata: b [REDACTED-EMAIL]\r\n\r\n',
    ],
    ['data: {"n":4111111111111111.0,"m":0.12345678901}\n\n', 'data: {"n":"[REDACTED-CC]","m":0.12345678901}\n\n'],
    ['data: 123-45-6789', 'data: [REDACTED-SSN]'],
    ['\ufeffdata: 123-45-6789\n\n', '\ufeffdata: [REDACTED-SSN]\n\n'],
    ['data: {"a": "123-45-6789"\n\n', 'data: {"a": "[REDACTED-SSN]"\n\n'],
  ];
  for (const [event, expected] of events) assert.equal(utf8(run([event]).out), expected);
});

function own(rule: Partial<RuleConfig> & { pattern: string }): Engine {
  return createEngine([{ name: 'own', type: 'regex', action: 'redact', ...rule } as RuleConfig]);
}

test('a replacement cannot break out of its line, nor a deletion make another field of it', () => {
  const lines = own({ pattern: 'x(?s:.)y', replace: 'a\nb' });
  assert.equal(run(['data: 1x-y2\n\n'], 'sse', lines).out, 'data: 1a\ndata: b2\n\n');
  assert.equal(run(['data: 1x\ndata: y2\n\n'], 'sse', lines).out, 'data: 1a\ndata: b2\n\n');
  assert.equal(
    run(['data: 1x\r\nid: 5\r\ndata:y2\r\n\r\n'], 'sse', lines).out,
    'data: 1a\ndata: b\r\nid: 5\r\ndata:2\r\n\r\n',
  );
  assert.equal(run([': x-y\n\n'], 'sse', lines).out, ': a b\n\n');
  assert.equal(run(['data: {"a":"x-y"}\n\n'], 'sse', lines).out, 'data: {"a":"a\\nb"}\n\n');
  const gone = own({ pattern: 'x+', replace: '' });
  assert.equal(run(['xx\ndata: 1\n\n'], 'sse', gone).out, ':\ndata: 1\n\n');
  assert.equal(run(['daxta: 1\n\n'], 'sse', gone).out, ':data: 1\n\n');
  assert.equal(run(['data:x 1\n\n'], 'sse', gone).out, 'data:  1\n\n');
  assert.equal(run(['data:x1\n\n'], 'sse', gone).out, 'data:1\n\n');
});

test('a block ends it: what was decided before has left, nothing comes after', () => {
  const block = own({ pattern: 'forbidden', action: 'block' });
  const tally = new Tally();
  const stream = new EventStream(block, tally, { limit: LIMIT, lines: 'sse' });
  const out = stream.push(
    Buffer.from(
      'data: {"delta":"fine. "}\n\ndata: {"delta":"for"}\n\ndata: {"delta":"bidden "}\n\ndata: {"delta":" x"}\n\n',
    ),
  );
  assert.equal(Buffer.from(out).toString(), 'data: {"delta":"fine. "}\n\n');
  assert.equal(tally.blockedBy, 'own');
  assert.equal(stream.push(Buffer.from('data: 1\n\n')).length, 0);
  assert.equal(stream.release().length, 0);
  assert.equal(stream.end().length, 0);
});

test('a rule that only counts counts a text once', () => {
  const off = ['ssn', 'credit_card', 'email'].map((name) => ({ type: 'builtin' as const, name, enabled: false }));
  const warn = createEngine([...off, { name: 'own', type: 'regex', pattern: 'secret', action: 'warn' }]);
  const { tally, out } = run(['data: {"text":"a secret"}\n\ndata: {"text":" thing"}\n\n'], 'sse', warn);
  assert.deepEqual(tally.hits, [{ rule: 'own', action: 'warn', count: 1, path: '$.text' }]);
  assert.equal(out, 'data: {"text":"a secret"}\n\ndata: {"text":" thing"}\n\n');
});

test('a rule that is limited to some paths keeps to them', () => {
  const limited = createEngine([
    { name: 'own', type: 'keyword', pattern: 'secret', action: 'redact', paths: ['$.a[*].delta'] },
  ]);
  const event = (first: string, second: string): string =>
    `: secret\nid: secret\ndata: {"a":[{"delta":"${first}"}],"delta":"${second}"}\n\n`;
  const { out } = run([event('sec', 'sec'), event('ret', 'ret'), 'data: secret\n\n'], 'sse', limited);
  assert.equal(out, `${event('[REDACTED]', 'sec')}${event('', 'ret')}data: secret\n\n`);
  const skipping = createEngine([
    { name: 'own', type: 'keyword', pattern: 'secret', action: 'redact', skip_paths: ['$.a'] },
  ]);
  assert.equal(
    run(['data: {"a":{"secret":"secret"},"b":"secret"}\n\n'], 'sse', skipping).out,
    'data: {"a":{"[REDACTED]":"secret"},"b":"[REDACTED]"}\n\n'.replace('[REDACTED]', 'secret'),
  );
});

test('members with the same name do not hide each other', () => {
  const event = (first: string, second: string): string => `data: {"delta":"${first}","delta":"${second}"}\n\n`;
  const { out } = run([event('junk', 'ada@exam'), event('junk', 'ple.com ')]);
  assert.equal(out, event('junk', '[REDACTED-EMAIL]') + event('junk', ' '));
});

test('keys are the same however they are written, and values are not shown in paths', () => {
  const { out, tally } = run(['data: {"delta":"ada@exam"}\n\n', 'data: {"d\\u0065lta":"ple.com"}\n\n']);
  assert.equal(out, 'data: {"delta":"[REDACTED-EMAIL]"}\n\ndata: {"d\\u0065lta":""}\n\n');
  assert.deepEqual(
    tally.hits.map(({ path }) => path),
    ['$.delta'],
  );
  const keys = run(['data: {"bob@example.com":{"a b":["ada@example.com"]}}\n\n']).tally.hits;
  assert.deepEqual(keys, [{ rule: 'email', action: 'redact', count: 2, path: '$.*' }]);
});

test('CR, CR LF and LF end lines, in any mix', () => {
  assert.equal(run(['data: 41\rdata: 11 1111 1111 1111\r\r']).out, 'data: 41\rdata: 11 1111 1111 1111\r\r');
  assert.equal(run(['data: 4111 1111\r\r', 'data:  1111 1111\r', '\r']).out, 'data: [REDACTED-CC]\r\rdata: \r\r');
  assert.equal(run(['data: 123-45-\r\n\r', '\ndata: 6789\r\n\r\n']).out, 'data: [REDACTED-SSN]\r\n\r\ndata: \r\n\r\n');
});

test('JSON text sequences: a text may have several lines', () => {
  const text =
    '\x1e{"a":"123-45-6789",\n "b":"\\n\x7f"}\n\x1e{"a":\n["ada@example.com"]}\n\x1e"123-45-6780"\n\x1e{"broken\n\x1e{"c":1}\n';
  for (const size of [1, 7, 1000]) {
    const chunks = Array.from({ length: Math.ceil(text.length / size) }, (_, i) =>
      text.slice(i * size, (i + 1) * size),
    );
    const { out, stream } = run(chunks, 'json');
    assert.equal(
      out,
      text
        .replace('123-45-6789', '[REDACTED-SSN]')
        .replace('ada@example.com', '[REDACTED-EMAIL]')
        .replace('123-45-6780', '[REDACTED-SSN]'),
    );
    assert.equal(stream.unreadable, 'invalid_json');
  }
});

test('lines: blank ones, numbers and other values are JSON; what is none is read as text, and said', () => {
  const good = '\n{"a":1}\r\n\n42\nnull\n"x"\n[1,2]\n{"a":1}{"b":2}\n';
  assert.equal(run([good], 'json').out, good);
  assert.equal(run([good], 'json').stream.unreadable, undefined);
  assert.equal(run(['4111111111111111\n'], 'json').out, '"[REDACTED-CC]"\n');
  const { out, stream } = run(['oops 123-45-6789\n{"a":"ada@example.com"}\n'], 'json');
  assert.equal(out, 'oops [REDACTED-SSN]\n{"a":"[REDACTED-EMAIL]"}\n');
  assert.equal(stream.unreadable, 'invalid_json');
});

test('more than the limit: said, and nothing more is given', () => {
  const held = new EventStream(engine, new Tally(), { limit: 1000, lines: 'sse' });
  const event = 'data: {"delta":"x"}\n\n';
  let out = 0;
  for (let i = 0; i < 10; i++) out += held.push(Buffer.from(event)).length;
  assert.equal(held.unreadable, undefined);
  const endless = new EventStream(engine, new Tally(), { limit: 1000, lines: 'sse' });
  assert.equal(endless.push(Buffer.from('data: 1\n\ndata: ')).length, 0);
  for (let i = 0; i < 20; i++) endless.push(Buffer.from('y'.repeat(100)));
  assert.equal(endless.unreadable, 'too_large');
  assert.equal(endless.push(Buffer.from('\n\ndata: 1\n\n')).length, 0);
  assert.equal(endless.end().length, 0);
  const large = new EventStream(engine, new Tally(), { limit: 1000, lines: 'json' });
  large.push(Buffer.from(`"${'y'.repeat(2000)}"\n`));
  assert.equal(large.unreadable, 'too_large');
});

test('deep, wide and many: bounded, and read all the same', () => {
  const deep = `data: ${'['.repeat(100_000)}"ada@example.com"${']'.repeat(100_000)}\n\n`;
  assert.equal(run([deep]).out, deep.replace('ada@example.com', '[REDACTED-EMAIL]'));
  const objects = `data: ${'{"a":'.repeat(50_000)}"ada@example.com"${'}'.repeat(50_000)}\n\n`;
  assert.equal(run([objects]).out, objects.replace('ada@example.com', '[REDACTED-EMAIL]'));
  const wide = `data: {${Array.from({ length: 20_000 }, (_, i) => `"k${i}":"v${i}"`).join(',')},"z":"ada@example.com"}\n\n`;
  assert.equal(run([wide]).out, wide.replace('ada@example.com', '[REDACTED-EMAIL]'));
  const same = `data: {${Array.from({ length: 20_000 }, (_, i) => `"delta":"v${i}"`).join(',')},"delta":"ada@example.com"}\n\n`;
  assert.equal(run([same]).out, same.replace('ada@example.com', '[REDACTED-EMAIL]'));
  const many = Array.from({ length: 5000 }, (_, i) => `data: {"k${i}":"v"}\n\n`).join('');
  assert.equal(run([many]).out, many);
  const lines = `${'data: x\n'.repeat(50_000)}\n`;
  assert.equal(run([lines]).out, lines);
  const numbers = `data: [${'4111111111111111,'.repeat(20_000)}1]\n\n`;
  assert.equal(run([numbers]).tally.matches, 20_000);
});

test('a text that starts like another member is not followed for ever by one that never changes', () => {
  const stream = new EventStream(engine, new Tally(), { limit: LIMIT, lines: 'sse' });
  const event = (piece: string): string => `data: {"agent":"weather-bot","delta":"${piece} "}\n\n`;
  let out = '';
  const pieces = ['a', 'b', 'c', 'd'];
  for (const [i, piece] of pieces.entries()) {
    out += Buffer.from(stream.push(Buffer.from(event(piece)))).toString();
    // Held once, until it has been seen twice.
    assert.equal(
      out,
      i === 0
        ? ''
        : pieces
            .slice(0, i + 1)
            .map(event)
            .join(''),
    );
  }
});

test('events that are alike are read as if each were the first of its kind', () => {
  const piece = fc.constantFrom(
    'a ',
    'x',
    ' 123-45-',
    '6789',
    '4111 1111',
    ' 1111 1111 ',
    'ada@',
    'example.com ',
    '\\"',
    '\\u0041 ',
    '',
  );
  const event = fc
    .tuple(
      piece,
      piece,
      fc.constantFrom('1', '2', '4111111111111111', '4111111111111111.0', '-1e5'),
      fc.constantFrom('"u1"', '"bob@example.org"', '"\\n"'),
    )
    .chain(([text, other, n, id]) =>
      fc.constantFrom(
        `data: {"id":${id},"type":"t.delta","n":${n},"delta":"${text}","other":"${other}"}\n\n`,
        `data: {"n":${n},"choices":[{"index":0,"delta":{"content":"${text}","id":${id}},"finish_reason":null}]}\n\n`,
        `data: {"n":${n},"choices":[{"index":1,"delta":{"content":"${text}","id":${id}},"finish_reason":"stop"}]}\n\n`,
      ),
    );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 12 }), (events) => {
      // White space that differs from event to event keeps any two of them from being alike.
      const unlike = events.map((event, i) =>
        event.replace('{', `{${' '.repeat(i)}`).replace('"n":', `"n":${' '.repeat((i * 7) % 5)}`),
      );
      const expected = run(unlike);
      const found = run(events);
      assert.equal(found.out.replaceAll(/(?<=[{:]) +/g, ''), expected.out.replaceAll(/(?<=[{:]) +/g, ''));
      assert.deepEqual(found.tally.hits, expected.tally.hits);
    }),
    { numRuns: 1500 },
  );
});

test('a line between two data lines of an event is edited where it stands', () => {
  const own = (name: string, pattern: string): RuleConfig => ({
    name,
    type: 'regex',
    pattern,
    action: 'redact',
    replace: `<${name}>`,
  });
  const rules = createEngine([own('word', 'secret'), own('end', String.raw`\.`)]);
  const { out } = run(['data: a.\nsecret\ndata: b.\n\n'], 'sse', rules);
  assert.equal(out, 'data: a<end>\n<word>\ndata: b<end>\n\n');
});

test('of a line that is no field, bytes that are not UTF-8 survive beside a match', () => {
  const line = Buffer.from('\xed 4111111111111111 \xff\n\n', 'latin1');
  assert.equal(run([line]).out, '\xed [REDACTED-CC] \xff\n\n');
});

test('pieces that are the same are the beginning of what comes after them', () => {
  const events = (...texts: string[]): string =>
    texts.map((text) => `data: ${JSON.stringify({ out: text })}\n\n`).join('');
  for (const times of [2, 3, 5]) {
    const same = Array<string>(times).fill('ada');
    const { out, tally } = run([events(...same, '@example.com', ' and', ' more ')]);
    assert.equal(out, events(...same, '[REDACTED-EMAIL]', ' and', ' more '));
    assert.equal(tally.matches, 1);
  }
  // What never changes holds nothing up, and stands for itself.
  assert.equal(
    run([events('gpt-4', 'gpt-4', 'gpt-4', 'b@c.io')]).out,
    events('gpt-4', 'gpt-4', 'gpt-4', '[REDACTED-EMAIL]'),
  );
});
