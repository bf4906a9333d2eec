import { AgentError } from '../contract/agent-error.ts';
import type { ExecuteReply } from '../contract/messages.ts';
import { completeReply } from '../contract/request.ts';
import type { ReplyInit } from './agent.ts';

/** What an agent returned, as a whole reply. Throws `agent_failed` for what is none: agents are written in JavaScript too. */
export function agentReply(init: ReplyInit | undefined, elapsedMs: number): ExecuteReply {
  try {
    // The check is what finds out whether `output` is there.
    return completeReply(typeof init === 'object' ? init : { output: init as string }, elapsedMs);
  } catch (cause) {
    throw new AgentError('agent_failed', 'the agent gave no reply that fits the contract', { cause });
  }
}
