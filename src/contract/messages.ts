import type {
  AgentInfoJson,
  ArtifactJson,
  ExecuteReplyJson,
  ExecuteRequestJson,
  JobJson,
  PartJson,
  RegisterAgentRequestJson,
  UsageJson,
} from './gen/outrider/agent/v1/agent_pb.ts';

/**
 * The messages of the contract as programs hold them: plain objects with the names of `proto/outrider/agent/v1/agent.proto`, the
 * same that stand in JSON on HTTP. Members that came from a newer peer and are not known here stay where they are.
 */
export type ExecuteRequest = ExecuteRequestJson & { input: string };

export type ExecuteReply = ExecuteReplyJson &
  Required<Pick<ExecuteReplyJson, 'output' | 'token_count' | 'execution_time_ms' | 'loop_count' | 'stop_reason'>> & {
    stop_reason: StopReason;
  };

/** Open: a newer agent may give a reason that is not among these. */
export type StopReason = 'completed' | 'max_loops' | 'stop_word' | 'timeout' | (string & {});

/** One step of a run that is streamed: exactly one of the members that are known here, or one that came later. */
export type ExecuteEvent = { chunk: { text: string }; done?: never } | { done: ExecuteReply; chunk?: never };

export type JobStatus = 'running' | 'completed' | 'failed' | 'timed_out' | 'cancelled' | (string & {});
export type Job = JobJson & { job_id: string; agent_id: string; status: JobStatus };

export type AgentInfo = Required<AgentInfoJson>;
export type RegisterAgentRequest = RegisterAgentRequestJson & { id: string; url: string };

export type Part = PartJson;
export type Artifact = ArtifactJson;
export type Usage = UsageJson;
