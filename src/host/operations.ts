import { ADMIN_ROLE, type Caller } from '../caller.ts';
import { AgentError } from '../contract/agent-error.ts';
import type { ExecuteRequest, RegisterAgentRequest } from '../contract/messages.ts';
import type { AgentExecutor } from './executor.ts';
import { executeOnce, runOf, streamOnce } from './keyed.ts';
import type { HostCall, HostedAgent, Jobs, Operations, Place, Registrar, Registry, Results } from './ports.ts';

export interface OperationsParts {
  registry: Registry;
  executor: AgentExecutor;
  jobs: Jobs;
  results: Results;
  registrar: Registrar;
  /** Told when an agent that was removed could not be closed. */
  onCloseFailed?: (agent: HostedAgent, error: unknown) => void;
}

/** What a host serves, on every transport: who may do what, how long it may take, and that a key is run once. */
export function operations(parts: OperationsParts): Operations {
  const { registry, executor, jobs, results, registrar, onCloseFailed = () => undefined } = parts;
  /** Ids that are being registered or removed, which takes a while. */
  const changing = new Set<string>();

  const agentFor = (id: string | undefined, caller: Caller): HostedAgent => {
    const agent = id === undefined ? undefined : registry.get(id);
    if (agent === undefined) throw new AgentError('not_found', 'there is no such agent');
    if (!maySee(caller, agent)) throw new AgentError('forbidden', 'this agent is not for this caller');
    return agent;
  };

  const enter = (agent: HostedAgent): Place => {
    if (!agent.ready()) throw new AgentError('not_ready', 'the agent does not take calls yet', { retryAfter: 1 });
    return executor.enter(agent);
  };

  /** A job outlives its agent; as long as there is one, its roles hold for its jobs as well. */
  const jobOf = (id: string, caller: Caller): void => {
    if (registry.get(id) !== undefined) agentFor(id, caller);
  };

  const alone = async <T>(id: string, work: () => Promise<T>): Promise<T> => {
    if (changing.has(id)) throw new AgentError('conflict', 'this agent is just being changed', { retryable: true });
    changing.add(id);
    try {
      return await work();
    } finally {
      changing.delete(id);
    }
  };

  return {
    async execute(request, call) {
      const agent = agentFor(request.agent_id, call.caller);
      const timed = withDeadline(call, request, agent);
      const key = request.idempotency_key;
      if (key) return executeOnce({ enter, results }, { agent, request, key, call: timed });
      return enter(agent).execute(request, runOf(timed, timed.signal));
    },
    executeStream(request, call) {
      const agent = agentFor(request.agent_id, call.caller);
      const timed = withDeadline(call, request, agent);
      const key = request.idempotency_key;
      if (key) return streamOnce({ enter, results }, { agent, request, key, call: timed });
      return enter(agent).stream(request, runOf(timed, timed.signal));
    },
    async startJob(request, call) {
      return jobs.start(agentFor(request.agent_id, call.caller), request, call);
    },
    async getJob(which, { caller }) {
      jobOf(which.agent_id, caller);
      return jobs.get(which, caller);
    },
    async cancelJob(which, { caller }) {
      jobOf(which.agent_id, caller);
      return jobs.cancel(which, caller);
    },
    listAgents: ({ caller }) => ({
      agents: registry
        .list()
        .filter((agent) => maySee(caller, agent))
        .map(({ info }) => info),
    }),
    getAgent: ({ agent_id }, { caller }) => agentFor(agent_id, caller).info,
    async registerAgent(request: RegisterAgentRequest, { caller }) {
      mustBeAdmin(caller);
      return alone(request.id, async () => {
        if (registry.get(request.id) !== undefined) throw new AgentError('conflict', 'there is an agent of this id');
        const agent = await registrar.register(request);
        registry.add(agent);
        return agent.info;
      });
    },
    async removeAgent({ agent_id: id }, { caller }) {
      mustBeAdmin(caller);
      await alone(id, async () => {
        const agent = agentFor(id, caller);
        await registrar.unregister(agent);
        registry.remove(id);
        // What runs has been promised an answer, which nobody here waits for.
        executor
          .idle(agent)
          .then(() => agent.close())
          .catch((error: unknown) => onCloseFailed(agent, error));
      });
    },
  };
}

function maySee({ roles }: Caller, { allowedRoles }: HostedAgent): boolean {
  return allowedRoles === undefined || roles.includes(ADMIN_ROLE) || allowedRoles.some((role) => roles.includes(role));
}

function mustBeAdmin({ roles }: Caller): void {
  if (!roles.includes(ADMIN_ROLE)) throw new AgentError('forbidden', 'this is for administrators');
}

/** The nearest of what the transport says, what the request says and what the agent allows. All count from here. */
function withDeadline(call: HostCall, request: ExecuteRequest, agent: HostedAgent): HostCall {
  const { timeout_seconds: seconds = Number.POSITIVE_INFINITY } = request;
  const own = performance.now() + Math.min(agent.timeoutMs, seconds * 1000);
  return { ...call, deadline: Math.min(call.deadline ?? own, own) };
}
