import type { DescMethod } from '@bufbuild/protobuf';
import { AgentService } from './gen/outrider/agent/v1/agent_pb.ts';

/** One HTTP shape of a method of the service. */
export interface Route {
  readonly rpc: DescMethod;
  readonly method: 'get' | 'post' | 'delete';
  readonly path: string;
  /** Of a reply that is no error. */
  readonly status: 200 | 201 | 202 | 204;
  /** Statuses of errors beyond those of every route. */
  readonly errors: readonly number[];
}

const { execute, executeStream, startJob, getJob, cancelJob, listAgents, getAgent, registerAgent, removeAgent } =
  AgentService.method;

const RUN = [400, 404, 409, 413, 415, 429, 502, 504];

/** How the methods of the service look on HTTP. The first path of each is the one that is preferred. */
export const ROUTES: readonly Route[] = [
  { rpc: execute, method: 'post', path: '/v1/agents/{agent_id}/execute', status: 200, errors: RUN },
  { rpc: execute, method: 'post', path: '/agents/{agent_id}/execute', status: 200, errors: RUN },
  { rpc: executeStream, method: 'post', path: '/v1/agents/{agent_id}/execute/stream', status: 200, errors: RUN },
  { rpc: startJob, method: 'post', path: '/v1/agents/{agent_id}/jobs', status: 202, errors: RUN },
  { rpc: getJob, method: 'get', path: '/v1/agents/{agent_id}/jobs/{job_id}', status: 200, errors: [404] },
  { rpc: cancelJob, method: 'delete', path: '/v1/agents/{agent_id}/jobs/{job_id}', status: 200, errors: [404] },
  { rpc: listAgents, method: 'get', path: '/v1/agents', status: 200, errors: [] },
  { rpc: getAgent, method: 'get', path: '/v1/agents/{agent_id}', status: 200, errors: [404] },
  { rpc: registerAgent, method: 'post', path: '/v1/agents', status: 201, errors: [400, 409, 413, 415, 422] },
  { rpc: removeAgent, method: 'delete', path: '/v1/agents/{agent_id}', status: 204, errors: [404, 409] },
];
