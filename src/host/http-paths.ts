import { AgentError } from '../contract/agent-error.ts';
import { pathOf } from '../protocols/attributes.ts';

/** What a path of the host's HTTP interface stands for. */
export type HostPath =
  | { readonly on: 'agents' }
  | { readonly on: 'agent' | 'execute' | 'stream' | 'jobs'; readonly agentId: string }
  | { readonly on: 'job'; readonly agentId: string; readonly jobId: string };

const PATH =
  /^(?:\/v1)?\/agents\/([^/]+)\/execute$|^\/v1\/agents(?:\/([^/]+)(?:\/(execute\/stream|jobs(?:\/([^/]+))?))?)?$/;

/** Undefined for every other path. Ids are decoded once; throws `bad_request` for what cannot be. */
export function hostPath(target: string): HostPath | undefined {
  const match = PATH.exec(pathOf(target));
  if (match === null) return undefined;
  const [, executed, agent, below, job] = match;
  if (executed !== undefined) return { on: 'execute', agentId: decoded(executed) };
  if (agent === undefined) return { on: 'agents' };
  const agentId = decoded(agent);
  if (below === undefined) return { on: 'agent', agentId };
  if (job !== undefined) return { on: 'job', agentId, jobId: decoded(job) };
  return { on: below === 'jobs' ? 'jobs' : 'stream', agentId };
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new AgentError('bad_request', 'the path is not percent-encoded UTF-8');
  }
}
