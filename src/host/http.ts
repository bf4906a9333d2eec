import { cancelBody } from '../body.ts';
import type { Reply, Service } from '../call.ts';
import { AgentError } from '../contract/agent-error.ts';
import type { ExecuteRequest } from '../contract/messages.ts';
import { checkExecuteRequest, checkRegisterAgentRequest, isAgentId } from '../contract/request.ts';
import { CONTRACT_FIELD, checkPeer } from '../contract/version.ts';
import { getField } from '../fields.ts';
import { jsonReply } from '../problem.ts';
import { type HostPath, hostPath } from './http-paths.ts';
import { type StreamTimes, streamReply } from './http-stream.ts';
import { type HostInbound, hostCall } from './inbound.ts';
import { leaveOf } from './leave.ts';
import type { Operations } from './ports.ts';
import { readJson } from './read-json.ts';

export interface HttpOptions extends StreamTimes {
  /** The largest body that is read. */
  readonly maxBodyBytes: number;
}

type Method = 'GET' | 'POST' | 'DELETE';

/** The methods that each kind of path is served with. */
const METHODS: Readonly<Record<HostPath['on'], readonly Method[]>> = {
  agents: ['GET', 'POST'],
  agent: ['GET', 'DELETE'],
  execute: ['POST'],
  stream: ['POST'],
  jobs: ['POST'],
  job: ['GET', 'DELETE'],
};

/**
 * The contract as JSON over HTTP, as `proto/outrider/agent/v1/agent.proto` says it. Throws
 * `AgentError`s; an error becomes its envelope where errors become replies.
 */
export function hostHttp(operations: Operations, options: HttpOptions): Service<HostInbound> {
  return async (call) => {
    const path = hostPath(call.target);
    if (path === undefined) throw new AgentError('not_found', 'nothing is served on this path');
    const method = methodOf(call, path);
    // Only what is posted is read.
    if (method !== 'POST') await cancelBody(call.body);
    checkPeer(getField(call.headers, CONTRACT_FIELD));
    const here = hostCall(call, call.signal);
    const requestOf = (agentId: string): Promise<ExecuteRequest> => {
      // Before anything is read for a caller whom it will not serve.
      operations.getAgent({ agent_id: knownForm(agentId) }, here);
      return executeRequest(call, agentId, options);
    };
    switch (path.on) {
      case 'agents': {
        if (method === 'GET') return jsonReply(200, operations.listAgents(here));
        const info = await operations.registerAgent(
          checkRegisterAgentRequest(await readJson(call, options.maxBodyBytes)),
          here,
        );
        return at(`/v1/agents/${info.id}`, jsonReply(201, info));
      }
      case 'agent': {
        const which = { agent_id: knownForm(path.agentId) };
        if (method === 'GET') return jsonReply(200, operations.getAgent(which, here));
        await operations.removeAgent(which, here);
        return { status: 204, headers: [], body: null };
      }
      case 'execute':
        return jsonReply(200, await operations.execute(await requestOf(path.agentId), here));
      case 'stream': {
        const request = await requestOf(path.agentId);
        const { signal, leave } = leaveOf(call.signal);
        return streamReply(operations.executeStream(request, hostCall(call, signal)), leave, options);
      }
      case 'jobs': {
        const request = await requestOf(path.agentId);
        const started = await operations.startJob(request, here);
        const location = `/v1/agents/${path.agentId}/jobs/${encodeURIComponent(started.job_id)}`;
        return at(location, jsonReply(202, started));
      }
      default: {
        const which = { agent_id: knownForm(path.agentId), job_id: path.jobId };
        const job = await (method === 'GET' ? operations.getJob(which, here) : operations.cancelJob(which, here));
        return jsonReply(200, job);
      }
    }
  };
}

/** HEAD is asked like GET, and answered without a body. */
function methodOf({ method }: HostInbound, { on }: HostPath): Method {
  const served = METHODS[on];
  const asked = method === 'HEAD' ? 'GET' : method;
  const found = served.find((one) => one === asked);
  if (found !== undefined) return found;
  throw new AgentError('method_not_allowed', 'not served with this method', { details: { allow: served } });
}

async function executeRequest(
  call: HostInbound,
  agentId: string,
  { maxBodyBytes }: HttpOptions,
): Promise<ExecuteRequest> {
  const request = checkExecuteRequest(await readJson(call, maxBodyBytes));
  if (request.agent_id !== undefined && request.agent_id !== '' && request.agent_id !== agentId) {
    throw new AgentError('bad_request', 'agent_id in the body is not the agent of the path');
  }
  return { ...request, agent_id: agentId };
}

/** What is no id at all is nobody's. */
function knownForm(agentId: string): string {
  if (!isAgentId(agentId)) throw new AgentError('not_found', 'there is no such agent');
  return agentId;
}

function at(location: string, reply: Reply): Reply {
  return { ...reply, headers: [...reply.headers, 'Location', location] };
}
