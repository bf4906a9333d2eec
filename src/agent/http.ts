import type { Reply, Service } from '../call.ts';
import type { AgentError } from '../contract/agent-error.ts';
import type { ExecuteReply, ExecuteRequest } from '../contract/messages.ts';
import type { Agent } from './agent.ts';
import { factsOf } from './error-facts.ts';
import { exchange } from './exchange.ts';
import { sseFormat } from './http-events.ts';
import { httpReply } from './http-reply.ts';
import { callFields, DEFAULT_REPLY_BYTES, type RemoteCall, type RemoteOptions, remoteAgent } from './remote.ts';
import { remoteEvents } from './remote-events.ts';
import { replyError } from './reply-error.ts';

export interface HttpAgentOptions extends RemoteOptions {
  /** What stands before `/agents/{id}/execute`; `/v1` unless told. The stream is asked for under `/v1` in any case. */
  readonly prefix?: string | undefined;
}

/** How long a server that knows no streams is not asked for one again: it may be replaced by one that does. */
const WITHOUT_STREAMS_MS = 60_000;

/**
 * An agent behind HTTP, as `proto/outrider/agent/v1/agent.proto` has it. `send` reaches the agent's address. An agent whose server
 * has no streams is run without one, and its output comes as one chunk.
 */
export function httpAgentOver(send: Service, options: HttpAgentOptions): Agent {
  const { id, path = '', prefix = '/v1', maxReplyBytes = DEFAULT_REPLY_BYTES } = options;
  let askForStreamsAt = 0;

  const post = (target: string, accept: string, call: RemoteCall): Promise<Reply> => {
    const headers = ['content-type', 'application/json', 'accept', accept, ...callFields(call, options)];
    const body = Buffer.from(JSON.stringify(unnamed(call.request)));
    return exchange(send, { method: 'POST', target, headers, body }, call.run);
  };

  const execute = async (call: RemoteCall): Promise<ExecuteReply> => {
    const reply = await post(`${path}${prefix}/agents/${id}/execute`, 'application/json', call);
    if (reply.status !== 200) throw await call.run.until(replyError(reply));
    return call.run.until(httpReply(reply, maxReplyBytes, () => call.run.elapsedMs));
  };

  return remoteAgent(options, {
    execute,
    async *events(call) {
      const { run } = call;
      const asked = performance.now() >= askForStreamsAt;
      if (asked) {
        const reply = await post(`${path}/v1/agents/${id}/execute/stream`, 'text/event-stream', call);
        if (reply.status === 200) {
          yield* remoteEvents(reply, run, sseFormat(reply, maxReplyBytes));
          return;
        }
        const error = await run.until(replyError(reply));
        if (!hasNoStreams(reply, error)) throw error;
      }
      const reply = await execute(call);
      if (asked) askForStreamsAt = performance.now() + WITHOUT_STREAMS_MS;
      run.end();
      yield { chunk: { text: reply.output } };
      yield { done: reply };
    },
  });
}

/** The path names the agent. There are servers that refuse members that they do not know, and this one no server needs. */
function unnamed(request: ExecuteRequest): object {
  return request.agent_id === undefined ? request : { ...request, agent_id: undefined };
}

/** A server without the route, as opposed to one that knows it and says that there is no such agent. */
function hasNoStreams({ status }: Reply, error: AgentError): boolean {
  return status === 405 || status === 501 || (status === 404 && factsOf(error).envelope !== true);
}
