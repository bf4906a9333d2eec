import { type Body, cancelBody, isStream, readBody } from '../body.ts';
import type { Call, Reply, Service } from '../call.ts';
import { AgentError } from '../contract/agent-error.ts';
import { OutriderError } from '../errors.ts';
import { noteFacts } from './error-facts.ts';
import type { Run } from './run.ts';

/** Sends a call, and waits no longer than its run lasts. */
export async function exchange(send: Service, call: Omit<Call, 'signal'>, run: Run): Promise<Reply> {
  const pending = send({ ...call, signal: run.signal });
  try {
    return await run.until(pending);
  } catch (error) {
    // A service that does not look at its signal may still come with a body.
    pending.then(({ body }) => cancelBody(body)).catch(() => undefined);
    throw error;
  }
}

/** All bytes of a reply. Throws `unreadable` for more than `limit`. */
export async function replyBytes(body: Body, limit: number): Promise<Uint8Array> {
  try {
    return await readBody(body, limit);
  } catch (error) {
    if (error instanceof OutriderError && error.code === 'body_too_large') {
      throw new AgentError('unreadable', `the reply of the agent is larger than the ${limit} bytes allowed here`);
    }
    throw brokenOff(error);
  }
}

/** A body piece by piece, whatever kind it is. Its failures are those of a reply that had begun. */
export function replyChunks(body: Body): AsyncIterator<Uint8Array, unknown, undefined> {
  if (isStream(body)) {
    const chunks = body[Symbol.asyncIterator]();
    return {
      next: () =>
        chunks.next().catch((error: unknown) => {
          throw brokenOff(error);
        }),
      return: async () => (await chunks.return?.()) ?? END,
    };
  }
  let rest = body;
  return {
    async next() {
      const value = rest;
      rest = null;
      return value === null ? END : { done: false, value };
    },
  };
}

const END: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** How long the end of a body may take to come once it has said all, before its connection is given up. */
const END_MS = 1_000;

/** A connection is kept for the next call only when its body has been read to the end, which comes right after the last event. */
export function readEnd(chunks: AsyncIterator<Uint8Array, unknown, undefined>): void {
  const timer = setTimeout(() => giveUp(chunks), END_MS);
  timer.unref();
  const read = async (): Promise<void> => {
    while ((await chunks.next()).done !== true);
  };
  read()
    .catch(() => undefined)
    .finally(() => clearTimeout(timer));
}

/** Stops a body that nobody will read on. */
export function giveUp(chunks: AsyncIterator<Uint8Array, unknown, undefined>): void {
  chunks.return?.()?.catch(() => undefined);
}

/** A stream that has ended as if it were whole, without its last event. */
export function streamBrokeOff(): AgentError {
  return noteFacts(new AgentError('unreachable', 'the stream broke off'), { transport: true });
}

/** The far side had begun to answer, so that nobody knows how far it went. */
function brokenOff(cause: unknown): AgentError {
  const error =
    cause instanceof OutriderError && cause.code === 'timeout'
      ? new AgentError('timeout', cause.message, { cause })
      : new AgentError('unreachable', 'the reply of the agent broke off', { cause });
  return noteFacts(error, { transport: true });
}
