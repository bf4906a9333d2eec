import { equal, ok } from 'node:assert/strict';
import type { CallOptions } from '../../agent/agent.ts';
import { AgentError } from '../../contract/agent-error.ts';
import type { ExecuteRequest } from '../../contract/messages.ts';
import { type Case, failure, newKey, readAll, type Subject, seenUntil, sleep } from './subject.ts';

/** Long enough for a request to arrive on a busy machine. */
const SOON_MS = 400;

const cutShort: readonly (readonly [how: string, request: object, options: () => CallOptions])[] = [
  ['timeout_seconds', { timeout_seconds: SOON_MS / 1000 }, () => ({})],
  ['a deadline', {}, () => ({ deadline: performance.now() + SOON_MS })],
  ['the nearer of both', { timeout_seconds: 60 }, () => ({ deadline: performance.now() + SOON_MS })],
];

export const endingCases: readonly Case[] = [
  ...cutShort.flatMap(([how, members, options]) =>
    [false, true].map(
      (stubborn): Case => ({
        name: `${how} ends a run${stubborn ? ' that does not look at its signal' : ''}`,
        async run(subject) {
          for (const call of [execute, stream]) {
            const key = newKey();
            const startedAt = performance.now();
            const request = { input: 'x', metadata: { key }, context: { stubborn }, ...members };
            const error = await failure(call(subject, request, options()));
            equal(error.code, 'timeout');
            equal(error.retryable, true);
            const took = performance.now() - startedAt;
            ok(took >= SOON_MS - 5, `after ${took} ms`);
            ok(took < SOON_MS + 5_000, `only after ${took} ms`);
            await seenUntil(subject, key, ({ started, aborted }) => !started || aborted !== undefined);
          }
        },
      }),
    ),
  ),
  {
    name: 'the agent knows how long its caller waits, and it is less with each hop',
    async run(subject) {
      const agent = await subject.agent('conformance-echo');
      const deadline = performance.now() + 20_000;
      await sleep(50);
      const reply = await agent.execute({ input: 'x', timeout_seconds: 3_600 }, { deadline });
      const { leftMs } = JSON.parse(reply.metadata?.['context'] ?? '{}');
      ok(leftMs > 0 && leftMs <= 19_951, `${leftMs} ms left`);
    },
  },
  {
    name: 'a deadline that has passed is not waited for',
    async run(subject) {
      const key = newKey();
      const options = { deadline: performance.now() - 1 };
      for (const call of [execute, stream]) {
        equal((await failure(call(subject, { input: 'x', metadata: { key } }, options))).code, 'timeout');
      }
      ok(!(await seenUntil(subject, key, () => true)).started);
    },
  },
  {
    name: 'cancelling breaks off the run, and is answered at once',
    async run(subject) {
      for (const stubborn of [false, true]) {
        for (const call of [execute, stream]) {
          const key = newKey();
          const controller = new AbortController();
          const request = { input: 'x', metadata: { key }, context: { stubborn } };
          const error = failure(call(subject, request, { signal: controller.signal }));
          await seenUntil(subject, key, ({ started }) => started);
          controller.abort();
          equal((await error).code, 'cancelled');
          equal((await error).retryable, false);
          equal((await seenUntil(subject, key, ({ aborted }) => aborted !== undefined)).aborted, 'cancelled');
        }
      }
    },
  },
  {
    name: 'a signal that has aborted already runs nothing',
    async run(subject) {
      const key = newKey();
      for (const call of [execute, stream]) {
        const error = await failure(call(subject, { input: 'x', metadata: { key } }, { signal: AbortSignal.abort() }));
        equal(error.code, 'cancelled');
      }
      ok(!(await seenUntil(subject, key, () => true)).started);
    },
  },
  {
    name: 'the reason of a signal is the error, when it is one for callers',
    async run(subject) {
      const signal = AbortSignal.abort(new AgentError('draining', 'we close'));
      equal((await failure(execute(subject, { input: 'x' }, { signal }))).message, 'we close');
    },
  },
  {
    name: 'a call that went well leaves nothing at its signal',
    async run(subject) {
      const controller = new AbortController();
      let listeners = 0;
      const { signal } = controller;
      const add = signal.addEventListener.bind(signal);
      const remove = signal.removeEventListener.bind(signal);
      // Both have overloads that this need not repeat.
      Object.assign(signal, {
        addEventListener: (...args: Parameters<typeof add>) => (listeners++, add(...args)),
        removeEventListener: (...args: Parameters<typeof remove>) => (listeners--, remove(...args)),
      });
      const agent = await subject.agent('conformance-echo');
      for (let i = 0; i < 5; i++) {
        await agent.execute({ input: 'x' }, { signal });
        await readAll(agent.stream({ input: 'x' }, { signal }));
      }
      ok(listeners <= 0, `${listeners} listeners are left`);
    },
  },
];

async function execute(subject: Subject, request: ExecuteRequest, options: CallOptions): Promise<unknown> {
  return (await subject.agent('conformance-wait')).execute(request, options);
}

async function stream(subject: Subject, request: ExecuteRequest, options: CallOptions): Promise<unknown> {
  return readAll((await subject.agent('conformance-wait')).stream(request, options));
}
