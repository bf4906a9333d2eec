import { deepEqual, equal, ok } from 'node:assert/strict';
import { AgentError } from '../../contract/agent-error.ts';
import type { ExecuteRequest } from '../../contract/messages.ts';
import { type Case, failure, readAll, type Subject } from './subject.ts';

/** Requests that fit no contract, whatever types say. */
const INVALID: readonly (readonly [what: string, request: unknown])[] = [
  ['nothing', undefined],
  ['null', null],
  ['a list', []],
  ['text', 'hello'],
  ['no input', {}],
  ['an empty input', { input: '' }],
  ['an input that is a number', { input: 1 }],
  ['an input that is null', { input: null }],
  ['no time at all', { input: 'x', timeout_seconds: 0 }],
  ['less than no time', { input: 'x', timeout_seconds: -1 }],
  ['a time that is text', { input: 'x', timeout_seconds: '30' }],
  ['a time that is no number', { input: 'x', timeout_seconds: Number.NaN }],
  ['parts that are no list', { input: 'x', parts: {} }],
  ['data that is not base64', { input: 'x', parts: [{ data: '%%%' }] }],
  ['metadata that is not text', { input: 'x', metadata: { a: 1 } }],
  ['a context that is a list', { input: 'x', context: [] }],
  ['an impossible key', { input: 'x', idempotency_key: 'ä' }],
  ['half a character', { input: '\ud83d' }],
];

export const failureCases: readonly Case[] = [
  {
    name: 'an error of the agent keeps code, message, details, retryability and causes',
    async run(subject) {
      const context = {
        error: {
          code: 'overloaded_by_rain',
          message: 'too wet — 🌧',
          details: { river: 'Elbe', levels: [1, 2.5] },
          retryable: true,
          retryAfter: 7,
          cause: { code: 'conflict', message: 'the middle', cause: { code: 'not_found', message: 'the bottom' } },
        },
      };
      for (const error of await both(subject, { input: 'x', context })) {
        equal(error.code, 'overloaded_by_rain');
        equal(error.message, 'too wet — 🌧');
        deepEqual({ ...error.details }, context.error.details);
        equal(error.retryable, true);
        equal(error.retryAfter, 7);
        ok(error.cause instanceof AgentError);
        equal(error.cause.code, 'conflict');
        ok(error.cause.cause instanceof AgentError);
        equal(error.cause.cause.message, 'the bottom');
      }
    },
  },
  {
    name: 'an error that can be retried by its code can be told not to be',
    async run(subject) {
      const context = { error: { code: 'timeout', message: 'for good', retryable: false } };
      for (const error of await both(subject, { input: 'x', context })) {
        equal(error.code, 'timeout');
        equal(error.retryable, false);
      }
    },
  },
  {
    name: 'of any other error callers learn that the agent failed',
    async run(subject) {
      for (const error of await both(subject, { input: 'x' })) {
        equal(error.code, 'agent_failed');
        ok(!error.message.includes('secret'), error.message);
        ok(!JSON.stringify(error.details ?? {}).includes('secret'));
      }
    },
  },
  {
    name: 'an agent that gives no reply has failed',
    async run(subject) {
      const agent = await subject.agent('conformance-reply');
      for (const reply of [null, 5, {}, { output: 7 }, { output: 'x', token_count: 'many' }]) {
        // On purpose none that fits.
        const request = { input: 'x', context: { reply } } as unknown as ExecuteRequest;
        equal((await failure(agent.execute(request))).code, 'agent_failed');
      }
    },
  },
  {
    name: 'a request that does not fit the contract is refused',
    async run(subject) {
      const agent = await subject.agent('conformance-echo');
      for (const [what, value] of INVALID) {
        // On purpose none that fits.
        const request = value as ExecuteRequest;
        equal((await failure(agent.execute(request))).code, 'bad_request', `execute: ${what}`);
        equal((await failure(readAll(agent.stream(request)))).code, 'bad_request', `stream: ${what}`);
      }
    },
  },
  {
    name: 'an agent that is not there is not found',
    feature: 'unknown-agent',
    async run(subject) {
      const agent = await subject.agent('conformance-nobody');
      for (const error of [
        await failure(agent.execute({ input: 'x' })),
        await failure(readAll(agent.stream({ input: 'x' }))),
      ]) {
        equal(error.code, 'not_found');
        equal(error.retryable, false);
      }
    },
  },
];

async function both(subject: Subject, request: ExecuteRequest): Promise<AgentError[]> {
  const agent = await subject.agent('conformance-error');
  return [await failure(agent.execute(request)), await failure(readAll(agent.stream(request)))];
}
