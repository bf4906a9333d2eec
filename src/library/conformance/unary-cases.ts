import { deepEqual, equal, ok } from 'node:assert/strict';
import type { ExecuteReply, ExecuteRequest } from '../../contract/messages.ts';
import { type Case, failure, newKey, type Subject } from './subject.ts';

const UNICODE = 'grüße 你好 🤷🏽‍♀️ \u0000 \u2028 \ufeff e\u0301 "\\\n';

const FULL_REQUEST: ExecuteRequest = {
  input: 'all of it',
  timeout_seconds: 30.5,
  session_id: 'session-1',
  context: { nested: { list: [1, 2.5, 'three', null, true, { four: [] }] }, empty: {} },
  metadata: { team: 'blue', 'with space': 'grün' },
  parts: [
    { text: 'a text', media_type: 'text/plain', name: 'note.txt' },
    { data: Buffer.from([0, 1, 2, 253, 254, 255]).toString('base64'), media_type: 'application/octet-stream' },
    { url: 'https://example.com/cat.png', media_type: 'image/png' },
    { json: { rows: [[1, 'two'], []] }, media_type: 'application/json' },
  ],
};

const FULL_REPLY: ExecuteReply = {
  output: 'done',
  token_count: 4_294_967_295,
  execution_time_ms: 12,
  loop_count: 3,
  stop_reason: 'max_loops',
  session_id: 'session-2',
  metadata: { cache: 'hit' },
  artifacts: [
    {
      name: 'table',
      description: 'what was found',
      parts: [{ json: { rows: [1, 2] } }, { data: Buffer.from('ÿþ').toString('base64') }],
    },
  ],
  usage: [
    {
      model: 'model-1',
      provider: 'provider-1',
      input_tokens: 10,
      output_tokens: 20,
      cached_input_tokens: 5,
      reasoning_tokens: 7,
      cost_usd: 0.0123,
    },
    { model: 'model-2', input_tokens: 0, output_tokens: 0 },
  ],
};

export const unaryCases: readonly Case[] = [
  {
    name: 'an input alone gives an output, with every member of a reply',
    async run(subject) {
      const reply = await (await subject.agent('conformance-echo')).execute({ input: 'hello' });
      equal(reply.output, 'hello');
      equal(reply.token_count, 0);
      equal(reply.loop_count, 0);
      equal(reply.stop_reason, 'completed');
      ok(Number.isInteger(reply.execution_time_ms) && reply.execution_time_ms >= 0);
    },
  },
  {
    name: 'any text comes back as it went',
    async run(subject) {
      const agent = await subject.agent('conformance-echo');
      for (const input of [UNICODE, ' ', '\u0000', 'x'.repeat(100_000), '🙂'.repeat(20_000)]) {
        equal((await agent.execute({ input })).output, input);
      }
    },
  },
  {
    name: 'every member of a request reaches the agent',
    async run(subject) {
      const sent = structuredClone(FULL_REQUEST);
      const got = await echoed(subject, FULL_REQUEST);
      deepEqual(FULL_REQUEST, sent, 'the request of the caller has been changed');
      for (const [name, value] of Object.entries(sent)) deepEqual(got[name as keyof ExecuteRequest], value, name);
    },
  },
  {
    name: 'parts alone will do',
    async run(subject) {
      const got = await echoed(subject, { input: '', parts: [{ text: 'only this' }] });
      equal(got.input, '');
      deepEqual(got.parts, [{ text: 'only this' }]);
    },
  },
  {
    name: 'every member of a reply reaches the caller',
    async run(subject) {
      const reply = await replied(subject, FULL_REPLY);
      for (const [name, value] of Object.entries(FULL_REPLY)) deepEqual(reply[name as keyof ExecuteReply], value, name);
    },
  },
  {
    name: 'members that came later are no fault',
    async run(subject) {
      const request = { input: 'x', member_of_2031: { a: [1] }, context: { reply: { output: 'y', other_of_2031: 1 } } };
      equal((await (await subject.agent('conformance-reply')).execute(request)).output, 'y');
    },
  },
  {
    name: 'a reason to stop that came later passes',
    async run(subject) {
      equal(
        (await replied(subject, { output: 'x', stop_reason: 'ran_out_of_coffee' })).stop_reason,
        'ran_out_of_coffee',
      );
    },
  },
  {
    name: 'an empty output is an output',
    async run(subject) {
      equal((await replied(subject, { output: '' })).output, '');
    },
  },
  {
    name: 'an output of a megabyte comes whole',
    async run(subject) {
      const { output } = await (await subject.agent('conformance-large')).execute({ input: '524288' });
      equal(output.length, 524_288);
      equal(output, 'ä'.repeat(524_288));
    },
  },
  {
    name: 'calls at once keep apart',
    async run(subject) {
      const agent = await subject.agent('conformance-echo');
      const inputs = Array.from({ length: 50 }, (_, i) => `call ${i}`);
      const replies = await Promise.all(inputs.map((input) => agent.execute({ input })));
      deepEqual(
        replies.map(({ output }) => output),
        inputs,
      );
    },
  },
  {
    name: 'the trace goes on at the agent',
    feature: 'trace',
    async run(subject) {
      const traceId = '0af7651916cd43dd8448eb211c80319c';
      const trace = { traceparent: `00-${traceId}-b7ad6b7169203331-01`, tracestate: 'vendor=1' };
      const { metadata } = await (await subject.agent('conformance-echo')).execute({ input: 'x' }, { trace });
      equal(JSON.parse(metadata?.['context'] ?? '{}').trace?.traceparent?.split('-')[1], traceId);
    },
  },
  {
    name: 'a key runs once, and is answered again with the first result',
    feature: 'idempotency',
    async run(subject) {
      const agent = await subject.agent('conformance-count');
      const request = { input: newKey(), idempotency_key: newKey() };
      equal((await agent.execute(request)).output, '1');
      equal((await agent.execute(request)).output, '1');
      equal((await agent.execute({ input: request.input })).output, '2');
      equal((await failure(agent.execute({ ...request, input: 'another' }))).code, 'conflict');
    },
  },
];

async function echoed(subject: Subject, request: ExecuteRequest): Promise<ExecuteRequest> {
  const { metadata } = await (await subject.agent('conformance-echo')).execute(request);
  // What `conformance-echo` puts there.
  return JSON.parse(metadata?.['request'] ?? '{}') as ExecuteRequest;
}

async function replied(subject: Subject, reply: Partial<ExecuteReply>): Promise<ExecuteReply> {
  // A reply is JSON, as everything in a context is.
  const context = { reply } as unknown as NonNullable<ExecuteRequest['context']>;
  return (await subject.agent('conformance-reply')).execute({ input: 'x', context });
}
