import { type DescMessage, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { AgentError } from './agent-error.ts';
import { checkOf } from './check.ts';
import { conversionOf } from './convert.ts';
import { Faults, faulty } from './faults.ts';
import {
  AgentInfoSchema,
  CancelJobRequestSchema,
  ErrorEnvelopeSchema,
  type ErrorJson,
  ErrorSchema,
  ExecuteEventSchema,
  ExecuteReplySchema,
  ExecuteRequestSchema,
  GetAgentRequestSchema,
  GetJobRequestSchema,
  JobSchema,
  ListAgentsReplySchema,
  RegisterAgentRequestSchema,
  RemoveAgentRequestSchema,
  StartJobReplySchema,
} from './gen/outrider/agent/v1/agent_pb.ts';
import type { AgentInfo, ExecuteEvent, ExecuteReply, ExecuteRequest, Job, RegisterAgentRequest } from './messages.ts';
import { boundObjects } from './wire-bound.ts';

/** One message of the contract, between its plain object, protobuf's message and bytes. */
export interface Codec<Json extends object, Desc extends DescMessage = DescMessage> {
  readonly schema: Desc;
  /**
   * The same object, when each member that the contract knows has its type; others stay untouched. Throws `bad_request` with
   * `details.faults`: at most 20 of `{path, message}`, which repeat nothing of what was sent.
   */
  check(value: unknown): Json;
  /**
   * For what a peer answered: a copy in which that is mended what older and laxer agents write (numbers that are missing or have a
   * fraction, null for absent, half of a surrogate pair). Throws `unreadable` with `details.faults`.
   */
  checkReply(value: unknown): Json;
  /** Of what has been checked. Members that the contract does not know are left out; fields that `fromMessage` kept are restored. */
  toMessage(json: Json): MessageShape<Desc>;
  /** Keeps fields that are not known here, out of sight, for `toMessage`. Not checked: see `check` for what types do not say. */
  fromMessage(message: MessageShape<Desc>): Json;
  encode(json: Json): Uint8Array<ArrayBuffer>;
  /** Throws `bad_request`. Whoever hands the bytes bounds their number; how many objects they become is bounded here. */
  decode(bytes: Uint8Array): Json;
}

/** For descriptors of other minor versions too. */
export function codecOf<Json extends object, Desc extends DescMessage>(schema: Desc): Codec<Json, Desc> {
  const check = checkOf(schema);
  const { toMessage, fromMessage } = conversionOf(schema);
  const checked = (value: unknown, faults: Faults, code: 'bad_request' | 'unreadable', what: string): Json => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      faults.add(undefined, undefined, 'expected an object');
      throw faulty(code, what, faults.found);
    }
    const seen = check(value, faults, undefined);
    if (faults.found.length > 0) throw faulty(code, what, faults.found);
    // The check has seen each member that the type names.
    return seen as Json;
  };
  const codec: Codec<Json, Desc> = {
    schema,
    check: (value) => checked(value, new Faults(), 'bad_request', 'the request does not fit the contract'),
    checkReply: (value) => checked(value, new Faults(true), 'unreadable', 'the reply does not fit the contract'),
    // Both were compiled from this very schema.
    toMessage: (json) => toMessage(json) as MessageShape<Desc>,
    fromMessage: (message) => fromMessage(message) as Json,
    encode: (json) => toBinary(schema, codec.toMessage(json)),
    decode(bytes) {
      boundObjects(schema, bytes);
      let message: MessageShape<Desc>;
      try {
        message = fromBinary(schema, bytes);
      } catch (cause) {
        throw new AgentError('bad_request', `the bytes are no ${schema.name} of the contract`, { cause });
      }
      return codec.fromMessage(message);
    },
  };
  return codec;
}

type JobName = { agent_id: string; job_id: string };
type AgentName = { agent_id: string };

export const executeRequestCodec = codecOf<ExecuteRequest, typeof ExecuteRequestSchema>(ExecuteRequestSchema);
export const executeReplyCodec = codecOf<ExecuteReply, typeof ExecuteReplySchema>(ExecuteReplySchema);
export const executeEventCodec = codecOf<ExecuteEvent, typeof ExecuteEventSchema>(ExecuteEventSchema);
export const startJobReplyCodec = codecOf<{ job_id: string }, typeof StartJobReplySchema>(StartJobReplySchema);
export const getJobRequestCodec = codecOf<JobName, typeof GetJobRequestSchema>(GetJobRequestSchema);
export const cancelJobRequestCodec = codecOf<JobName, typeof CancelJobRequestSchema>(CancelJobRequestSchema);
export const jobCodec = codecOf<Job, typeof JobSchema>(JobSchema);
export const listAgentsReplyCodec = codecOf<{ agents: AgentInfo[] }, typeof ListAgentsReplySchema>(
  ListAgentsReplySchema,
);
export const getAgentRequestCodec = codecOf<AgentName, typeof GetAgentRequestSchema>(GetAgentRequestSchema);
export const agentInfoCodec = codecOf<AgentInfo, typeof AgentInfoSchema>(AgentInfoSchema);
export const registerAgentRequestCodec = codecOf<RegisterAgentRequest, typeof RegisterAgentRequestSchema>(
  RegisterAgentRequestSchema,
);
export const removeAgentRequestCodec = codecOf<AgentName, typeof RemoveAgentRequestSchema>(RemoveAgentRequestSchema);
export const errorCodec = codecOf<ErrorJson, typeof ErrorSchema>(ErrorSchema);
export const errorEnvelopeCodec = codecOf<{ error: ErrorJson }, typeof ErrorEnvelopeSchema>(ErrorEnvelopeSchema);
