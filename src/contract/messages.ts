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
export type ExecuteRequest = Omit<ExecuteRequestJson, 'input' | 'timeout_seconds'> & {
  input: string;
  timeout_seconds?: number;
};

export type ExecuteReply = Omit<ExecuteReplyJson, 'usage' | 'stop_reason'> &
  Required<Pick<ExecuteReplyJson, 'output' | 'token_count' | 'execution_time_ms' | 'loop_count'>> & {
    stop_reason: StopReason;
    usage?: Usage[];
  };

/** Open: a newer agent may give a reason that is not among these. */
export type StopReason = 'completed' | 'max_loops' | 'stop_word' | 'timeout' | (string & {});

/** One step of a run that is streamed: exactly one of the members that are known here, or one that came later. */
export type ExecuteEvent = { chunk: { text: string }; done?: never } | { done: ExecuteReply; chunk?: never };

export type JobStatus = 'running' | 'completed' | 'failed' | 'timed_out' | 'cancelled' | (string & {});
export type Job = Omit<JobJson, 'result'> & {
  job_id: string;
  agent_id: string;
  status: JobStatus;
  result?: ExecuteReply;
};

export type AgentInfo = Required<AgentInfoJson>;
export type RegisterAgentRequest = RegisterAgentRequestJson & { id: string; url: string };

export type Part = PartJson;
export type Artifact = ArtifactJson;
/** Numbers are numbers: JSON of protobuf would also have them as texts, such as "NaN". */
export type Usage = Omit<UsageJson, 'cost_usd'> & { cost_usd?: number };
