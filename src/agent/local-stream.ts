import { AgentError } from '../contract/agent-error.ts';
import type { ExecuteEvent, ExecuteReply } from '../contract/messages.ts';
import type { EventInit, ReplyInit } from './agent.ts';
import { agentReply } from './agent-reply.ts';
import type { Run } from './run.ts';

/**
 * What a streaming agent yields, as events that end with `done`. The halves of a surrogate pair that it puts into two pieces come
 * out in one: a wire could not carry them apart.
 */
export async function* streamedEvents(
  source: AsyncIterator<EventInit>,
  run: Run,
): AsyncGenerator<ExecuteEvent, void, undefined> {
  let output = '';
  let held = '';
  for (;;) {
    const { done, value } = await run.until(source.next());
    if (done === true) {
      if (held !== '') yield { chunk: { text: held.toWellFormed() } };
      yield { done: ended(agentReply(output + held, run.elapsedMs), run) };
      return;
    }
    const reply = replyOf(value);
    if (reply !== undefined) {
      if (held !== '') yield { chunk: { text: held.toWellFormed() } };
      yield { done: ended(agentReply(reply, run.elapsedMs), run) };
      return;
    }
    const text = held + textOf(value);
    const whole = endOfWhole(text);
    held = text.slice(whole);
    const piece = (whole === text.length ? text : text.slice(0, whole)).toWellFormed();
    output += piece;
    yield { chunk: { text: piece } };
  }
}

/** The run has its result: a reader that leaves after the last event breaks nothing off. */
function ended(reply: ExecuteReply, run: Run): ExecuteReply {
  run.end();
  return reply;
}

function replyOf(event: EventInit): ReplyInit | undefined {
  return typeof event === 'object' && event !== null && 'done' in event ? event.done : undefined;
}

function textOf(event: EventInit): string {
  if (typeof event === 'string') return event;
  // Agents are written in JavaScript too, and yield anything.
  const text: unknown = typeof event === 'object' && event !== null && 'chunk' in event ? event.chunk?.text : undefined;
  if (typeof text !== 'string') throw new AgentError('agent_failed', 'the agent yielded something that is no event');
  return text;
}

/** How much of a text ends in a whole character: a leading half at its end waits for the other one. */
function endOfWhole(text: string): number {
  const last = text.charCodeAt(text.length - 1);
  return last >= 0xd800 && last <= 0xdbff ? text.length - 1 : text.length;
}
