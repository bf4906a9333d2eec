/** What the contract says of a member beyond its type. */
export interface MemberRules {
  readonly pattern?: RegExp;
  readonly moreThan?: number;
  readonly schemes?: readonly string[];
  /** What a reader takes for a member that a reply leaves out. Numbers have 0. */
  readonly absent?: string;
  /** Values of an open set that are known. */
  readonly known?: readonly string[];
}

export interface MessageRules {
  /** Members that stand in the JSON even with the value that binary leaves out. */
  readonly written: readonly string[];
  /** Members without which JSON is refused. */
  readonly required: readonly string[];
  /** Of a request: at least one of these, and not empty. */
  readonly oneOfThese?: readonly string[];
  readonly members?: Readonly<Record<string, MemberRules>>;
}

export const AGENT_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const IDEMPOTENCY_KEY = /^[\x20-\x7e]{1,128}$/;
const AGENT_SCHEMES = ['http:', 'https:', 'grpc:', 'grpcs:'];

const agentId: MemberRules = { pattern: AGENT_ID };
const all = (...names: string[]): MessageRules => ({ written: names, required: names });

const NONE: MessageRules = { written: [], required: [] };

/** By name of the message. The checks, the codec, JSON Schema and OpenAPI all read this and the descriptors, and nothing else. */
const RULES: ReadonlyMap<string, MessageRules> = new Map(
  Object.entries({
    ExecuteRequest: {
      written: ['input'],
      required: [],
      oneOfThese: ['input', 'parts'],
      members: {
        agent_id: agentId,
        timeout_seconds: { moreThan: 0 },
        idempotency_key: { pattern: IDEMPOTENCY_KEY },
      },
    },
    ExecuteReply: {
      ...all('output', 'token_count', 'execution_time_ms', 'loop_count', 'stop_reason'),
      members: { stop_reason: { absent: 'completed', known: ['completed', 'max_loops', 'stop_word', 'timeout'] } },
    },
    Usage: { ...all('model', 'input_tokens', 'output_tokens'), members: { model: { absent: '' } } },
    Artifact: { ...all('name'), members: { name: { absent: '' } } },
    Chunk: all('text'),
    StartJobReply: all('job_id'),
    GetJobRequest: all('agent_id', 'job_id'),
    CancelJobRequest: all('agent_id', 'job_id'),
    Job: {
      ...all('job_id', 'agent_id', 'status'),
      members: { status: { known: ['running', 'completed', 'failed', 'timed_out', 'cancelled'] } },
    },
    ListAgentsReply: all('agents'),
    GetAgentRequest: all('agent_id'),
    AgentInfo: {
      ...all('id', 'name', 'model', 'description'),
      members: { name: { absent: '' }, model: { absent: '' }, description: { absent: '' } },
    },
    RegisterAgentRequest: {
      ...all('id', 'url'),
      members: { id: agentId, url: { schemes: AGENT_SCHEMES }, remote_id: agentId },
    },
    RemoveAgentRequest: all('agent_id'),
    Error: {
      ...all('code', 'message'),
      members: { code: { absent: 'agent_failed' }, message: { absent: 'the agent failed' } },
    },
    ErrorEnvelope: all('error'),
  } satisfies Record<string, MessageRules>),
);

/** `name`: of the message, without its package. */
export function rulesOf(name: string): MessageRules {
  return RULES.get(name) ?? NONE;
}
