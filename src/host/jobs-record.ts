import { AgentError } from '../contract/agent-error.ts';
import { errorToJson } from '../contract/error-wire.ts';
import type { ErrorJson } from '../contract/gen/outrider/agent/v1/agent_pb.ts';
import type { ExecuteReply, Job } from '../contract/messages.ts';
import type { JobEnd, StoredJob } from './store/thread.ts';

/** Of a result as JSON, in characters. */
const MAX_RESULT = 8 * 2 ** 20;

/** A job as callers see it. One that waits for its turn is running, to them. */
export function jobOf({ job_id, agent_id, status, result, error, created_at, finished_at }: StoredJob): Job {
  return {
    job_id,
    agent_id,
    status: status === 'queued' ? 'running' : status,
    // Both: `completed` and `unsuccessful` wrote them.
    ...(result !== null && { result: JSON.parse(result) as ExecuteReply }),
    ...(error !== null && { error: JSON.parse(error) as ErrorJson }),
    created_at: new Date(created_at).toISOString(),
    ...(finished_at !== null && { finished_at: new Date(finished_at).toISOString() }),
  };
}

export function completed(job_id: string, reply: ExecuteReply): JobEnd {
  const result = JSON.stringify(reply);
  if (result.length <= MAX_RESULT) return { job_id, status: 'completed', result };
  return failed(job_id, new AgentError('body_too_large', 'the agent completed, but its reply is too large to be kept'));
}

export function failed(job_id: string, error: AgentError): JobEnd {
  return { job_id, status: error.code === 'timeout' ? 'timed_out' : 'failed', error: textOf(error) };
}

export function cancelled(job_id: string): JobEnd {
  return { job_id, status: 'cancelled', error: textOf(cancelledByCaller()) };
}

export function cancelledByCaller(): AgentError {
  return new AgentError('cancelled', 'the job was cancelled');
}

function textOf(error: AgentError): string {
  return JSON.stringify(errorToJson(error));
}
