import { randomUUID } from 'node:crypto';
import type { Agent, AgentHandler } from '../../src/agent/agent.ts';
import { localAgent } from '../../src/agent/local.ts';
import type { Call, InboundCall, Service } from '../../src/call.ts';
import { ADMIN_ROLE, type Caller } from '../../src/caller.ts';
import { AgentError } from '../../src/contract/agent-error.ts';
import { errorToJson } from '../../src/contract/error-wire.ts';
import type { ExecuteReply, Job } from '../../src/contract/messages.ts';
import { CONTRACT_FIELD, CONTRACT_VERSION } from '../../src/contract/version.ts';
import { OutriderError } from '../../src/errors.ts';
import { getField } from '../../src/fields.ts';
import { errorReply, toHostError } from '../../src/host/envelope.ts';
import { type AgentExecutor, executor, type RunEnd } from '../../src/host/executor.ts';
import { operations } from '../../src/host/operations.ts';
import type { Executor, HostedAgent, Jobs, Operations, Registrar, Registry, Results } from '../../src/host/ports.ts';
import { registry } from '../../src/host/registry.ts';
import { type HostRoutesOptions, healthRoutes, hostRoutes } from '../../src/host/routes.ts';
import { requestId } from '../../src/layers/request-id.ts';
import { rescueAs } from '../../src/layers/rescue.ts';
import { type Listener, listen } from '../../src/net/server.ts';
import type { Layer } from '../../src/stack.ts';
import { Stack } from '../../src/stack.ts';

export type Handler = AgentHandler | NonNullable<AgentHandler['execute']>;

export function hosted(
  id: string,
  handler: Handler,
  more: Partial<HostedAgent> = {},
): HostedAgent & { closed: number } {
  const agent: Agent = localAgent(handler);
  const made = {
    info: { id, name: `The ${id}`, model: 'none', description: '' },
    agent,
    source: 'module' as const,
    concurrency: 4,
    queue: 4,
    timeoutMs: 30_000,
    ready: () => true,
    closed: 0,
    async close() {
      made.closed++;
    },
    ...more,
  };
  return made;
}

export interface TestHost {
  readonly operations: Operations;
  readonly executor: AgentExecutor;
  readonly registry: Registry;
  readonly runs: RunEnd[];
}

/** A host without transport, whose jobs and results live in memory. */
export function testHost(agents: readonly HostedAgent[]): TestHost {
  const runs: RunEnd[] = [];
  const here = executor((run) => runs.push(run));
  const known = registry(agents);
  const registrar: Registrar = {
    async register({ id, name = '', model = '', description = '', url }) {
      if (url.includes('unacceptable')) throw new OutriderError('unprocessable', 'this address cannot be used');
      const agent = hosted(id, () => `at ${url}`);
      return { ...agent, info: { id, name, model, description }, source: 'registered' };
    },
    async unregister({ source }) {
      if (source !== 'registered') throw new OutriderError('conflict', 'only what was registered can be removed');
    },
  };
  const parts = { registry: known, executor: here, jobs: fakeJobs(here), results: fakeResults(), registrar };
  return { operations: operations(parts), executor: here, registry: known, runs };
}

/** One result for each key, and one run for all who ask for it while it goes on. */
export function fakeResults(): Results {
  const known = new Map<string, { fingerprint: string; reply: Promise<ExecuteReply> }>();
  return {
    async once({ agentId, principal, key, fingerprint }, signal, work) {
      const name = JSON.stringify([agentId, principal, key]);
      const there = known.get(name);
      if (there !== undefined) {
        if (there.fingerprint !== fingerprint) throw new AgentError('conflict', 'the key stands for another request');
        return { reply: await there.reply, repeated: true };
      }
      const reply = work(signal);
      known.set(name, { fingerprint, reply });
      try {
        return { reply: await reply, repeated: false };
      } catch (error) {
        known.delete(name);
        throw error;
      }
    },
  };
}

