import { ok } from 'node:assert/strict';
import type { Agent } from '../../agent/agent.ts';
import { AgentError } from '../../contract/agent-error.ts';
import type { ExecuteEvent, ExecuteReply } from '../../contract/messages.ts';

/** What an adapter, or what stands behind it, need not have. */
export type Feature = 'idempotency' | 'unknown-agent' | 'trace' | 'backpressure';

/** The adapter under test. */
export interface Subject {
  /** The agent of `conformanceAgents` that has the id, as the adapter reaches it. Also asked for an id that nobody has. */
  agent(id: string): Agent | Promise<Agent>;
}

export interface Case {
  readonly name: string;
  /** The case is only for subjects that have it. */
  readonly feature?: Feature;
  /** Rejects when the subject does not conform. */
  readonly run: (subject: Subject) => Promise<void>;
}

let keys = 0;

/** Names a run, so that it can be asked after. */
export function newKey(): string {
  return `${process.pid}-${Date.now().toString(36)}-${keys++}`;
}

/** The `AgentError` with which the work fails. */
export async function failure(work: PromiseLike<unknown>): Promise<AgentError> {
  try {
    await work;
  } catch (error) {
    ok(error instanceof AgentError, `expected an AgentError, not ${String(error)}`);
    return error;
  }
  throw new Error('it was expected to fail, and did not');
}

/** A whole stream: its text, and the reply with which it ends. */
export async function readAll(
  events: AsyncIterable<ExecuteEvent>,
): Promise<{ chunks: string[]; text: string; done: ExecuteReply | undefined }> {
  const chunks: string[] = [];
  let done: ExecuteReply | undefined;
  for await (const event of events) {
    ok(done === undefined, 'an event after done');
    if (event.done !== undefined) done = event.done;
    else chunks.push(event.chunk.text);
  }
  return { chunks, text: chunks.join(''), done };
}

export interface SeenRun {
  readonly started: boolean;
  readonly aborted?: string;
  readonly chunks: number;
}

/** What the far side has seen of a run, asked again until it is as expected. */
export async function seenUntil(
  subject: Subject,
  key: string,
  expected: (run: SeenRun) => boolean,
  withinMs = 5_000,
): Promise<SeenRun> {
  const agent = await subject.agent('conformance-seen');
  for (const until = performance.now() + withinMs; ; await sleep(5)) {
    const run = await seenNow(agent, key);
    if (expected(run)) return run;
    ok(performance.now() < until, `not within ${withinMs} ms; what was seen of the run: ${JSON.stringify(run)}`);
  }
}

async function seenNow(agent: Agent, key: string): Promise<SeenRun> {
  const { output } = await agent.execute({ input: key });
  // What `conformance-seen` says.
  return JSON.parse(output) as SeenRun;
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
