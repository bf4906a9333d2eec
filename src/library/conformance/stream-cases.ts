import { deepEqual, equal, ok } from 'node:assert/strict';
import type { ExecuteRequest } from '../../contract/messages.ts';
import { type Case, failure, newKey, readAll, type Subject, seenUntil, sleep } from './subject.ts';

export const streamCases: readonly Case[] = [
  {
    name: 'a stream gives its pieces in order, and the reply last',
    async run(subject) {
      const pieces = Array.from({ length: 200 }, (_, i) => `piece ${i} `);
      const { text, done } = await readAll((await subject.agent('conformance-pieces')).stream(withPieces(pieces)));
      equal(text, pieces.join(''));
      equal(done?.output, text);
      equal(done?.stop_reason, 'completed');
    },
  },
  {
    name: 'a stream without a piece ends with its reply',
    async run(subject) {
      const { text, done } = await readAll((await subject.agent('conformance-pieces')).stream(withPieces([])));
      equal(text, '');
      equal(done?.output, '');
    },
  },
  {
    name: 'characters that the agent splits come whole',
    async run(subject) {
      const pieces = ['a', [0xd83d], [0xde42, 0xd83d], [0xde42], 'b'];
      const { text, done } = await readAll((await subject.agent('conformance-pieces')).stream(withPieces(pieces)));
      equal(text, 'a🙂🙂b');
      equal(done?.output, 'a🙂🙂b');
    },
  },
  {
    name: 'half a character becomes U+FFFD',
    async run(subject) {
      const { text, done } = await readAll(
        (await subject.agent('conformance-pieces')).stream(withPieces([[0xde42], 'x', [0xd83d]])),
      );
      equal(text, '\ufffdx\ufffd');
      equal(done?.output, text);
    },
  },
  {
    name: 'the last event is the reply that execute gives',
    async run(subject) {
      const done = {
        output: 'of its own',
        token_count: 7,
        loop_count: 2,
        stop_reason: 'stop_word',
        execution_time_ms: 3,
      };
      const request = withPieces(['a', 'b'], done);
      const agent = await subject.agent('conformance-pieces');
      const streamed = await readAll(agent.stream(request));
      deepEqual(streamed.chunks.join(''), 'ab');
      deepEqual(streamed.done, await agent.execute(request));
      deepEqual(pick(streamed.done, Object.keys(done)), done);
    },
  },
  {
    name: 'an agent without streams is one piece',
    async run(subject) {
      const { text, done } = await readAll((await subject.agent('conformance-echo')).stream({ input: 'whole' }));
      equal(text, 'whole');
      equal(done?.output, 'whole');
    },
  },
  {
    name: 'an error in mid-stream comes after the pieces before it',
    async run(subject) {
      const context = { after: 3, error: { code: 'conflict', message: 'no further' } };
      const events = (await subject.agent('conformance-error')).stream({ input: 'x', context });
      const chunks: string[] = [];
      const error = await failure(
        (async () => {
          for await (const event of events) if (event.chunk !== undefined) chunks.push(event.chunk.text);
        })(),
      );
      deepEqual(chunks, ['chunk 0', 'chunk 1', 'chunk 2']);
      equal(error.code, 'conflict');
      equal(error.message, 'no further');
    },
  },
  {
    name: 'streams at once keep apart',
    async run(subject) {
      const agent = await subject.agent('conformance-pieces');
      const runs = Array.from({ length: 20 }, (_, i) => Array.from({ length: 20 }, (_, j) => `${i}.${j} `));
      const texts = await Promise.all(
        runs.map(async (pieces) => (await readAll(agent.stream(withPieces(pieces)))).text),
      );
      deepEqual(
        texts,
        runs.map((pieces) => pieces.join('')),
      );
    },
  },
  {
    name: 'leaving a stream breaks off the run',
    async run(subject) {
      const key = newKey();
      const agent = await subject.agent('conformance-wait');
      for await (const event of agent.stream({ input: 'x', metadata: { key } })) {
        equal(event.chunk?.text, 'started');
        break;
      }
      await seenUntil(subject, key, ({ started, aborted }) => !started || aborted === 'cancelled');
    },
  },
  {
    name: 'leaving a stream that waits for its next event breaks off the run',
    async run(subject) {
      const key = newKey();
      const agent = await subject.agent('conformance-wait');
      const events = agent.stream({ input: 'x', metadata: { key } })[Symbol.asyncIterator]();
      await events.next();
      const waiting = events.next();
      await seenUntil(subject, key, ({ started }) => started);
      await events.return?.();
      equal((await waiting).done, true);
      await seenUntil(subject, key, ({ aborted }) => aborted === 'cancelled');
    },
  },
  {
    name: 'a slow reader slows the agent, and nothing is lost',
    feature: 'backpressure',
    async run(subject) {
      const key = newKey();
      const agent = await subject.agent('conformance-endless');
      let read = 0;
      for await (const event of agent.stream({ input: 'x', metadata: { key } })) {
        equal(event.chunk?.text.length, 65_536);
        if (++read > 1) break;
        const before = (await settled(subject, key)).chunks;
        // Buffers on the way hold some; an agent that nobody holds back would have made thousands.
        ok(before < 1_000, `the agent made ${before} chunks for a reader that took one`);
      }
      await seenUntil(subject, key, ({ aborted }) => aborted === 'cancelled');
    },
  },
];

/** The count once it no longer grows. */
async function settled(subject: Subject, key: string): Promise<{ chunks: number }> {
  let last = await seenUntil(subject, key, ({ started }) => started);
  for (let i = 0; i < 50; i++) {
    await sleep(50);
    const now = await seenUntil(subject, key, () => true);
    if (now.chunks === last.chunks) return now;
    last = now;
  }
  return last;
}

function withPieces(pieces: readonly (string | number[])[], done?: object): ExecuteRequest {
  // Both are JSON, as everything in a context is.
  const context = { pieces, ...(done && { done }) } as unknown as NonNullable<ExecuteRequest['context']>;
  return { input: 'x', context };
}

function pick(value: object | undefined, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value ?? {}).filter(([name]) => names.includes(name)));
}
