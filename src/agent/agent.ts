import type { ExecuteEvent, ExecuteReply, ExecuteRequest } from '../contract/messages.ts';

/**
 * An agent, wherever it runs: in this process (`localAgent`), behind HTTP (`httpAgent`) or behind gRPC (`grpcAgent`). All three
 * pass the cases of `outrider/agent/testing`.
 *
 * Whatever goes wrong is an `AgentError`. A stream that did not fail ends with `done`; whoever stops reading it cancels the run.
 */
export interface Agent {
  execute(request: ExecuteRequest, options?: CallOptions): Promise<ExecuteReply>;
  stream(request: ExecuteRequest, options?: CallOptions): AsyncIterable<ExecuteEvent>;
}

/** W3C Trace Context of the call: https://www.w3.org/TR/trace-context/ */
export interface TraceContext {
  readonly traceparent: string;
  readonly tracestate?: string;
}

/** How an agent is called. The `AgentContext` of a run is one, so that a call it makes goes on with its deadline and trace. */
export interface CallOptions {
  /** Aborts the call, and the run on the far side. */
  readonly signal?: AbortSignal | undefined;
  /** When nobody waits any more: milliseconds on the clock of `performance.now()`. `timeout_seconds` can only bring it nearer. */
  readonly deadline?: number | undefined;
  readonly trace?: TraceContext | undefined;
}

/** What a host knows of a call that came over the network. */
export interface CallFacts {
  /** The `x-request-id` of the call. */
  readonly requestId?: string | undefined;
  /** Name of the caller's credential, never the credential. */
  readonly principal?: string | undefined;
}

/** What a run knows of its call. */
export interface AgentContext extends CallOptions, CallFacts {
  /** Aborts when the caller has left, has cancelled, or waits no more; the reason is an `AgentError`. */
  readonly signal: AbortSignal;
}

/** What an agent may return: the output alone, or as much of a reply as it knows; the rest is filled in. */
export type ReplyInit = string | (Partial<ExecuteReply> & { output: string });

/** What a streaming agent may yield: a piece of text, or an event. Without a `done` of its own, one is made of the pieces. */
export type EventInit = string | { chunk: { text: string } } | { done: ReplyInit };

/** What one writes to make an agent. With `stream` alone, `execute` reads it to its end; with `execute` alone, a stream is one piece. */
export interface AgentHandler {
  execute?(request: ExecuteRequest, context: AgentContext): ReplyInit | Promise<ReplyInit>;
  stream?(request: ExecuteRequest, context: AgentContext): AsyncIterable<EventInit>;
}

/** An agent of a module that `outrider host` loads: its export `agents`, or its default export, is a list of these. */
export interface AgentDefinition extends AgentHandler {
  /** 1 to 128 letters, digits, `.`, `_`, `-`; begins with a letter or digit. */
  readonly id: string;
  readonly name?: string;
  readonly model?: string;
  readonly description?: string;
}
