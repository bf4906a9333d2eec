import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { AgentError } from './agent-error.ts';
import {
  errorCodec,
  errorEnvelopeCodec,
  executeEventCodec,
  executeReplyCodec,
  executeRequestCodec,
  jobCodec,
  listAgentsReplyCodec,
} from './codec.ts';
import type { Fault } from './faults.ts';

/** The faults as `path: message`, and the code. */
function refused(run: () => unknown): { code: string; faults: string[] } {
  try {
    run();
  } catch (thrown) {
    assert.ok(thrown instanceof AgentError);
    return { code: thrown.code, faults: faultsOf(thrown).map(({ path, message }) => `${path}: ${message}`) };
  }
  return assert.fail('nothing was refused');
}

function faultsOf({ details }: AgentError): Fault[] {
  // The codec puts nothing else there.
  return (details?.['faults'] ?? []) as Fault[];
}

const REPLY = { output: 'x', token_count: 0, execution_time_ms: 0, loop_count: 0, stop_reason: 'completed' };

test('what fits is handed back as it is, with members that are not known', () => {
  const request = { input: 'hi', newer: { deep: [1, null] }, parts: [{ text: 'a', newer: 1 }, { video: {} }] };
  assert.equal(executeRequestCodec.check(request), request);
  assert.deepEqual(request, {
    input: 'hi',
    newer: { deep: [1, null] },
    parts: [{ text: 'a', newer: 1 }, { video: {} }],
  });
});

test('every fault is told with its path', () => {
  const request = {
    input: 3,
    timeout_seconds: '30',
    parts: [{ data: '%' }, { text: 'a', url: 'b' }, null, [], { json: [] }, { text: null }],
    session_id: {},
    context: [],
    metadata: { a: 1, b: 'b', c: null },
    idempotency_key: false,
  };
  assert.deepEqual(
    refused(() => executeRequestCodec.check(request)),
    {
      code: 'bad_request',
      faults: [
        'input: expected a string',
        'timeout_seconds: expected a finite number',
        'parts[0].data: expected base64',
        'parts[1]: expected only one of text, data, url, json',
        'parts[2]: expected an object',
        'parts[3]: expected an object',
        'parts[4].json: expected an object',
        'parts[5].text: must not be null',
        'session_id: expected a string',
        'context: expected an object',
        'metadata.*: expected a string',
        'metadata.*: expected a string',
        'idempotency_key: expected a string',
      ],
    },
  );
});

test('what is no object at all is refused', () => {
  for (const value of [undefined, null, 'text', 7, true, [], [{ input: 'hi' }], () => 1]) {
    assert.deepEqual(refused(() => executeRequestCodec.check(value)).faults, [': expected an object']);
  }
});

test('at most 20 faults are told, however many there are', () => {
  const request = { input: 'hi', parts: Array.from({ length: 100_000 }, () => 7) };
  assert.equal(refused(() => executeRequestCodec.check(request)).faults.length, 20);
});

test('no fault repeats a value or a name that the sender chose', () => {
  const secret = 'sk-live-4242';
  const request = {
    input: [secret],
    [secret]: deep(40, { [secret]: secret }),
    metadata: { [secret]: { [secret]: secret } },
    context: { [secret]: Number.NaN, x: { [secret]: '\ud800' }, [`${secret}\ud800`]: 1 },
    parts: [{ data: `${secret}%` }],
  };
  try {
    executeRequestCodec.check(request);
    assert.fail('nothing was refused');
  } catch (thrown) {
    assert.ok(thrown instanceof AgentError);
    assert.equal(faultsOf(thrown).length, 7);
    assert.ok(!JSON.stringify([thrown.message, thrown.details]).includes(secret));
  }
});

test('whole numbers have the range of their type', () => {
  for (const token_count of [-1, 1.5, 2 ** 32, Number.NaN, Number.POSITIVE_INFINITY, '1', 1n, true]) {
    assert.deepEqual(refused(() => executeReplyCodec.check({ ...REPLY, token_count })).faults, [
      'token_count: expected a whole number from 0 to 4294967295',
    ]);
  }
  for (const token_count of [0, 1, 2 ** 32 - 1]) executeReplyCodec.check({ ...REPLY, token_count });
});

