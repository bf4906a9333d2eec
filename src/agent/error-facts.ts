import type { AgentError } from '../contract/agent-error.ts';

/** What is known of a failed call beside what its error says to everybody. */
export interface ErrorFacts {
  /** The `x-request-id` of the reply, by which the far side's log can be searched. */
  readonly requestId?: string | undefined;
  /** That the far side did nothing with the request: it never got there, or was sent back at the door. */
  readonly nothingRan?: boolean | undefined;
  /** That the reply had the error envelope of the contract. */
  readonly envelope?: boolean | undefined;
  /** That it is not the far side's word: the way to it failed. */
  readonly transport?: boolean | undefined;
}

/** Beside the error, and not in it: where an agent hands the error on, these would be said of another call. */
const facts = new WeakMap<AgentError, ErrorFacts>();

export function noteFacts(error: AgentError, noted: ErrorFacts): AgentError {
  facts.set(error, { ...facts.get(error), ...noted });
  return error;
}

export function factsOf(error: AgentError): ErrorFacts {
  return facts.get(error) ?? NONE;
}

const NONE: ErrorFacts = Object.freeze({});
