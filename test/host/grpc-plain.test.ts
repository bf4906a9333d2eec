import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { AgentError } from '../../src/contract/agent-error.ts';
import {
  agentInfoCodec,
  type Codec,
  errorCodec,
  executeEventCodec,
  executeReplyCodec,
  executeRequestCodec,
  getAgentRequestCodec,
  getJobRequestCodec,
} from '../../src/contract/codec.ts';
import { errorToJson } from '../../src/contract/error-wire.ts';
import { agentErrorFromGrpc } from '../../src/contract/grpc-error.ts';
import { isPlainGrpc } from '../../src/host/grpc-plain.ts';
import { EnvelopeReader } from '../../src/protocols/envelope.ts';
import { envelope, unary } from './raw-grpc.ts';
import { echo, hosted, type ServedHost, servedHost } from './support.ts';

const agents = () => [
  hosted('echo', echo),
  hosted('kind', () => {
    throw new AgentError('quota_used_up', 'morgen wieder, grüß Gott %', {
      retryAfter: 60,
      details: { left: 0 },
      cause: new AgentError('rate_limited', 'the model says no'),
    });
  }),
  hosted('raw', () => {
    throw new Error('swordfish');
  }),
  hosted('long', () => {
    throw new AgentError('odd\r\n', `${'ü'.repeat(4_000)}\ud800`, { details: { long: 'ü'.repeat(4_000) } });
  }),
  hosted('fair', () => {
    throw new AgentError('conflict', 'é'.repeat(400));
  }),
  hosted('shut', echo, { allowedRoles: ['boss'] }),
  hosted('down', echo, { ready: () => false }),
  hosted('full', echo, { concurrency: 0, queue: 0 }),
  hosted('deaf', () => sleep(60_000, 'late', { ref: false })),
  hosted('half', {
    async *stream() {
      yield 'half';
      throw new AgentError('overloaded', 'gone', { retryAfter: 3, details: { after: 'half' } });
    },
  }),
  hosted('dry', {
    async *stream() {
      yield* [];
    },
  }),
];

const request = (agent_id: string, more: object = {}): Uint8Array =>
  executeRequestCodec.encode({ agent_id, input: 'a b c', ...more });

/** What a caller learns of a call, but for times and what says how it was coded. */
async function outcome(
  host: ServedHost,
  method: string,
  body: Buffer,
  fields: Record<string, string>,
  codec: AnyCodec,
) {
  const { headers, trailers, body: bytes } = await unary(host, method, body, { 'x-request-id': 'r-1', ...fields });
  const all = { ...headers, ...trailers };
  const reader = new EnvelopeReader(2 ** 20);
  reader.push(bytes);
  const messages: object[] = [];
  for (let frame = reader.next(); frame !== undefined && frame !== 'too_large'; frame = reader.next()) {
    assert.equal(frame.flags, 0);
    messages.push(withoutTimes(codec.decode(frame.payload)));
  }
  assert.equal(reader.size, 0);
  const { 'grpc-status': status, 'grpc-message': message = '', 'grpc-status-details-bin': details, ...rest } = all;
  for (const name of ['date', 'content-type', 'grpc-accept-encoding', 'grpc-encoding']) delete rest[name];
  const isError = status !== '0';
  return {
    status: Number(status),
    message: decodeURIComponent(message),
    error: isError && details !== undefined ? errorToJson(agentErrorFromGrpc(Number(status), '', details)) : null,
    metadata: { ...rest },
    messages,
  };
}

// oxlint-disable-next-line typescript/no-explicit-any -- whichever message it is
type AnyCodec = Codec<any>;

function withoutTimes(message: Record<string, unknown>): object {
  const { done, ...rest } = message;
  if (done !== undefined) return { done: { ...(done as object), execution_time_ms: 0 } };
  return 'execution_time_ms' in rest ? { ...rest, execution_time_ms: 0 } : rest;
}

interface Case {
  readonly name: string;
  readonly message: Uint8Array;
  readonly fields?: Record<string, string>;
  /** What both ways are to say. */
  readonly status: number;
  readonly onlyStream?: boolean;
}

// A field that is not known here, behind what is.
const later = Buffer.from([0xa2, 0x06, 0x05, ...Buffer.from('later')]);

