import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AgentError } from './agent-error.ts';
import { errorCodec } from './codec.ts';
import { errorFromJson, errorToJson } from './error-wire.ts';

/** What callers see of an error, with its causes. */
function facts(error: AgentError): unknown[] {
  const { code, message, retryable, retryAfter, details, status, cause } = error;
  return [code, message, retryable, retryAfter, details, status, cause instanceof AgentError ? facts(cause) : cause];
}

test('code, message, retryability, details and the causes that are for callers come over', () => {
  const error = new AgentError('agent_failed', 'no luck', {
    retryable: true,
    retryAfter: 2.5,
    details: { a: [1, { b: null }] },
    cause: new AgentError('unreachable', 'the model is away', { cause: new AgentError('timeout', 'too slow') }),
  });
  const json = errorToJson(error);
  assert.deepEqual(json, {
    code: 'agent_failed',
    message: 'no luck',
    details: {
      a: [1, { b: null }],
      retryable: true,
      retry_after_seconds: 3,
      cause: { code: 'unreachable', message: 'the model is away', cause: { code: 'timeout', message: 'too slow' } },
    },
  });
  assert.deepEqual(errorCodec.check(json), json);
  const back = errorFromJson(JSON.parse(JSON.stringify(json)));
  assert.deepEqual(
    [back.code, back.message, back.retryable, back.retryAfter, back.details],
    ['agent_failed', 'no luck', true, 3, { a: [1, { b: null }] }],
  );
  assert.deepEqual(facts(errorFromJson(errorToJson(back))), facts(back));
});

test('a cause that was not made for callers stays here', () => {
  const secret = 'postgres://user:pass@db';
  const error = new AgentError('agent_failed', 'no luck', {
    cause: Object.assign(new Error(secret), { cause: new AgentError('x', secret) }),
  });
  assert.ok(!JSON.stringify(errorToJson(error)).includes(secret));
});

test('causes that go in a circle or on and on are cut off', () => {
  const round: { cause?: unknown } & AgentError = new AgentError('a', 'round');
  round.cause = round;
  let long = new AgentError('a', 'first');
  for (let i = 0; i < 100_000; i++) long = new AgentError('a', 'next', { cause: long });
  for (const error of [round, long]) {
    let depth = 0;
    let at: unknown = errorToJson(error).details['cause'];
    for (; at !== undefined; depth++) at = (at as { cause?: unknown }).cause;
    assert.equal(depth, 8);
  }
  let sent: unknown = { code: 'a', message: 'b' };
  for (let i = 0; i < 1_000; i++) sent = { code: 'a', message: 'b', cause: sent };
  let read = 0;
  for (
    let at: unknown = errorFromJson({ code: 'a', message: 'b', details: { cause: sent } });
    at instanceof Error;
    read++
  ) {
    at = at.cause;
  }
  assert.equal(read, 9);
});

test('whatever an agent puts into its details, the reply can be made', () => {
  const round: Record<string, unknown> = { keeps: 1 };
  round['again'] = round;
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  const details = {
    big: 1n,
    call: () => 1,
    symbol: Symbol('x'),
    nothing: undefined,
    nan: Number.NaN,
    half: '\ud800',
    date: new Date(0),
    get trap(): string {
      throw new Error('trap');
    },
    toJSON(): never {
      throw new Error('toJSON');
    },
    proxy,
    inside: { proxy: [proxy, 1] },
    huge: 'x'.repeat(100_000),
    many: Array.from({ length: 5_000 }, (_, i) => i),
    never: 'behind all that fits',
    round: undefined,
  };
  const json = errorToJson(
    new AgentError('x', 'y', { details: { deep: round, ...withoutTrap(details), trapped: details } }),
  );
  const text = JSON.stringify(json);
  assert.ok(text.length < 20_000, String(text.length));
  assert.equal(errorCodec.check(json), json);
  assert.ok(!text.includes('behind all that fits'));
  assert.ok(errorCodec.encode(json).length > 0);
  const { half, date, inside } = json.details as Record<string, unknown>;
  assert.deepEqual([half, date, inside], ['\ufffd', {}, { proxy: [1] }]);
  assert.deepEqual(errorToJson(new AgentError('x', 'y', { details: proxy })).details, { retryable: false });
});

function withoutTrap(details: object): Record<string, unknown> {
  const { trap: _trap, ...rest } = Object.getOwnPropertyDescriptors(details) as Record<string, PropertyDescriptor>;
  return Object.defineProperties({}, rest);
}

test('members that the contract has are not the agent’s to write', () => {
  const details = { retryable: true, retry_after_seconds: 9, cause: { code: 'forged', message: 'forged' }, a: 1 };
  assert.deepEqual(errorToJson(new AgentError('not_found', 'm', { details })).details, { a: 1, retryable: false });
});

test('what a peer sends is read as far as it has its type', () => {
  for (const value of [
    undefined,
    null,
    'text',
    7,
    [],
    {},
    { code: 7, message: {}, details: 'x' },
    { code: '', message: '' },
  ]) {
    assert.deepEqual(facts(errorFromJson(value, 502)), [
      'agent_failed',
      'the agent failed',
      false,
      undefined,
      undefined,
      502,
      undefined,
    ]);
  }
  const hostile = errorFromJson({
    code: 'a\r\nSet-Cookie: x',
    message: 'm'.repeat(100_000),
    details: {
      retryable: 'yes',
      retry_after_seconds: -1,
      cause: { code: 1, message: 'x' },
      deep: JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`) as unknown,
    },
  });
  assert.deepEqual(
    [hostile.code, hostile.message.length, hostile.retryable, hostile.retryAfter, hostile.cause],
    ['agent_failed', 4_096, false, undefined, undefined],
  );
  assert.ok(JSON.stringify(hostile.details).length < 100);
});

test('a name like __proto__ in what a peer sends is a name like any other', () => {
  const error = errorFromJson(JSON.parse('{"code":"x","message":"y","details":{"__proto__":{"retryable":true}}}'));
  assert.equal(error.retryable, false);
  assert.equal(JSON.stringify(error.details), '{"__proto__":{"retryable":true}}');
  assert.equal('retryable' in {}, false);
});

test('a code that is not known keeps its name and the status it came with', () => {
  const error = errorFromJson({ code: 'budget_exceeded', message: 'no money left' }, 402);
  assert.deepEqual([error.code, error.status, error.retryable], ['budget_exceeded', 402, false]);
});