function fakeJobs(runner: Executor): Jobs {
  const jobs = new Map<string, { job: Job; principal: string; stop: AbortController }>();
  const find = ({ agent_id, job_id }: { agent_id: string; job_id: string }, { principal, roles }: Caller) => {
    const found = jobs.get(job_id);
    const own = found?.principal === principal || roles.includes(ADMIN_ROLE);
    if (found === undefined || found.job.agent_id !== agent_id || !own) {
      throw new AgentError('not_found', 'there is no such job');
    }
    return found;
  };
  return {
    async start(agent, request, { caller }) {
      const place = runner.enter(agent);
      const job: Job = { job_id: randomUUID(), agent_id: agent.info.id, status: 'running' };
      const stop = new AbortController();
      jobs.set(job.job_id, { job, principal: caller.principal, stop });
      place.execute(request, { signal: stop.signal }).then(
        (result) => Object.assign(job, { status: 'completed', result }),
        (error) =>
          Object.assign(job, { status: stop.signal.aborted ? 'cancelled' : 'failed', error: errorToJson(error) }),
      );
      return { job_id: job.job_id };
    },
    get: async (which, caller) => find(which, caller).job,
    async cancel(which, caller) {
      const { job, stop } = find(which, caller);
      stop.abort();
      await new Promise(setImmediate);
      return job;
    },
  };
}

/** Callers of tests are called like their roles: `Bearer alice` has the role `alice`. */
const authenticate: Layer<Call, { caller: Caller }> = async (call, next) => {
  const [, name] = /^Bearer (\S+)$/.exec(getField(call.headers, 'authorization') ?? '') ?? [];
  if (name === undefined) throw new OutriderError('unauthenticated', 'a token is required');
  return next({ caller: { principal: name, roles: [name] } });
};

export interface ServedHost extends TestHost {
  readonly url: string;
  readonly listener: Listener;
  readonly serving: { state: 'serving' | 'not_serving' | 'draining'; tell(): void; watchers(): number };
  close(): Promise<void>;
}

export async function servedHost(
  agents: readonly HostedAgent[],
  options: HostRoutesOptions & { around?: Layer<InboundCall> } = {},
): Promise<ServedHost> {
  const host = testHost(agents);
  const listeners = new Set<() => void>();
  const serving: ServedHost['serving'] = {
    state: 'serving',
    tell: () => listeners.forEach((listener) => listener()),
    watchers: () => listeners.size,
  };
  const open = healthRoutes({
    now: () => serving.state,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  });
  const shut = Stack.empty<InboundCall & { requestId: string }>()
    .add(authenticate)
    .serve(hostRoutes(host.operations, options));
  const service: Service<InboundCall & { requestId: string }> = (call) => (open.get(call.target) ?? shut)(call);
  const stack = Stack.empty<InboundCall>()
    .add(options.around ?? ((_call, next) => next({})))
    .add(requestId([CONTRACT_FIELD, CONTRACT_VERSION]))
    .add(rescueAs({ toError: toHostError, onError: () => undefined, reply: errorReply }));
  const listener = await listen(
    stack.serve(service),
    { host: '127.0.0.1', port: 0 },
    { name: 'test', maxHeaderBytes: 65_536, headerTimeoutMs: 5_000, idleTimeoutMs: 30_000, http2: true },
  );
  return {
    ...host,
    listener,
    serving,
    url: `http://127.0.0.1:${listener.port}`,
    close: () => listener.close(),
  };
}

/** An agent that says what was asked, and one piece for each word. */
export const echo: AgentHandler = {
  execute: ({ input }) => ({ output: input, token_count: 3 }),
  async *stream({ input }) {
    for (const word of input.split(' ')) yield word;
  },
};

/** An agent that goes on until it is told to stop; what it saw is kept. */
export function endless(): AgentHandler &
  Required<Pick<AgentHandler, 'execute'>> & { started: number; aborted: unknown[] } {
  const self = {
    started: 0,
    aborted: [] as unknown[],
    execute(_request: unknown, { signal }: { signal: AbortSignal }): Promise<string> {
      self.started++;
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          self.aborted.push(signal.reason);
          reject(signal.reason as Error);
        });
      });
    },
    async *stream(request: unknown, context: { signal: AbortSignal }): AsyncGenerator<string> {
      yield 'begun';
      await self.execute(request, context);
    },
  };
  return self;
}