const cases: readonly Case[] = [
  { name: 'ok', message: request('echo'), status: 0 },
  { name: 'unknown fields', message: Buffer.concat([request('echo'), later]), status: 0 },
  { name: 'newer minor version', message: request('echo'), fields: { 'outrider-contract': '1.7' }, status: 0 },
  { name: 'other major version', message: request('echo'), fields: { 'outrider-contract': '2.0' }, status: 3 },
  { name: 'no such agent', message: request('nobody'), status: 5 },
  { name: 'no id', message: request('../x'), status: 3 },
  { name: 'an empty message', message: Buffer.alloc(0), status: 3 },
  { name: 'a timeout of nothing', message: request('echo', { timeout_seconds: 0 }), status: 3 },
  { name: 'not for this caller', message: request('shut'), status: 7 },
  { name: 'not ready', message: request('down'), status: 14 },
  { name: 'no room', message: request('full'), status: 8 },
  { name: 'without a token', message: request('echo'), fields: { authorization: 'none' }, status: 16 },
  { name: 'an error with details and a cause', message: request('kind'), status: 2 },
  { name: 'a thrown error', message: request('raw'), status: 2 },
  { name: 'a long error', message: request('long'), status: 2 },
  { name: 'an error that is long for a status', message: request('fair'), status: 6 },
  { name: 'its own timeout', message: request('deaf', { timeout_seconds: 0.05 }), status: 4 },
  { name: 'the timeout of the call', message: request('deaf'), fields: { 'grpc-timeout': '50m' }, status: 4 },
  { name: 'a malformed timeout', message: request('echo'), fields: { 'grpc-timeout': '5 minutes' }, status: 3 },
  { name: 'an error after the first event', message: request('half'), status: 14, onlyStream: true },
  { name: 'a stream of nothing', message: request('dry'), status: 0, onlyStream: true },
  { name: 'more objects than bytes would tell', message: Buffer.from('2200'.repeat(600_000), 'hex'), status: 3 },
  { name: 'larger than allowed', message: request('echo', { input: 'x'.repeat(2_000_000) }), status: 8 },
];

test('the plain way and the way through Connect are the same to a caller', async (t) => {
  const host = await servedHost(agents(), { maxBodyBytes: 1_500_000 });
  t.after(() => host.close());
  const ways: [string, (message: Uint8Array) => Buffer, Record<string, string>][] = [
    ['plain', envelope, {}],
    ['plain by name', envelope, { 'content-type': 'application/grpc+proto', 'grpc-encoding': 'identity' }],
    [
      'gzip',
      (message) => envelope(gzipSync(message), 1),
      { 'grpc-encoding': 'gzip', 'grpc-accept-encoding': 'identity' },
    ],
    ['Connect', envelope, { 'content-type': 'application/gRPC' }],
  ];
  const types = ways.map(([, , fields]) => Object.entries({ 'content-type': 'application/grpc', ...fields }).flat());
  assert.deepEqual(
    types.map((headers) => isPlainGrpc({ ...CALL, headers })),
    [true, true, false, false],
  );
  for (const { name, message, fields, status, onlyStream } of cases) {
    for (const method of onlyStream ? ['ExecuteStream'] : ['Execute', 'ExecuteStream']) {
      const codec: AnyCodec = method === 'Execute' ? executeReplyCodec : executeEventCodec;
      const [first, ...others] = await Promise.all(
        ways.map(([, body, more]) => outcome(host, method, body(message), { ...fields, ...more }, codec)),
      );
      const what = `${method}: ${name}`;
      assert.equal(first?.status, status, what);
      assert.deepEqual(first?.metadata['outrider-contract'], '1.0', what);
      if (status !== 0) assert.ok(first?.error, what);
      others.forEach((other, i) => assert.deepEqual(other, first, `${what}, ${ways[i + 1]?.[0]}`));
    }
  }
  for (const [method, message, codec, status] of [
    ['GetAgent', getAgentRequestCodec.encode({ agent_id: 'echo' }), agentInfoCodec, 0],
    ['GetAgent', getAgentRequestCodec.encode({ agent_id: 'nobody' }), agentInfoCodec, 5],
    ['GetJob', getJobRequestCodec.encode({ agent_id: 'echo', job_id: 'none' }), errorCodec, 5],
    ['RemoveAgent', getAgentRequestCodec.encode({ agent_id: 'echo' }), errorCodec, 7],
  ] as [string, Uint8Array, AnyCodec, number][]) {
    const [first, ...others] = await Promise.all(
      ways.map(([, body, more]) => outcome(host, method, body(message), more, codec)),
    );
    assert.equal(first?.status, status, method);
    for (const other of others) assert.deepEqual(other, first, method);
  }
});

