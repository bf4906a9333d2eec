import type { Reply } from '../call.ts';
import { AgentError } from '../contract/agent-error.ts';
import { executeEventCodec } from '../contract/codec.ts';
import { errorFromJson } from '../contract/error-wire.ts';
import type { ExecuteEvent } from '../contract/messages.ts';
import { getField } from '../fields.ts';
import { isObject } from '../protocols/jsonrpc.ts';
import { noteFacts } from './error-facts.ts';
import { parsed } from './http-reply.ts';
import type { EventFormat } from './remote-events.ts';
import { problemError } from './reply-error.ts';
import { checkReplyType, checkReplyVersion } from './reply-head.ts';
import { type ServerSentEvent, sseReader } from './sse-reader.ts';

/** The server-sent events of a reply. Throws the error that the far side sent. */
export function sseFormat(reply: Reply, limit: number): EventFormat {
  return {
    open() {
      checkReplyVersion(reply.headers);
      checkReplyType(reply.headers, 'text/event-stream');
      const read = sseReader(limit);
      return function* (chunk) {
        for (const sent of read(chunk)) {
          const event = eventOf(sent, reply);
          if (event !== undefined) yield event;
        }
      };
    },
  };
}

/** Undefined for an event that is not known here. */
function eventOf({ event, data }: ServerSentEvent, { headers }: Reply): ExecuteEvent | undefined {
  if (event === 'chunk' || event === 'done') return executeEventCodec.checkReply({ [event]: objectIn(data) });
  if (event !== 'error') return undefined;
  const document: Readonly<Record<string, unknown>> = { ...objectIn(data) };
  // A sidecar that breaks off a stream says so as it does on any other route.
  const problem = isObject(document['error']) ? undefined : problemError(document);
  const error = problem ?? errorFromJson(document['error']);
  throw noteFacts(error, { requestId: getField(headers, 'x-request-id') });
}

/** `null` would be taken for a member that is not there. */
function objectIn(data: string): object {
  const value = parsed(data);
  if (typeof value === 'object' && value !== null) return value;
  throw new AgentError('unreadable', 'an event of the agent is none of the contract');
}
