import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { OutriderError } from '../errors.ts';
import { createEngines } from '../guardrails/engine.ts';
import { inspectStream, type StreamInspector } from '../guardrails/stream.ts';
import { Tally } from '../guardrails/tally.ts';
import type { Unreadable } from '../guardrails/unreadable.ts';
import { Budget } from './body-budget.ts';
import { blockedError } from './guard-side.ts';
import { GuardedStream, type GuardedStreamOptions } from './guard-stream.ts';

const ENGINE = createEngines([{ name: 'no-bomb', type: 'keyword', pattern: 'bomb', action: 'block' }]).for('response');

/** A source that gives what is put in when it is asked, and tells what was asked of it. */
function tap() {
  const waiting: (Uint8Array | Error | 'end')[] = [];
  let wake: (() => void) | undefined;
  const state = { asked: 0, returned: 0 };
  const iterator: AsyncIterator<Uint8Array> = {
    async next() {
      state.asked++;
      while (waiting.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      const value = waiting.shift();
      if (value instanceof Error) throw value;
      return value === undefined || value === 'end' ? { done: true, value: undefined } : { done: false, value };
    },
    async return() {
      state.returned++;
      return { done: true, value: undefined };
    },
  };
  const put = (...values: (string | Error)[]): void => {
    for (const value of values) {
      waiting.push(value instanceof Error || value === 'end' ? value : Buffer.from(value));
    }
    wake?.();
  };
  return { source: { [Symbol.asyncIterator]: () => iterator }, put, state };
}

function guarded(
  source: AsyncIterable<Uint8Array>,
  options: Partial<GuardedStreamOptions> & { type?: string } = {},
): { stream: GuardedStream; tally: Tally; state: { ends: number }; next: () => Promise<string> } {
  const tally = new Tally();
  const state = { ends: 0 };
  const stream = new GuardedStream(source, {
    inspector: inspectStream(ENGINE, options.type ?? 'text/plain', tally, { limit: 100_000 }) ?? assert.fail(),
    tally,
    codings: [],
    limit: 100_000,
    holdMs: 60_000,
    onUnreadable: (reason) => assert.fail(reason),
    onEnd: () => state.ends++,
    blocked: () => blockedError(tally.blockedBy ?? ''),
    last: () => undefined,
    signal: new AbortController().signal,
    hold: new Budget(2 ** 20).hold(),
    ...options,
  });
  const next = async (): Promise<string> => {
    const { done, value } = await stream.next();
    return done ? 'done' : Buffer.from(value).toString();
  };
  return { stream, tally, state, next };
}

describe('a guarded stream', () => {
  test('gives what may leave, never an empty chunk, and asks its source once for each', async () => {
    const { source, put, state } = tap();
    const { next } = guarded(source);
    put('one. ', 'a@b', '.io', ' two. ', 'end');
    assert.equal(await next(), 'one. ');
    assert.equal(state.asked, 1);
    assert.equal(await next(), '[REDACTED-EMAIL] two. ');
    assert.equal(state.asked, 4);
    assert.equal(await next(), 'done');
    assert.equal(await next(), 'done');
  });

  test('what is held back is given at the end, and before the error of the source', async () => {
    for (const last of ['end', new OutriderError('unreachable', 'gone')]) {
      const { source, put } = tap();
      const { next, state } = guarded(source);
      put('one. two@b.io', last);
      assert.equal(await next(), 'one. ');
      assert.equal(await next(), '[REDACTED-EMAIL]');
      if (last === 'end') assert.equal(await next(), 'done');
      else await assert.rejects(next(), last as Error);
      assert.equal(state.ends, 1);
      assert.equal(await next(), 'done');
    }
  });

  test('after a pause, a word is given; what comes then is not lost', async () => {
    const { source, put } = tap();
    const { next } = guarded(source, { holdMs: 5 });
    put('word');
    assert.equal(await next(), 'word');
    const coming = next();
    put(' and ', 'end');
    assert.equal(await coming, ' and ');
    assert.equal(await next(), 'done');
  });

  test('a source that fails while a pause is waited out is not an unhandled rejection', async () => {
    const { source, put } = tap();
    const { stream, next } = guarded(source, { holdMs: 5 });
    put('word');
    assert.equal(await next(), 'word');
    put(new Error('gone'));
    await stream.return();
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  });

  test('a block gives the source up at once; what was decided before it leaves, then the last event, then nothing', async () => {
    const { source, put, state } = tap();
    const { next, state: own } = guarded(source, {
      last: ({ details }) => Buffer.from(`last ${String(details?.['rule'])}`),
    });
    put('before. ', 'a bomb. And', ' after', 'end');
    assert.equal(await next(), 'before. ');
    assert.equal(await next(), 'last no-bomb');
    assert.deepEqual([state.returned, state.asked, own.ends], [1, 2, 1]);
    assert.equal(await next(), 'done');
  });

  test('a block without a last event fails', async () => {
    const { source, put, state } = tap();
    const { next } = guarded(source);
    put('a bomb. And');
    await assert.rejects(next(), (error) => error instanceof OutriderError && error.code === 'blocked');
    assert.equal(state.returned, 1);
    assert.equal(await next(), 'done');
  });

  test('giving it up gives its source up, and is its end', async () => {
    const { source, put, state } = tap();
    const { stream, next, state: own } = guarded(source);
    put('one. two@');
    assert.equal(await next(), 'one. ');
    await stream.return();
    assert.deepEqual([state.returned, own.ends], [1, 1]);
    assert.equal(await next(), 'done');
    assert.equal(own.ends, 1);
  });

  test('a caller who leaves is its end already', async () => {
    const leaving = new AbortController();
    const { source } = tap();
    const { state, stream } = guarded(source, { signal: leaving.signal });
    leaving.abort();
    assert.equal(state.ends, 1);
    await stream.return();
    assert.equal(state.ends, 1);
  });

  test('each thing that cannot be read is told of once; what must not pass ends it', async () => {
    for (const passes of [true, false]) {
      const told: Unreadable[] = [];
      const { source, put } = tap();
      const { next } = guarded(source, {
        type: 'application/x-ndjson',
        onUnreadable(reason) {
          told.push(reason);
          if (!passes) throw new OutriderError('unreadable', 'no');
        },
        last: ({ code }) => Buffer.from(code),
      });
      put('{"a":1}\n', '{"a":\n', '{"b":\n', 'end');
      assert.equal(await next(), '{"a":1}\n');
      assert.equal(await next(), passes ? '{"a":\n' : 'unreadable');
      if (passes) assert.equal(await next(), '{"b":\n');
      assert.equal(await next(), 'done');
      assert.deepEqual(told, ['invalid_json']);
    }
  });

  test('a large chunk is inspected in slices, with turns for everything else', async () => {
    const { source, put } = tap();
    const slices: number[] = [];
    // Slow enough for the turns to be needed, whatever the machine.
    const slow: StreamInspector = {
      push: (chunk) => chunk,
      *pushInSteps(chunk) {
        slices.push(chunk.length);
        for (const end = performance.now() + 3; performance.now() < end; );
        yield;
        return chunk;
      },
      end: () => new Uint8Array(0),
      *endInSteps() {
        yield;
        return new Uint8Array(0);
      },
      release: () => new Uint8Array(0),
      holds: false,
      mark: 0,
      unreadable: undefined,
    };
    const { next } = guarded(source, { inspector: slow });
    let turns = 0;
    let isOver = false;
    const tick = (): void => {
      turns++;
      if (!isOver) setImmediate(tick);
    };
    tick();
    put('x'.repeat(400_000), 'end');
    let size = 0;
    for (let piece = await next(); piece !== 'done'; piece = await next()) size += piece.length;
    isOver = true;
    assert.equal(size, 400_000);
    assert.ok(Math.max(...slices) <= 32_768);
    assert.ok(turns >= slices.length / 4, `${turns} turns, ${slices.length} slices`);
  });

  test('too much held back by all streams together ends the one that wants more, and all is given back', async () => {
    const budget = new Budget(100_000);
    const other = budget.hold();
    other.take(90_000);
    const { source, put } = tap();
    const { next } = guarded(source, {
      type: 'text/event-stream',
      hold: budget.hold(),
      last: ({ code }) => Buffer.from(code),
    });
    // Events that cannot leave before the text in them is decided.
    for (let i = 0; i < 20; i++) put(`data: {"pad":"${'x. '.repeat(2000)}","t":"4"}\n\n`);
    assert.equal(await next(), 'overloaded');
    assert.equal(await next(), 'done');
    assert.equal(budget.held, 90_000);
  });
});
