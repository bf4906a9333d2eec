import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Call, Reply } from './call.ts';
import { type Layer, Stack, UNCHANGED } from './stack.ts';

const call: Call = { method: 'GET', target: '/', headers: [], body: null, signal: new AbortController().signal };
const ok: Reply = { status: 200, headers: [], body: null };

test('layers run outermost first and hand inward what they give', async () => {
  const seen: string[] = [];
  const outer: Layer<Call, { who: string }> = async (_call, next) => {
    seen.push('outer in');
    const reply = await next({ who: 'ada' });
    seen.push('outer out');
    return reply;
  };
  const inner: Layer<Call & { who: string }> = (call, next) => {
    seen.push(`inner ${call.who}`);
    return next(UNCHANGED);
  };
  const service = Stack.empty()
    .add(outer)
    .add(inner)
    .serve(async (call) => {
      seen.push(`service ${call.who} ${call.target}`);
      return ok;
    });
  assert.equal(await service(call), ok);
  assert.deepEqual(seen, ['outer in', 'inner ada', 'service ada /', 'outer out']);

  // @ts-expect-error a layer that needs `who` cannot stand before the one that gives it
  Stack.empty().add(inner);
});

test('an unchanged call is handed on without a copy', async () => {
  const passThrough: Layer = (_call, next) => next(UNCHANGED);
  const service = Stack.empty()
    .add(passThrough)
    .serve(async (received) => {
      assert.equal(received, call);
      return ok;
    });
  await service(call);
});

test('a layer may answer without going inward', async () => {
  const refuse: Layer = async () => ({ ...ok, status: 401 });
  const service = Stack.empty()
    .add(refuse)
    .serve(() => assert.fail('reached the service'));
  assert.equal((await service(call)).status, 401);
});
