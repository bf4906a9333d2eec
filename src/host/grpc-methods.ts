import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { createContextKey, type HandlerContext } from '@connectrpc/connect';
import type { Call, Reply } from '../call.ts';
import {
  agentInfoCodec,
  type Codec,
  cancelJobRequestCodec,
  codecOf,
  executeEventCodec,
  executeReplyCodec,
  executeRequestCodec,
  getAgentRequestCodec,
  getJobRequestCodec,
  jobCodec,
  listAgentsReplyCodec,
  registerAgentRequestCodec,
  removeAgentRequestCodec,
  startJobReplyCodec,
} from '../contract/codec.ts';
import { ListAgentsRequestSchema, RemoveAgentReplySchema } from '../contract/gen/outrider/agent/v1/agent_pb.ts';
import { checkExecuteRequest, checkRegisterAgentRequest } from '../contract/request.ts';
import { toHostError } from './envelope.ts';
import { toConnectError } from './grpc-error.ts';
import { plainReply, plainStream, readPlain } from './grpc-plain.ts';
import type { HostCall, Operations } from './ports.ts';

/** What Connect's handlers know of the call that they answer. */
export const HOST_CALL = createContextKey<HostCall | undefined>(undefined, { description: 'the call of a host' });

/** One method of the contract, for whoever serves it. */
interface Method<In extends DescMessage, Answer> {
  /** For Connect. Throws `ConnectError`s. */
  readonly handle: (message: MessageShape<In>, context: HandlerContext) => Answer;
  /** For calls of the plain form. Throws `AgentError`s. */
  readonly answer: (call: Call, maxBytes: number, hostCall: (signal: AbortSignal) => HostCall) => Promise<Reply>;
}

const listAgentsRequestCodec = codecOf<object, typeof ListAgentsRequestSchema>(ListAgentsRequestSchema);
const removeAgentReplyCodec = codecOf<object, typeof RemoveAgentReplySchema>(RemoveAgentReplySchema);

/** By their names in the generated service. */
export function agentMethods(operations: Operations) {
  return {
    execute: unary(executeRequestCodec, executeReplyCodec, (request, call) =>
      operations.execute(checkExecuteRequest(request), call),
    ),
    executeStream: streaming(executeRequestCodec, executeEventCodec, (request, call) =>
      operations.executeStream(checkExecuteRequest(request), call),
    ),
    startJob: unary(executeRequestCodec, startJobReplyCodec, (request, call) =>
      operations.startJob(checkExecuteRequest(request), call),
    ),
    getJob: unary(getJobRequestCodec, jobCodec, (which, call) => operations.getJob(which, call)),
    cancelJob: unary(cancelJobRequestCodec, jobCodec, (which, call) => operations.cancelJob(which, call)),
    listAgents: unary(listAgentsRequestCodec, listAgentsReplyCodec, (_request, call) => operations.listAgents(call)),
    getAgent: unary(getAgentRequestCodec, agentInfoCodec, (which, call) => operations.getAgent(which, call)),
    registerAgent: unary(registerAgentRequestCodec, agentInfoCodec, (request, call) =>
      operations.registerAgent(checkRegisterAgentRequest(request), call),
    ),
    removeAgent: unary(removeAgentRequestCodec, removeAgentReplyCodec, async (which, call) => {
      await operations.removeAgent(which, call);
      return {};
    }),
  };
}

function unary<I extends object, O extends object, In extends DescMessage, Out extends DescMessage>(
  input: Codec<I, In>,
  output: Codec<O, Out>,
  run: (request: I, call: HostCall) => O | Promise<O>,
): Method<In, Promise<MessageShape<Out>>> {
  return {
    async handle(message, context) {
      try {
        return output.toMessage(await run(input.fromMessage(message), callOf(context)));
      } catch (thrown) {
        throw toConnectError(toHostError(thrown));
      }
    },
    answer: async (call, maxBytes, hostCall) =>
      plainReply(await run(await readPlain(call, input, maxBytes), hostCall(call.signal)), output),
  };
}

function streaming<I extends object, O extends object, In extends DescMessage, Out extends DescMessage>(
  input: Codec<I, In>,
  output: Codec<O, Out>,
  run: (request: I, call: HostCall) => AsyncIterable<O>,
): Method<In, AsyncIterable<MessageShape<Out>>> {
  return {
    async *handle(message, context) {
      try {
        for await (const event of run(input.fromMessage(message), callOf(context))) yield output.toMessage(event);
      } catch (thrown) {
        throw toConnectError(toHostError(thrown));
      }
    },
    async answer(call, maxBytes, hostCall) {
      const request = await readPlain(call, input, maxBytes);
      return plainStream(call, output, (signal) => run(request, hostCall(signal)));
    },
  };
}

function callOf({ values }: HandlerContext): HostCall {
  const call = values.get(HOST_CALL);
  if (call === undefined) throw new Error('a handler was called without its call');
  return call;
}
