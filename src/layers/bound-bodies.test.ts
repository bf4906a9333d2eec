import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Body, readBody } from '../body.ts';
import type { Call, Reply } from '../call.ts';
import { OutriderError } from '../errors.ts';
import { Stack } from '../stack.ts';
import { boundBodies } from './bound-bodies.ts';

const MIB = 2 ** 20;
const DONE: Reply = { status: 200, headers: [], body: null };

function call(body: Body): Call {
  return { method: 'POST', target: '/', headers: [], body, signal: new AbortController().signal };
}

async function* pieces(count: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < count; i++) yield new Uint8Array(MIB);
}

/** A service that reads bodies, and answers when it is told to. */
function reading(limitBytes: number) {
  const waiting: (() => void)[] = [];
  const service = Stack.empty()
    .add(boundBodies(limitBytes))
    .serve(async ({ body }) => {
      await readBody(body, 100 * MIB);
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
      });
      return DONE;
    });
  return { service, waiting, answerAll: () => waiting.splice(0).forEach((answer) => answer()) };
}

const isOverloaded = (error: unknown): boolean => error instanceof OutriderError && error.code === 'overloaded';
const turn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

test('what calls hold together is bounded until they are answered, at hand or still arriving', async () => {
  const { service, waiting, answerAll } = reading(4 * MIB);
  const first = [service(call(pieces(2))), service(call(new Uint8Array(2 * MIB)))];
  while (waiting.length < 2) await turn();
  await assert.rejects(service(call(pieces(1))), isOverloaded);
  await assert.rejects(service(call(new Uint8Array(MIB))), isOverloaded);
  answerAll();
  await Promise.all(first);
  const later = service(call(pieces(4)));
  while (waiting.length < 1) await turn();
  answerAll();
  assert.equal(await later, DONE);
});

test('small bodies go on when large ones have taken all the room, and one alone may be larger than it', async () => {
  const { service, waiting, answerAll } = reading(MIB);
  const large = service(call(pieces(3)));
  while (waiting.length < 1) await turn();
  const small = [service(call(null)), service(call(new Uint8Array(60_000)))];
  while (waiting.length < 3) await turn();
  answerAll();
  assert.deepEqual(await Promise.all([large, ...small]), [DONE, DONE, DONE]);
});

test('a body that is refused is given up, and what it held is free again', async () => {
  const { service, waiting, answerAll } = reading(2 * MIB);
  const first = service(call(new Uint8Array(2 * MIB)));
  while (waiting.length < 1) await turn();
  let ended = false;
  async function* watched(): AsyncGenerator<Uint8Array> {
    try {
      yield* pieces(3);
    } finally {
      ended = true;
    }
  }
  await assert.rejects(service(call(watched())), isOverloaded);
  assert.ok(ended);
  answerAll();
  await first;
  const next = service(call(new Uint8Array(2 * MIB)));
  while (waiting.length < 1) await turn();
  answerAll();
  assert.equal(await next, DONE);
});