test('numbers are finite', () => {
  for (const timeout_seconds of [Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.deepEqual(refused(() => executeRequestCodec.check({ input: 'hi', timeout_seconds })).faults, [
      'timeout_seconds: expected a finite number',
    ]);
  }
});

test('base64 has either alphabet, padded or not', () => {
  for (const data of ['', 'aA==', 'aA', 'aGk=', 'aGk', 'aGlq', '+/+/', '-_-_', 'aGlqaw']) {
    executeRequestCodec.check({ input: '', parts: [{ data }] });
  }
  for (const data of ['a', 'aA=', 'aGk==', 'aGlqa', '=', '====', 'a A=', 'aA==aA==', 'aGk=\n', 'ä']) {
    assert.deepEqual(refused(() => executeRequestCodec.check({ parts: [{ data }] })).faults, [
      'parts[0].data: expected base64',
    ]);
  }
});

test('half of a surrogate pair is refused in a request, wherever it stands, and replaced in a reply', () => {
  const half = '\ud83d';
  for (const request of [
    { input: half },
    { input: '', parts: [{ text: half }] },
    { input: '', context: { a: [half] } },
    { input: '', context: { [half]: 1 } },
    { input: '', metadata: { a: half } },
    { input: '', metadata: { [half]: 'a' } },
  ]) {
    assert.match(refused(() => executeRequestCodec.check(request)).faults.join(), /well-formed Unicode/);
  }
  assert.equal(executeReplyCodec.checkReply({ ...REPLY, output: `a${half}` }).output, 'a\ufffd');
});

test('free JSON goes 32 levels deep, and no deeper', () => {
  executeRequestCodec.check({ input: 'hi', context: deep(32, 1) });
  assert.match(
    refused(() => executeRequestCodec.check({ input: 'hi', context: deep(33, 1) })).faults.join(),
    /32 levels/,
  );
});

test('what goes as deep as it may can be sent and read in binary', () => {
  const done = { ...REPLY, artifacts: [{ name: 'a', parts: [{ json: deep(32, 1) as JsonObject }] }] };
  assert.deepEqual(executeEventCodec.decode(executeEventCodec.encode({ done })), { done });
});

test('nothing is nested so deep that the check or the sender overflows its stack', () => {
  const list = JSON.parse(`${'['.repeat(200_000)}${']'.repeat(200_000)}`) as unknown;
  for (const request of [
    { input: 'hi', newer: list },
    { input: 'hi', context: { list } },
  ]) {
    assert.match(refused(() => executeRequestCodec.check(request)).faults.join(), /32 levels/);
  }
  const cyclic: Record<string, unknown> = {};
  cyclic['again'] = cyclic;
  assert.match(refused(() => executeRequestCodec.check({ input: 'hi', context: cyclic })).faults.join(), /32 levels/);
  assert.equal(
    refused(() => executeRequestCodec.toMessage({ input: 'hi', context: { list } as never })).code,
    'bad_request',
  );
});

test('names of JavaScript are names like any other', () => {
  const text = '{"__proto__":{"input":"evil"},"constructor":1,"toString":2}';
  assert.deepEqual(refused(() => executeReplyCodec.check(JSON.parse(text))).faults.length, 5);
  const request = JSON.parse(
    '{"input":"hi","metadata":{"__proto__":"a","constructor":"b"},"context":{"__proto__":{"polluted":true}}}',
  ) as unknown;
  const back = executeRequestCodec.decode(executeRequestCodec.encode(executeRequestCodec.check(request)));
  assert.equal(JSON.stringify(back.metadata), '{"__proto__":"a","constructor":"b"}');
  assert.equal(JSON.stringify(back.context), '{"__proto__":{"polluted":true}}');
  assert.equal('polluted' in {}, false);
  assert.equal(Object.getPrototypeOf(back.context), Object.prototype);
  const reply = executeReplyCodec.checkReply(JSON.parse('{"output":"","metadata":{"__proto__":null,"a":"b"}}'));
  assert.equal(JSON.stringify(reply.metadata), '{"a":"b"}');
});

test('members of a reply that must be there are missed', () => {
  assert.deepEqual(refused(() => executeReplyCodec.check({})).faults, [
    'output: is missing',
    'token_count: is missing',
    'execution_time_ms: is missing',
    'loop_count: is missing',
    'stop_reason: is missing',
  ]);
});

test('a reply of an older or laxer agent is mended, in a copy', () => {
  const lax = Object.freeze({
    output: 'x',
    execution_time_ms: 12.6,
    stop_reason: '',
    session_id: null,
    metadata: Object.freeze({ a: 'b', c: null }),
    usage: Object.freeze([Object.freeze({ model: 'm', input_tokens: 1.2, cost_usd: null, newer: 1 })]),
    artifacts: Object.freeze([{}]),
    newer: [null],
  });
  assert.deepEqual(executeReplyCodec.checkReply(lax), {
    output: 'x',
    token_count: 0,
    execution_time_ms: 13,
    loop_count: 0,
    stop_reason: 'completed',
    metadata: { a: 'b' },
    usage: [{ model: 'm', input_tokens: 1, output_tokens: 0, newer: 1 }],
    artifacts: [{ name: '' }],
    newer: [null],
  });
  assert.equal(lax.metadata.c, null);
});

test('a reply with wrong types cannot be read', () => {
  assert.deepEqual(
    refused(() =>
      executeReplyCodec.checkReply({ token_count: '5', execution_time_ms: -1, usage: {}, metadata: { a: 1 } }),
    ),
    {
      code: 'unreadable',
      faults: [
        'token_count: expected a whole number from 0 to 4294967295',
        'execution_time_ms: expected a whole number from 0 to 4294967295',
        'usage: expected a list',
        'metadata.*: expected a string',
        'output: is missing',
      ],
    },
  );
  assert.deepEqual(
    refused(() => executeReplyCodec.checkReply('text')),
    {
      code: 'unreadable',
      faults: [': expected an object'],
    },
  );
});

test('in JSON, a member with its default value stands where callers count on it, and only there', () => {
  const empty = new Uint8Array();
  assert.deepEqual(executeReplyCodec.decode(empty), { ...REPLY, output: '', stop_reason: '' });
  assert.deepEqual(executeRequestCodec.decode(empty), { input: '' });
  assert.deepEqual(listAgentsReplyCodec.decode(empty), { agents: [] });
  assert.deepEqual(jobCodec.decode(empty), { job_id: '', agent_id: '', status: '' });
  assert.deepEqual(errorCodec.decode(empty), { code: '', message: '' });
  assert.deepEqual(executeEventCodec.decode(empty), {});
  // What may be absent may also be 0 or empty.
  const parts = [{ text: '' }, { data: '' }, { json: {} }];
  const request = { input: 'hi', timeout_seconds: 0, context: {}, parts };
  assert.deepEqual(executeRequestCodec.decode(executeRequestCodec.encode(request)), request);
});

test('times are those of RFC 3339', () => {
  const job = { job_id: 'j', agent_id: 'a', status: 'running' };
  for (const [sent, read] of [
    ['2026-11-20T19:00:00Z', '2026-11-20T19:00:00Z'],
    ['2026-11-20T19:00:00.5+01:00', '2026-11-20T18:00:00.500Z'],
    ['0001-01-01T00:00:00.000000001Z', '0001-01-01T00:00:00.000000001Z'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
  ] as const) {
    const checked = jobCodec.check({ ...job, created_at: sent });
    assert.equal(jobCodec.decode(jobCodec.encode(checked)).created_at, read);
  }
  for (const created_at of ['', 'yesterday', '2026-11-20', '2026-11-20 19:00:00Z', '0000-01-01T00:00:00Z', 7, {}]) {
    assert.deepEqual(refused(() => jobCodec.check({ ...job, created_at })).faults, [
      'created_at: expected an RFC 3339 time',
    ]);
  }
});

test('a time in binary that is none is refused', () => {
  // created_at (6) with seconds (1) of 2^62.
  const bytes = Uint8Array.from([0x32, 10, 0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40]);
  assert.equal(refused(() => jobCodec.decode(bytes)).code, 'bad_request');
});

test('members that are undefined are none, also in free JSON', () => {
  const request = { input: 'hi', session_id: undefined, context: { a: undefined, b: [undefined, { c: undefined }] } };
  const sent = executeRequestCodec.toMessage(request as never);
  assert.deepEqual(sent.context, { b: [null, {}] });
  assert.deepEqual(executeRequestCodec.fromMessage(sent), { input: 'hi', context: { b: [null, {}] } });
});

test('strings that are not UTF-8 are refused in binary', () => {
  assert.equal(refused(() => executeRequestCodec.decode(Uint8Array.of(0x12, 2, 0xc3, 0x28))).code, 'bad_request');
});

const ALL = [
  (bytes: Uint8Array) => executeRequestCodec.encode(executeRequestCodec.decode(bytes)),
  (bytes: Uint8Array) => executeReplyCodec.encode(executeReplyCodec.decode(bytes)),
  (bytes: Uint8Array) => executeEventCodec.encode(executeEventCodec.decode(bytes)),
  (bytes: Uint8Array) => jobCodec.encode(jobCodec.decode(bytes)),
  (bytes: Uint8Array) => errorEnvelopeCodec.encode(errorEnvelopeCodec.decode(bytes)),
  (bytes: Uint8Array) => errorCodec.encode(errorCodec.decode(bytes)),
  (bytes: Uint8Array) => listAgentsReplyCodec.encode(listAgentsReplyCodec.decode(bytes)),
];

test('random bytes are read or refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(...ALL), (bytes, codec) => {
      try {
        codec(bytes);
      } catch (thrown) {
        assert.ok(thrown instanceof AgentError && thrown.code === 'bad_request', String(thrown));
      }
    }),
    { numRuns: 2_000 },
  );
});

