import { AgentError } from '../contract/agent-error.ts';
import type { ExecuteEvent, ExecuteReply, ExecuteRequest } from '../contract/messages.ts';
import { checkExecuteRequest } from '../contract/request.ts';
import type { Agent, AgentContext, AgentHandler, CallFacts, CallOptions, EventInit, ReplyInit } from './agent.ts';
import { agentReply } from './agent-reply.ts';
import { abandon, leavable } from './leavable.ts';
import { streamedEvents } from './local-stream.ts';
import { Run } from './run.ts';

/** A host says of the call what it knows. */
type LocalOptions = CallOptions & CallFacts;

/**
 * An agent that runs in this process, of a handler or of its `execute` alone.
 *
 * Callers get what they would get from afar: a request that does not fit the contract is `bad_request` and does not reach the
 * handler; at the deadline, or when the caller aborts, they have their answer at once even if the handler does not look at its
 * signal; and of an error that is no `AgentError` they learn that the agent failed, with the error as `cause`. A stream starts to
 * run when it is first read.
 */
export function localAgent(handler: AgentHandler | NonNullable<AgentHandler['execute']>): Agent {
  const methods: AgentHandler = typeof handler === 'function' ? { execute: handler } : handler;
  if (methods.execute === undefined && methods.stream === undefined) {
    throw new TypeError('an agent needs execute or stream');
  }
  return {
    execute: (request, options = {}) => execute(methods, request, options),
    stream: (request, options = {}) => stream(methods, request, options),
  };
}

async function execute(handler: AgentHandler, value: unknown, options: LocalOptions): Promise<ExecuteReply> {
  const request = checkExecuteRequest(value);
  if (handler.execute === undefined) {
    for await (const event of stream(handler, request, options)) if (event.done !== undefined) return event.done;
    throw new AgentError('agent_failed', 'the agent ended without an answer');
  }
  const run = new Run(request.timeout_seconds, options);
  try {
    return agentReply(await workOf(handler, request, contextOf(run, options), run), run.elapsedMs);
  } catch (error) {
    throw run.errorOf(error);
  } finally {
    run.end();
  }
}

function stream(handler: AgentHandler, value: unknown, options: LocalOptions): AsyncIterableIterator<ExecuteEvent> {
  let run: Run | undefined;
  async function* events(): AsyncGenerator<ExecuteEvent, void, undefined> {
    const request = checkExecuteRequest(value);
    let source: AsyncIterator<EventInit> | undefined;
    run = new Run(request.timeout_seconds, options, () => abandon(source));
    try {
      const context = contextOf(run, options);
      if (handler.stream === undefined) {
        const reply = agentReply(await workOf(handler, request, context, run), run.elapsedMs);
        run.end();
        yield { chunk: { text: reply.output } };
        yield { done: reply };
      } else {
        source = iteratorOf(handler, request, context);
        yield* streamedEvents(source, run);
      }
    } catch (error) {
      if (run.left) return;
      throw run.errorOf(error);
    } finally {
      run.end();
      // What broke the run off has seen to it already.
      if (run.failure === undefined) abandon(source);
    }
  }
  return leavable(events(), () => run?.leave());
}

function contextOf(run: Run, { trace, requestId, principal }: LocalOptions): AgentContext {
  return {
    // An own member, so that `{ ...context }` has it, and a getter, since most agents that are called in process never look.
    get signal() {
      return run.signal;
    },
    deadline: run.deadline,
    trace,
    requestId,
    principal,
  };
}

/** Only what takes time can be broken off. */
async function workOf(
  handler: AgentHandler,
  request: ExecuteRequest,
  context: AgentContext,
  run: Run,
): Promise<ReplyInit | undefined> {
  const work = handler.execute?.(request, context);
  return isThenable(work) ? run.until(work) : work;
}

function isThenable<T>(work: T | PromiseLike<T> | undefined): work is PromiseLike<T> {
  return typeof work === 'object' && work !== null && 'then' in work && typeof work.then === 'function';
}

function iteratorOf(handler: AgentHandler, request: ExecuteRequest, context: AgentContext): AsyncIterator<EventInit> {
  const events = handler.stream?.(request, context);
  const iterator = events?.[Symbol.asyncIterator]?.();
  if (iterator === undefined) throw new AgentError('agent_failed', 'the agent returned no stream');
  return iterator;
}
