import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OutriderError } from '../errors.ts';
import * as ours from './agent-error.ts';

const { AgentError, toAgentError } = ours;

test('a code that is not known has the status it came with, when that is one of errors', () => {
  assert.equal(new AgentError('budget_exceeded', '', { status: 402 }).status, 402);
  for (const status of [undefined, 200, 302, 600, 402.5, Number.NaN]) {
    assert.equal(new AgentError('budget_exceeded', '', status === undefined ? {} : { status }).status, 502);
  }
  assert.equal(new AgentError('not_found', '', { status: 500 }).status, 404);
  assert.equal(new AgentError('constructor', '').status, 502);
  assert.equal(new AgentError('__proto__', '').retryable, false);
});

test('what is said of retryability goes before what the code says', () => {
  assert.equal(new AgentError('agent_failed', '', { retryable: true }).retryable, true);
  assert.equal(new AgentError('timeout', '', { retryable: false }).retryable, false);
});

test('an error of ours keeps what it says', () => {
  const cause = new Error('inner');
  const error = toAgentError(
    new OutriderError('rate_limited', 'slow down', { cause, retryAfter: 3, details: { a: 1 } }),
  );
  assert.deepEqual(
    [error.code, error.message, error.retryAfter, error.details, error.status, error.retryable],
    ['rate_limited', 'slow down', 3, { a: 1 }, 429, true],
  );
  assert.equal(error.cause, cause);
});

test('of anything else nothing is said', () => {
  for (const thrown of [new Error('secret'), 'secret', null, undefined, { code: 'not_found', message: 'secret' }]) {
    const error = toAgentError(thrown);
    assert.deepEqual([error.code, error.message, error.details], ['agent_failed', 'the agent failed', undefined]);
    assert.equal(error.cause, thrown === undefined ? undefined : thrown);
  }
});

test('the error of another copy of this module is one too, and is made ours', async () => {
  const url = new URL('agent-error.ts?copy', import.meta.url).href;
  // The same file under another name is the same module once more.
  const copy = (await import(url)) as typeof ours;
  assert.notEqual(copy.AgentError, AgentError);
  const theirs = new copy.AgentError('conflict', 'taken', {
    retryable: true,
    retryAfter: 2,
    details: { a: 1 },
    cause: new copy.AgentError('x', 'y'),
  });
  assert.ok(theirs instanceof AgentError);
  assert.ok(theirs.cause instanceof AgentError);
  const made = toAgentError(theirs);
  assert.equal(Object.getPrototypeOf(made), AgentError.prototype);
  assert.deepEqual(
    [made.code, made.message, made.retryable, made.retryAfter, made.details, made.status, made.cause],
    ['conflict', 'taken', true, 2, { a: 1 }, 409, theirs.cause],
  );
});

test('a class that is made of it tells its own from others', () => {
  class Special extends AgentError {}
  assert.ok(new Special('x', 'y') instanceof AgentError);
  assert.ok(new Special('x', 'y') instanceof Special);
  assert.equal(new AgentError('x', 'y') instanceof Special, false);
  const special = new Special('x', 'y');
  assert.equal(toAgentError(special), special);
});

test('what only looks like one, and fails when it is looked at, is none', () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  assert.equal(toAgentError(proxy).code, 'agent_failed');
});