test('bytes of a message with some of them changed, cut off or put in are read or refused', () => {
  const whole = executeRequestCodec.encode({
    input: 'hi',
    parts: [{ json: { a: [1, { b: null }] } }, { data: 'aGk=' }],
    metadata: { a: 'b' },
    context: deep(20, 1) as never,
  });
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.uint8Array({ maxLength: 8 }), fc.nat(8), (at, put, cut) => {
      const bytes = Uint8Array.from([...whole.subarray(0, at), ...put, ...whole.subarray(at + cut)]);
      try {
        executeRequestCodec.encode(executeRequestCodec.decode(bytes));
      } catch (thrown) {
        assert.ok(thrown instanceof AgentError && thrown.code === 'bad_request', String(thrown));
      }
    }),
    { numRuns: 2_000 },
  );
});

test('groups and messages within each other without end are refused', () => {
  const groups = new Uint8Array(1_000_000).fill(0x7b);
  assert.equal(refused(() => executeRequestCodec.decode(groups)).code, 'bad_request');
});

test('any JSON is accepted or refused with faults, and what is accepted can be sent', () => {
  const members = fc.dictionary(
    fc.constantFrom(
      'input',
      'parts',
      'timeout_seconds',
      'context',
      'metadata',
      'text',
      'data',
      'json',
      'newer',
      '__proto__',
    ),
    fc.jsonValue({ maxDepth: 3 }),
  );
  const parts = fc.record({ input: fc.string(), parts: fc.array(fc.oneof(members, fc.jsonValue())) });
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), members, parts), (value) => {
      try {
        executeRequestCodec.encode(executeRequestCodec.check(value));
      } catch (thrown) {
        assert.ok(thrown instanceof AgentError && thrown.code === 'bad_request', String(thrown));
        assert.ok(faultsOf(thrown).length > 0);
      }
    }),
    { numRuns: 2_000 },
  );
});

function deep(levels: number, leaf: unknown): Record<string, unknown> {
  let value: Record<string, unknown> = { leaf };
  for (let level = 1; level < levels; level++) value = { deeper: value };
  return value;
}
