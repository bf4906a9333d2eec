import type { Reply } from '../call.ts';
import type { ExecuteEvent } from '../contract/messages.ts';
import { eventSource } from './event-source.ts';

export interface StreamTimes {
  /** Silence after which a comment is sent, in milliseconds. */
  readonly keepAliveMs: number;
  /** How long the reply waits for the first event, which may be an error and then is the reply's status. */
  readonly firstEventMs: number;
}

const HEADERS = [
  'Content-Type',
  'text/event-stream',
  'Cache-Control',
  'no-cache',
  // For nginx and those who do as it does: https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_buffering
  'X-Accel-Buffering',
  'no',
];

/**
 * The reply that streams a run. Rejects with what the run fails with before its first event, as long as nothing has been sent.
 * `leave`: breaks off the run.
 */
export async function streamReply(
  events: AsyncIterable<ExecuteEvent>,
  leave: () => void,
  { keepAliveMs, firstEventMs }: StreamTimes,
): Promise<Reply> {
  const iterator = events[Symbol.asyncIterator]();
  const first = iterator.next();
  await settledWithin(first, firstEventMs);
  let next: (() => Promise<IteratorResult<ExecuteEvent>>) | undefined = () => first;
  const body = eventSource(
    {
      next() {
        const pull = next;
        next = undefined;
        return pull === undefined ? iterator.next() : pull();
      },
      return: () => iterator.return?.() ?? Promise.resolve({ done: true, value: undefined }),
    },
    { keepAliveMs, onLeave: leave },
  );
  return { status: 200, headers: HEADERS, body };
}

/** Rejects when the work does so in time. */
async function settledWithin(work: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const time = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  try {
    await Promise.race([work, time]);
  } finally {
    clearTimeout(timer);
  }
}
