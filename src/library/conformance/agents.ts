import type { AgentContext, AgentDefinition, EventInit } from '../../agent/agent.ts';
import { AgentError, type AgentErrorOptions } from '../../contract/agent-error.ts';
import type { ExecuteReply, ExecuteRequest } from '../../contract/messages.ts';

/** What a run of `conformance-wait` has seen, by the key that its caller gave it. */
interface Seen {
  started: boolean;
  /** Code of the reason with which the signal aborted. */
  aborted?: string;
  /** Chunks that were asked for. */
  chunks: number;
}

/** Of the process that hosts the agents: `conformance-seen` tells of it. */
const seen = new Map<string, Seen>();
const counts = new Map<string, number>();

/** A run that nobody breaks off ends by itself after so long. */
const LONGEST_WAIT_MS = 20_000;

/** The request, and what the run knows of its call. */
const echo: AgentDefinition = {
  id: 'conformance-echo',
  name: 'Echo',
  execute(request, context) {
    return {
      output: request.input,
      metadata: { request: JSON.stringify(request), context: JSON.stringify(known(context)) },
    };
  },
};

/** The reply that stands in the `context` of the request. */
const reply: AgentDefinition = {
  id: 'conformance-reply',
  execute: ({ context }) => context?.['reply'] as ExecuteReply,
};

/** As many characters as the input says. */
const large: AgentDefinition = {
  id: 'conformance-large',
  execute: ({ input }) => 'ä'.repeat(Number(input)),
};

/** The pieces in the `context` of the request: texts, or lists of UTF-16 code units, which may be halves of a pair. */
const pieces: AgentDefinition = {
  id: 'conformance-pieces',
  async *stream({ context }) {
    for (const piece of (context?.['pieces'] ?? []) as (string | number[])[]) {
      yield typeof piece === 'string' ? piece : String.fromCharCode(...piece);
    }
    const done = context?.['done'] as ExecuteReply | undefined;
    if (done !== undefined) yield { done };
  },
};

/** The error in the `context` of the request, after as many chunks as it says; without one, an error that is nobody's business. */
const failing: AgentDefinition = {
  id: 'conformance-error',
  execute({ context }) {
    throw errorOf(context?.['error']);
  },
  async *stream({ context }) {
    for (let i = 0; i < Number(context?.['after'] ?? 0); i++) yield `chunk ${i}`;
    throw errorOf(context?.['error']);
  },
};

/** Waits until it is broken off. */
const waiting: AgentDefinition = {
  id: 'conformance-wait',
  async execute(request, context) {
    await brokenOff(request, context);
    return 'nobody broke it off';
  },
  async *stream(request, context) {
    yield 'started';
    await brokenOff(request, context);
  },
};

/** Chunks of 64 KiB without an end, and how many of them were asked for. */
const endless: AgentDefinition = {
  id: 'conformance-endless',
  async *stream(request, { signal }): AsyncGenerator<EventInit> {
    const entry = entryOf(request);
    const chunk = 'x'.repeat(65_536);
    signal.addEventListener('abort', () => noteAbort(entry, signal));
    while (!signal.aborted) {
      entry.chunks++;
      yield chunk;
    }
  },
};

/** How often it has run for a key. */
const counting: AgentDefinition = {
  id: 'conformance-count',
  execute({ input }) {
    const count = (counts.get(input) ?? 0) + 1;
    counts.set(input, count);
    return String(count);
  },
};

/** What was seen of a run. */
const telling: AgentDefinition = {
  id: 'conformance-seen',
  execute: ({ input }) => JSON.stringify(seen.get(input) ?? { started: false, chunks: 0 }),
};

/** The agents that the cases call. Host them as you host agents; all in one process. */
export const conformanceAgents: readonly AgentDefinition[] = [
  echo,
  reply,
  large,
  pieces,
  failing,
  waiting,
  endless,
  counting,
  telling,
];

function known({ deadline, trace, requestId, principal }: AgentContext): Record<string, unknown> {
  const leftMs = deadline === undefined ? undefined : deadline - performance.now();
  return { leftMs, trace, requestId, principal };
}

function entryOf({ metadata }: ExecuteRequest): Seen {
  const entry: Seen = { started: true, chunks: 0 };
  seen.set(metadata?.['key'] ?? '', entry);
  return entry;
}

function noteAbort(entry: Seen, { reason }: AbortSignal): void {
  entry.aborted = reason instanceof AgentError ? reason.code : 'something that is no AgentError';
}

/** Listens to its signal and, when told so, does not obey it. */
async function brokenOff(request: ExecuteRequest, { signal }: AgentContext): Promise<void> {
  const entry = entryOf(request);
  const stubborn = request.context?.['stubborn'] === true;
  let timer: NodeJS.Timeout | undefined;
  await new Promise<void>((resolve, reject) => {
    timer = setTimeout(resolve, LONGEST_WAIT_MS);
    const onAbort = (): void => {
      noteAbort(entry, signal);
      if (stubborn) timer?.unref();
      else reject(signal.reason);
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort);
  }).finally(() => clearTimeout(timer));
}

/** What a case says of the error that is to be thrown. */
interface ErrorPlan extends Omit<AgentErrorOptions, 'cause'> {
  readonly code: string;
  readonly message: string;
  readonly cause?: ErrorPlan;
}

function errorOf(value: unknown): Error {
  if (typeof value !== 'object' || value === null) return new Error('a secret of the agent');
  // Only the cases make requests for this agent.
  const { code, message, cause, ...options } = value as ErrorPlan;
  return new AgentError(code, message, { ...options, ...(cause !== undefined && { cause: errorOf(cause) }) });
}
