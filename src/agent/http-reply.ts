import { cancelBody } from '../body.ts';
import type { Reply } from '../call.ts';
import { AgentError } from '../contract/agent-error.ts';
import { executeReplyCodec } from '../contract/codec.ts';
import type { ExecuteReply } from '../contract/messages.ts';
import { replyBytes } from './exchange.ts';
import { checkReplyType, checkReplyVersion } from './reply-head.ts';

/**
 * The reply in a response with status 200. Reads its body, or gives it up. An agent that does not say how long it took, took as long
 * as its caller has waited: `elapsedMs`.
 */
export async function httpReply(reply: Reply, limit: number, elapsedMs: () => number): Promise<ExecuteReply> {
  try {
    checkReplyVersion(reply.headers);
    checkReplyType(reply.headers, 'application/json');
  } catch (error) {
    await cancelBody(reply.body);
    throw error;
  }
  const value = parsed(utf8(await replyBytes(reply.body, limit)));
  const checked = executeReplyCodec.checkReply(value);
  // An object: it has just been checked.
  if (Object.hasOwn(value as object, 'execution_time_ms')) return checked;
  return { ...checked, execution_time_ms: Math.round(elapsedMs()) };
}

/** Throws `unreadable`, and nothing of the text goes into the error. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new AgentError('unreadable', 'the agent answered with something that is not JSON');
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true });

function utf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new AgentError('unreadable', 'the reply of the agent is not UTF-8');
  }
}
