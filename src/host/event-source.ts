import { AgentError } from '../contract/agent-error.ts';
import { errorToJson } from '../contract/error-wire.ts';
import type { ExecuteEvent } from '../contract/messages.ts';
import { toHostError } from './envelope.ts';

export interface EventSourceOptions {
  /** After so many milliseconds without an event a comment is sent, so that nobody on the way takes the stream for dead. */
  readonly keepAliveMs: number;
  /** Told when the reader gives up before the end. */
  readonly onLeave: () => void;
}

const KEEP_ALIVE = Buffer.from(': keep-alive\n\n');
/** Names of events that came later are text of an agent. None of them can end the stream. */
const EVENT_NAME = /^(?!error$)[a-z][a-z0-9_]{0,63}$/;

const SILENT = Symbol('silent');
const END: IteratorReturnResult<undefined> = { done: true, value: undefined };

/**
 * A run's events as server-sent events (WHATWG HTML §9.2), one for each pull. Whatever goes wrong is the last event, `error`, with
 * the envelope of the contract: bytes are on their way, so that it cannot be the reply's status. Made by hand, so that a reader
 * can leave while the agent is silent.
 */
export function eventSource(
  events: AsyncIterator<ExecuteEvent>,
  { keepAliveMs, onLeave }: EventSourceOptions,
): AsyncIterable<Uint8Array> {
  let pending: Promise<IteratorResult<ExecuteEvent>> | undefined;
  let over = false;
  const iterator: AsyncIterator<Uint8Array> = {
    async next() {
      while (!over) {
        pending ??= events.next();
        try {
          const result = await orSilent(pending, keepAliveMs);
          if (result === SILENT) return { done: false, value: KEEP_ALIVE };
          pending = undefined;
          if (result.done === true) throw new AgentError('agent_failed', 'the agent ended its stream without a reply');
          if (result.value.done !== undefined) over = true;
          const text = eventText(result.value);
          if (text !== '') return { done: false, value: Buffer.from(text) };
        } catch (thrown) {
          over = true;
          return { done: false, value: Buffer.from(line('error', { error: errorToJson(toHostError(thrown)) })) };
        }
      }
      return END;
    },
    async return() {
      if (!over) onLeave();
      over = true;
      // Whatever its end says, nobody reads it any more.
      pending?.catch(() => undefined);
      events.return?.()?.catch(() => undefined);
      return END;
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}

/** Any member of an event names it: one that came later goes on as it is. */
function eventText(event: ExecuteEvent): string {
  let text = '';
  for (const [name, value] of Object.entries(event))
    if (value !== undefined && EVENT_NAME.test(name)) text += line(name, value);
  return text;
}

function line(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

async function orSilent<T>(work: Promise<T>, ms: number): Promise<T | typeof SILENT> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<typeof SILENT>((resolve) => {
    timer = setTimeout(resolve, ms, SILENT);
  });
  try {
    return await Promise.race([work, silence]);
  } finally {
    clearTimeout(timer);
  }
}
