import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { executeRequestCodec } from '../contract/codec.ts';
import type { ExecuteRequest } from '../contract/messages.ts';
import { fingerprint } from './fingerprint.ts';

const request: ExecuteRequest = {
  input: 'hello',
  context: { a: 1, b: [true, null, '', {}], '10': 'ten', '9': 'nine' },
  parts: [{ text: 'x', media_type: 'text/plain' }, { json: { empty: '' } }],
  metadata: { tenant: 'one', none: '' },
  session_id: 's',
};

test('the order of members, what is empty, the time a caller waits and the way it came change nothing', () => {
  const same: ExecuteRequest[] = [
    structuredClone(request),
    { ...request, timeout_seconds: 3, idempotency_key: 'k', agent_id: 'a' },
    executeRequestCodec.decode(executeRequestCodec.encode(request)),
    {
      session_id: 's',
      metadata: { none: '', tenant: 'one' },
      parts: [
        { media_type: 'text/plain', text: 'x', name: '' },
        { json: { empty: '' }, media_type: '' },
      ],
      context: { '9': 'nine', '10': 'ten', b: [true, null, '', {}], a: 1 },
      input: 'hello',
    },
  ];
  for (const other of same) assert.equal(fingerprint(other), fingerprint(request));
  assert.equal(fingerprint({ input: 'x' }), fingerprint({ input: 'x', parts: [], context: {}, session_id: '' }));
});

test('whatever else is different is another request', () => {
  const others: ExecuteRequest[] = [
    { ...request, input: 'hello ' },
    { ...request, context: { ...request.context, a: '1' } },
    { ...request, context: { ...request.context, b: [true, null, {}, ''] } },
    { ...request, parts: request.parts?.toReversed() ?? [] },
    { ...request, metadata: { tenant: 'two', none: '' } },
    { ...request, session_id: 't' },
    { ...request, later_member: 1 } as ExecuteRequest,
    { input: '', context: { input: 'hello' } },
  ];
  const all = [request, ...others].map(fingerprint);
  assert.equal(new Set(all).size, all.length);
  for (const one of all) assert.match(one, /^[\w-]{43}$/);
});

test('two contexts have the same hash when they are the same, and else not', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 3 }), fc.jsonValue({ maxDepth: 3 }), (a, b) => {
      const of = (value: fc.JsonValue): string => fingerprint({ input: 'x', context: { value } } as ExecuteRequest);
      const [left, right] = [JSON.parse(JSON.stringify(a)), JSON.parse(JSON.stringify(b))];
      let same = true;
      try {
        assert.deepEqual(left, right);
      } catch {
        same = false;
      }
      assert.equal(of(left) === of(right), same);
      assert.equal(of(left), of(structuredClone(left)));
    }),
  );
});
