import type { Reply } from '../call.ts';
import type { AgentError } from '../contract/agent-error.ts';
import type { ExecuteEvent } from '../contract/messages.ts';
import { giveUp, readEnd, replyChunks, streamBrokeOff } from './exchange.ts';
import type { Run } from './run.ts';

/** How the events of a run stand in a reply. All of it may throw. */
export interface EventFormat {
  /** Looks at the head, and gives what finds the events in the body, piece by piece. */
  open(): (chunk: Uint8Array) => Iterable<ExecuteEvent>;
  /** Why the body has ended without `done`, if anything says so. */
  failure?(): Promise<AgentError | undefined>;
}

/** The events of a reply, up to `done`. Throws what the far side says, and `unreachable` when it ends without either. */
export async function* remoteEvents(
  { body }: Reply,
  run: Run,
  format: EventFormat,
): AsyncGenerator<ExecuteEvent, void, undefined> {
  const chunks = replyChunks(body);
  let over = false;
  try {
    const read = format.open();
    for (;;) {
      const result = await run.until(chunks.next());
      if (result.done === true) {
        over = true;
        const failure = format.failure && (await run.until(format.failure()));
        throw failure ?? streamBrokeOff();
      }
      for (const event of read(result.value)) {
        if (event.done !== undefined) {
          over = true;
          run.end();
          readEnd(chunks);
        }
        yield event;
        if (over) return;
      }
    }
  } finally {
    if (!over) giveUp(chunks);
  }
}
