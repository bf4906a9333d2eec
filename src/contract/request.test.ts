import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AgentError } from './agent-error.ts';
import type { Fault } from './faults.ts';
import { checkExecuteRequest, checkRegisterAgentRequest, completeReply, isAgentId } from './request.ts';

function refused(run: () => unknown): { code: string; faults: string[] } {
  try {
    run();
  } catch (thrown) {
    assert.ok(thrown instanceof AgentError);
    const faults = (thrown.details?.['faults'] ?? []) as Fault[];
    return { code: thrown.code, faults: faults.map(({ path, message }) => `${path}: ${message}`) };
  }
  return assert.fail('nothing was refused');
}

const NO_INPUT = { code: 'bad_request', faults: ['input: is missing, and there are no parts'] };

test('a request with input alone is handed back as it is', () => {
  const request = { input: 'hi' };
  assert.equal(checkExecuteRequest(request), request);
});

test('without input there are parts', () => {
  for (const request of [{}, { input: '' }, { parts: [] }, { input: '', parts: [] }, { input: undefined }]) {
    assert.deepEqual(
      refused(() => checkExecuteRequest(request)),
      NO_INPUT,
    );
  }
  assert.deepEqual(checkExecuteRequest({ parts: [{ text: 'a' }] }), { input: '', parts: [{ text: 'a' }] });
});

test('the time is more than nothing, and a number', () => {
  for (const timeout_seconds of [0, -0, -1]) {
    assert.deepEqual(
      refused(() => checkExecuteRequest({ input: 'hi', timeout_seconds })),
      {
        code: 'bad_request',
        faults: ['timeout_seconds: must be more than 0'],
      },
    );
  }
  for (const timeout_seconds of [Number.MIN_VALUE, 0.001, 30, 1e300]) {
    assert.equal(checkExecuteRequest({ input: 'hi', timeout_seconds }).timeout_seconds, timeout_seconds);
  }
});

test('keys and ids have their form', () => {
  for (const idempotency_key of ['a', ' ~!"', 'k'.repeat(128), ''])
    checkExecuteRequest({ input: 'hi', idempotency_key });
  for (const idempotency_key of ['ä', 'a\n', '\t', 'k'.repeat(129), '\x7f']) {
    assert.equal(refused(() => checkExecuteRequest({ input: 'hi', idempotency_key })).code, 'bad_request');
  }
  for (const id of ['a', '0', 'a.b_c-d', 'A'.repeat(128)]) {
    assert.ok(isAgentId(id));
    checkExecuteRequest({ input: 'hi', agent_id: id });
  }
  for (const id of ['.', '..', '-a', '_a', 'a/b', 'a b', 'ä', 'a\n', 'A'.repeat(129), '%2e']) {
    assert.equal(isAgentId(id), false, id);
    assert.equal(refused(() => checkExecuteRequest({ input: 'hi', agent_id: id })).code, 'bad_request');
  }
  assert.equal(isAgentId(''), false);
});

test('what a registration cannot be is told apart from what it must not say', () => {
  for (const value of [null, undefined, 7, [], { id: 7, url: 'http://a' }, { id: 'a', url: 'http://a', name: null }]) {
    assert.equal(refused(() => checkRegisterAgentRequest(value)).code, 'bad_request');
  }
  assert.deepEqual(
    refused(() => checkRegisterAgentRequest({ remote_id: '/' })),
    {
      code: 'unprocessable',
      faults: ['id: is missing', 'url: is missing', 'remote_id: must match ^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$'],
    },
  );
  for (const url of [
    'agent',
    '/agent',
    'ftp://agent',
    'javascript:alert(1)',
    'file:///etc/passwd',
    'http://',
    'unix:/a',
  ]) {
    assert.deepEqual(
      refused(() => checkRegisterAgentRequest({ id: 'a', url })),
      {
        code: 'unprocessable',
        faults: ['url: expected a URL that begins with http://, https://, grpc://, grpcs://'],
      },
    );
  }
  for (const url of ['http://agent', 'https://agent:8085/base', 'grpc://10.0.0.1:8085', 'grpcs://[::1]:8085']) {
    assert.deepEqual(checkRegisterAgentRequest({ id: 'a', url, newer: 1 }), { id: 'a', url, newer: 1 });
  }
});

test('a reply is made whole, and what the agent said of itself stays', () => {
  assert.deepEqual(completeReply({ output: 'x' }, 12.4), {
    output: 'x',
    token_count: 0,
    execution_time_ms: 12,
    loop_count: 0,
    stop_reason: 'completed',
  });
  const said = {
    output: 'x',
    execution_time_ms: 5.5,
    stop_reason: 'max_loops',
    usage: [{ model: 'm', input_tokens: 1 }],
    newer: 1,
  };
  assert.deepEqual(completeReply(said, 99), {
    ...said,
    execution_time_ms: 6,
    token_count: 0,
    loop_count: 0,
    usage: [{ model: 'm', input_tokens: 1, output_tokens: 0 }],
  });
  assert.equal(completeReply({ output: '' }, -1).execution_time_ms, 0);
  assert.equal(completeReply({ output: '' }, 1e12).execution_time_ms, 0xffff_ffff);
});

test('a reply of wrong types is none', () => {
  assert.equal(refused(() => completeReply({ output: 7 as never }, 1)).code, 'unreadable');
  assert.equal(refused(() => completeReply({} as never, 1)).code, 'unreadable');
});
