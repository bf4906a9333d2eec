import { AgentError } from '../contract/agent-error.ts';
import type { ExecuteEvent, ExecuteReply, ExecuteRequest } from '../contract/messages.ts';
import { checkExecuteRequest, isAgentId } from '../contract/request.ts';
import { CONTRACT_FIELD, CONTRACT_VERSION } from '../contract/version.ts';
import { OutriderError } from '../errors.ts';
import type { Agent, CallFacts, CallOptions } from './agent.ts';
import { noteFacts } from './error-facts.ts';
import { leavable } from './leavable.ts';
import { Run, timedOut } from './run.ts';
import { traceFields } from './trace-fields.ts';

/** What is the same for an agent behind HTTP and one behind gRPC. */
export interface RemoteOptions {
  /** What the agent is called over there. */
  readonly id: string;
  /** Path of the address, which stands before every target: `/agents-of/blue`. */
  readonly path?: string | undefined;
  /** Bearer token, or what gives the one that holds now; none is sent for an empty one. */
  readonly token?: string | (() => string | undefined) | undefined;
  /** How long to wait, in milliseconds, when a call says nothing of it; 10 minutes unless told. The far side is not told. */
  readonly timeoutMs?: number | undefined;
  /** The largest reply, or event of a stream, in bytes; 64 MiB unless told. */
  readonly maxReplyBytes?: number | undefined;
  /** Whether an error of the service proves that the request never got to the far side. */
  readonly wasNotSent?: ((error: unknown) => boolean) | undefined;
}

/** A host says of the call that it hands on what it knows; who called it is not told. */
type RemoteCallOptions = CallOptions & Pick<CallFacts, 'requestId'>;

/** One call on its way. */
export interface RemoteCall {
  /** As it is to go out: with what is left of the time, and the agent's name over there. */
  readonly request: ExecuteRequest;
  readonly run: Run;
  readonly options: RemoteCallOptions;
  /** Whether the far side is to be told of the deadline: it is the caller's own. */
  readonly limited: boolean;
}

/** How a transport does it. Both may throw anything. */
export interface Transport {
  execute(call: RemoteCall): Promise<ExecuteReply>;
  events(call: RemoteCall): AsyncGenerator<ExecuteEvent, void, undefined>;
}

export const DEFAULT_REPLY_BYTES: number = 64 * 2 ** 20;
const DEFAULT_TIMEOUT_MS = 600_000;

/** An agent over a transport: checks, deadline, cancellation and errors are the same for all. Throws `bad_request` for the id. */
export function remoteAgent(options: RemoteOptions, transport: Transport): Agent {
  if (!isAgentId(options.id)) {
    throw new AgentError('bad_request', `${JSON.stringify(options.id)} can be the id of no agent`);
  }
  return {
    async execute(value, callOptions = {}) {
      const call = start(value, callOptions, options);
      try {
        return await transport.execute(call);
      } catch (error) {
        throw call.run.failure ?? remoteError(error, options);
      } finally {
        call.run.end();
      }
    },

    stream(value, callOptions = {}) {
      let run: Run | undefined;
      async function* events(): AsyncGenerator<ExecuteEvent, void, undefined> {
        const call = start(value, callOptions, options);
        run = call.run;
        try {
          yield* transport.events(call);
        } catch (error) {
          if (run.left) return;
          throw run.failure ?? remoteError(error, options);
        } finally {
          run.end();
        }
      }
      return leavable(events(), () => run?.leave());
    },
  };
}

function start(
  value: unknown,
  options: RemoteCallOptions,
  { id, timeoutMs = DEFAULT_TIMEOUT_MS }: RemoteOptions,
): RemoteCall {
  const checked = checkExecuteRequest(value);
  const timeout = checked.timeout_seconds;
  const { deadline } = options;
  const limited = deadline !== undefined || timeout !== undefined;
  const run = new Run(limited ? timeout : timeoutMs / 1000, options);
  try {
    const named = checked.agent_id === undefined || checked.agent_id === id ? checked : { ...checked, agent_id: id };
    // The caller's own number goes on as it is; what is left of a deadline replaces it, so that it shrinks with each hop.
    const own = deadline === undefined || run.deadline !== deadline;
    return { request: own ? named : { ...named, timeout_seconds: secondsLeft(run) }, run, options, limited };
  } catch (error) {
    run.end();
    throw error;
  }
}

/** In whole milliseconds. */
function secondsLeft(run: Run): number {
  const left = Math.floor(run.leftMs ?? 0);
  if (left <= 0) throw timedOut();
  return left / 1000;
}

/** The fields that every call of ours has. */
export function callFields({ options }: RemoteCall, { token }: RemoteOptions): string[] {
  const fields = [CONTRACT_FIELD, CONTRACT_VERSION];
  const secret = typeof token === 'function' ? token() : token;
  if (secret !== undefined && secret !== '') fields.push('authorization', `Bearer ${secret}`);
  if (options.requestId !== undefined) fields.push('x-request-id', options.requestId);
  traceFields(options.trace, fields);
  return fields;
}

/** What a service throws says how the way to the far side failed; the far side's own word is an `AgentError`. */
function remoteError(thrown: unknown, { wasNotSent }: RemoteOptions): AgentError {
  if (thrown instanceof AgentError) return thrown;
  const error =
    thrown instanceof OutriderError
      ? new AgentError(thrown.code, thrown.message, { cause: thrown })
      : new AgentError('unreachable', 'the agent could not be reached', { cause: thrown });
  return noteFacts(error, { transport: true, nothingRan: wasNotSent?.(thrown) === true });
}
