import assert from 'node:assert/strict';
import { AgentError } from '../../src/contract/agent-error.ts';
import type { ExecuteEvent, ExecuteReply } from '../../src/contract/messages.ts';

/** The `AgentError` with which it fails. */
export async function failure(work: Promise<unknown> | (() => unknown)): Promise<AgentError> {
  const running = typeof work === 'function' ? (async () => work())() : work;
  const error = await running.then(
    (value) => assert.fail(`it did not fail, but gave ${JSON.stringify(value)}`),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof AgentError, String(error));
  return error;
}

/** All events of a stream. */
export async function eventsOf(stream: AsyncIterable<ExecuteEvent>): Promise<ExecuteEvent[]> {
  const events: ExecuteEvent[] = [];
  for await (const event of stream) events.push(event);
  return events;
}

/** A whole stream, which ends with `done`. */
export async function readStream(
  events: AsyncIterable<ExecuteEvent>,
): Promise<{ text: string; chunks: number; done: ExecuteReply }> {
  let text = '';
  let chunks = 0;
  let done: ExecuteReply | undefined;
  for await (const event of events) {
    assert.ok(done === undefined, 'nothing comes after done');
    if (event.chunk !== undefined) {
      text += event.chunk.text;
      chunks++;
    } else done = event.done;
  }
  assert.ok(done !== undefined, 'a stream ends with done');
  return { text, chunks, done };
}
