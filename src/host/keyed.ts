import { leavable } from '../agent/leavable.ts';
import { Run } from '../agent/run.ts';
import type { ExecuteEvent, ExecuteReply, ExecuteRequest } from '../contract/messages.ts';
import { fingerprint } from './fingerprint.ts';
import { handoff } from './handoff.ts';
import type { Executor, HostCall, HostedAgent, IdempotentRequest, Results } from './ports.ts';

/** A call with an idempotency key. */
export interface KeyedCall {
  readonly agent: HostedAgent;
  readonly request: ExecuteRequest;
  readonly key: string;
  readonly call: HostCall;
}

interface Means {
  /** Takes a place to run; throws when there is none. */
  readonly enter: Executor['enter'];
  readonly results: Results;
}

/** Runs the request, unless its key has a result. A place is taken only by what runs. */
export async function executeOnce({ enter, results }: Means, keyed: KeyedCall): Promise<ExecuteReply> {
  const { agent, request, call } = keyed;
  // This caller's waiting, which ends at its own deadline even while the run goes on for another.
  const waiting = new Run(undefined, call);
  try {
    const once = results.once(requestOf(keyed), waiting.signal, (signal) =>
      enter(agent).execute(request, runOf(call, signal)),
    );
    return (await waiting.until(once)).reply;
  } catch (error) {
    throw waiting.errorOf(error);
  } finally {
    waiting.end();
  }
}

/** The same as a stream: of the run as it goes, or of the result that there is, which comes in one piece. */
export function streamOnce(means: Means, keyed: KeyedCall): AsyncIterable<ExecuteEvent> {
  let waiting: Run | undefined;
  async function* events(): AsyncGenerator<ExecuteEvent, void, undefined> {
    const { agent, request, call } = keyed;
    const chunks = handoff<ExecuteEvent>();
    waiting = new Run(undefined, call, chunks.close);
    try {
      const once = means.results.once(requestOf(keyed), waiting.signal, async (signal) => {
        const run = means.enter(agent).stream(request, runOf(call, signal));
        for await (const event of run) {
          if (event.done !== undefined) return event.done;
          await chunks.give(event);
        }
        throw new Error('a place ends its stream with a reply or an error');
      });
      once.then(chunks.end, chunks.end);
      for (let event = await chunks.take(); event !== undefined; event = await chunks.take()) yield event;
      // The last event is sent when the result is kept: who has it may ask again and gets the same.
      const { reply, repeated } = await waiting.until(once);
      if (repeated && reply.output !== '') yield { chunk: { text: reply.output } };
      yield { done: reply };
    } catch (error) {
      if (!waiting.left) throw waiting.errorOf(error);
    } finally {
      chunks.close();
      waiting.end();
    }
  }
  return leavable(events(), () => waiting?.leave());
}

function requestOf({ agent, request, key, call }: KeyedCall): IdempotentRequest {
  return { agentId: agent.info.id, principal: call.caller.principal, key, fingerprint: fingerprint(request) };
}

/** The run is bound to all who wait for it, not to the first of them. */
export function runOf(call: HostCall, signal: AbortSignal) {
  const { deadline, trace, requestId, caller } = call;
  return { signal, deadline, trace, requestId, principal: caller.principal };
}