const CALL = { method: 'POST', target: '/', body: null, signal: new AbortController().signal, http2: true };

test('what is framed wrongly has the same status on both ways, and nothing of it is run', async (t) => {
  const host = await servedHost(agents(), { maxBodyBytes: 100_000 });
  t.after(() => host.close());
  const message = request('echo');
  const good = envelope(message);
  // Connect takes bytes that are no message for a fault of its own.
  const bodies: [string, Buffer, number, number?][] = [
    ['nothing', Buffer.alloc(0), 12],
    ['half a head', good.subarray(0, 3), 3],
    ['a cut message', good.subarray(0, 9), 3],
    ['two messages', Buffer.concat([good, good]), 12],
    ['a second one that is empty', Buffer.concat([good, envelope(Buffer.alloc(0))]), 12],
    ['a second one that is cut', Buffer.concat([good, good.subarray(0, 8)]), 3],
    ['bytes behind it', Buffer.concat([good, Buffer.from([1, 2])]), 3],
    ['compressed, but not said how', envelope(gzipSync(message), 1), 13],
    ['announced as too large', envelope(message, 0, 0xffff_ffff), 8],
    ['garbage', envelope(Buffer.from([0xff, 0xff, 0xff])), 3, 13],
    ['invalid UTF-8', envelope(Buffer.from([0x12, 0x02, 0xc3, 0x28])), 3, 13],
  ];
  for (const [name, body, status, through = status] of bodies) {
    for (const method of ['Execute', 'ExecuteStream']) {
      const seen: number[] = [];
      for (const type of ['application/grpc', 'application/gRPC']) {
        const { headers, trailers } = await unary(host, method, body, { 'content-type': type });
        seen.push(Number({ ...headers, ...trailers }['grpc-status']));
      }
      assert.deepEqual(seen, [status, through], `${method}: ${name}`);
    }
  }
  assert.equal(host.runs.length, 0);
});

test('empty parts by the hundred thousand are refused before they are decoded, in every coding and protocol', async (t) => {
  const host = await servedHost(agents());
  t.after(() => host.close());
  // Two bytes each, which take a hundred times as much in memory.
  const many = Buffer.concat([request('echo'), Buffer.from('2200'.repeat(4_000_000), 'hex')]);
  const zipped = gzipSync(many);
  const good = envelope(request('echo'));
  const gzip = { 'grpc-encoding': 'gzip' };
  const cases: [string, Buffer, Record<string, string>, string?][] = [
    ['gRPC', envelope(many), {}],
    ['gRPC through Connect', envelope(many), { 'content-type': 'application/gRPC' }],
    ['gRPC, gzip', envelope(zipped, 1), gzip],
    ['gRPC-Web', envelope(many), { 'content-type': 'application/grpc-web+proto' }],
    ['gRPC-Web, gzip', envelope(zipped, 1), { 'content-type': 'application/grpc-web+proto', ...gzip }],
    ['Connect', many, { 'content-type': 'application/proto' }],
    ['Connect, gzip', zipped, { 'content-type': 'application/proto', 'content-encoding': 'gzip' }],
    ['Connect streaming', envelope(many), { 'content-type': 'application/connect+proto' }, 'ExecuteStream'],
    [
      'Connect streaming, gzip',
      envelope(zipped, 1),
      { 'content-type': 'application/connect+proto', 'connect-content-encoding': 'gzip' },
      'ExecuteStream',
    ],
    ['behind another message', Buffer.concat([good, envelope(many)]), { 'content-type': 'application/gRPC' }],
    ['behind another message, gzip', Buffer.concat([good, envelope(zipped, 1)]), gzip],
  ];
  for (const [name, body, fields, method = 'Execute'] of cases) {
    const before = process.memoryUsage().heapUsed;
    const { headers, trailers, body: reply } = await unary(host, method, body, fields);
    const grown = process.memoryUsage().heapUsed - before;
    const said = `${JSON.stringify({ ...headers, ...trailers })} ${reply.toString('latin1')}`;
    if (name.startsWith('behind')) assert.match(said, /"grpc-status":"12"/, name);
    else assert.match(said, /made(?: |%20)of(?: |%20)more(?: |%20)than(?: |%20)500000/, `${name}: ${said}`);
    assert.ok(grown < 100e6, `${name}: ${grown}`);
  }
  assert.equal(host.runs.length, 0);
});
