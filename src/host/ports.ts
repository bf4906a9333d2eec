import type { Agent, CallFacts, CallOptions } from '../agent/agent.ts';
import type { Caller } from '../caller.ts';
import type {
  AgentInfo,
  ExecuteEvent,
  ExecuteReply,
  ExecuteRequest,
  Job,
  RegisterAgentRequest,
} from '../contract/messages.ts';

/** What one call of a host brings along, over whatever transport it came. */
export interface HostCall extends CallOptions {
  readonly caller: Caller;
  readonly signal: AbortSignal;
  readonly requestId: string;
}

/** What a host serves, without a transport. Everything that fails is an `AgentError`. */
export interface Operations {
  execute(request: ExecuteRequest, call: HostCall): Promise<ExecuteReply>;
  executeStream(request: ExecuteRequest, call: HostCall): AsyncIterable<ExecuteEvent>;
  startJob(request: ExecuteRequest, call: HostCall): Promise<{ job_id: string }>;
  getJob(which: { agent_id: string; job_id: string }, call: HostCall): Promise<Job>;
  cancelJob(which: { agent_id: string; job_id: string }, call: HostCall): Promise<Job>;
  listAgents(call: HostCall): { agents: AgentInfo[] };
  getAgent(which: { agent_id: string }, call: HostCall): AgentInfo;
  registerAgent(request: RegisterAgentRequest, call: HostCall): Promise<AgentInfo>;
  removeAgent(which: { agent_id: string }, call: HostCall): Promise<void>;
}

/** One agent that a host keeps, wherever it runs. */
export interface HostedAgent {
  readonly info: AgentInfo;
  readonly agent: Agent;
  readonly source: 'module' | 'command' | 'url' | 'registered';
  /** Who may call and see it; undefined: every caller. The admin role always may. */
  readonly allowedRoles?: readonly string[] | undefined;
  /** Runs at once; further calls wait in a queue of at most `queue`. */
  readonly concurrency: number;
  readonly queue: number;
  /** The longest that a run may take, in milliseconds; a caller can only ask for less. */
  readonly timeoutMs: number;
  /** False while it cannot take calls: its process is not up. */
  ready(): boolean;
  /** Ends what belongs to it: connections, its process. */
  close(): Promise<void>;
}

/** The agents that a host keeps, by id. */
export interface Registry {
  get(id: string): HostedAgent | undefined;
  list(): readonly HostedAgent[];
  /** Throws `conflict` when there is one of that id. */
  add(agent: HostedAgent): void;
  /** Takes it out, and gives it for its runs to end and to be closed. */
  remove(id: string): HostedAgent | undefined;
}

/** Makes an agent of an address, durably: it is there again after a restart. Throws `unprocessable`. */
export interface Registrar {
  register(request: RegisterAgentRequest): Promise<HostedAgent>;
  /** Forgets it. Only those that were registered can be; others are `conflict`. */
  unregister(agent: HostedAgent): Promise<void>;
}

/** Bounds what runs at once and what waits, agent by agent. */
export interface Executor {
  /**
   * Takes a place among what runs or waits; exactly one method of the place is to be called, once. Throws `rate_limited` when all
   * places are taken, unless `force` says that it has been let in before.
   */
  enter(agent: HostedAgent, force?: boolean): Place;
}

export interface Place {
  /**
   * `onStart` is told when its turn has come, and waited for before the agent is called, so that a run can be put on record before
   * it does anything; when it rejects, the agent is not called.
   */
  execute(
    request: ExecuteRequest,
    call: CallOptions & CallFacts,
    onStart?: () => void | Promise<void>,
  ): Promise<ExecuteReply>;
  stream(request: ExecuteRequest, call: CallOptions & CallFacts): AsyncIterable<ExecuteEvent>;
  leave(): void;
}

/** Runs that nobody waits for. What it has accepted survives the process. */
export interface Jobs {
  /** Resolves when the job is on disk. The same `idempotency_key` of the same caller gives the same job. */
  start(agent: HostedAgent, request: ExecuteRequest, call: HostCall): Promise<{ job_id: string }>;
  /** Throws `not_found`, also for a job of somebody else unless the caller is an admin. */
  get(which: { agent_id: string; job_id: string }, caller: Caller): Promise<Job>;
  cancel(which: { agent_id: string; job_id: string }, caller: Caller): Promise<Job>;
}

/** Which request a key stands for: keys of two callers, or for two agents, have nothing to do with each other. */
export interface IdempotentRequest {
  readonly agentId: string;
  readonly principal: string;
  readonly key: string;
  /** Hash of the request: the same key with another request is a `conflict`. */
  readonly fingerprint: string;
}

/** First results, by idempotency key. */
export interface Results {
  /**
   * Runs `work` unless there is a result, or a run under way whose result is then waited for. Kept is what was answered, and that
   * the agent failed; a run that never began, was cancelled or timed out leaves the key free. A key whose run was broken off by the
   * end of the process is `interrupted`: nobody knows how far it went. `signal` ends the waiting of this caller alone; the signal
   * that `work` is given aborts when nobody waits any more, so the run is to be bound to that one.
   */
  once(
    which: IdempotentRequest,
    signal: AbortSignal,
    work: (signal: AbortSignal) => Promise<ExecuteReply>,
  ): Promise<{ reply: ExecuteReply; repeated: boolean }>;
}
