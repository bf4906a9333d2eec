import { createConnectRouter, createContextValues } from '@connectrpc/connect';
import type { Service } from '../call.ts';
import { AgentError } from '../contract/agent-error.ts';
import { AgentService } from '../contract/gen/outrider/agent/v1/agent_pb.ts';
import { CONTRACT_FIELD, checkPeer } from '../contract/version.ts';
import { getField } from '../fields.ts';
import { parseGrpcTimeout } from '../protocols/grpc.ts';
import { callHandler } from './grpc-call.ts';
import { COMPRESSIONS } from './grpc-compression.ts';
import { agentMethods, HOST_CALL } from './grpc-methods.ts';
import { isPlainGrpc } from './grpc-plain.ts';
import { reflection, reflectionServices } from './grpc-reflection.ts';
import { type HostInbound, hostCall } from './inbound.ts';
import type { Operations } from './ports.ts';

export interface GrpcOptions {
  /** The largest message that is read, when it has been decompressed. */
  readonly maxMessageBytes: number;
}

/** A message of reflection names one thing. */
const MAX_REFLECTION_BYTES = 16 * 1024;

/** The contract over gRPC, gRPC-Web and Connect, and the reflection of all that is served so. By path: what is served on it. */
export function hostGrpc(operations: Operations, { maxMessageBytes }: GrpcOptions): Map<string, Service<HostInbound>> {
  const methods = agentMethods(operations);
  const router = createConnectRouter({
    acceptCompression: COMPRESSIONS,
    readMaxBytes: maxMessageBytes,
    jsonOptions: { alwaysEmitImplicit: true, ignoreUnknownFields: true },
  });
  router.service(AgentService, {
    execute: methods.execute.handle,
    executeStream: methods.executeStream.handle,
    startJob: methods.startJob.handle,
    getJob: methods.getJob.handle,
    cancelJob: methods.cancelJob.handle,
    listAgents: methods.listAgents.handle,
    getAgent: methods.getAgent.handle,
    registerAgent: methods.registerAgent.handle,
    removeAgent: methods.removeAgent.handle,
  });
  for (const service of reflectionServices) {
    router.service(service, reflection, { readMaxBytes: MAX_REFLECTION_BYTES });
  }
  // Those of the router are the methods of the service, by these names.
  const plain = new Map(
    AgentService.methods.map((method) => [method, methods[method.localName as keyof typeof methods].answer] as const),
  );
  return new Map(
    router.handlers.map((handler) => {
      const answer = plain.get(handler.method);
      const maxBytes = answer === undefined ? MAX_REFLECTION_BYTES : maxMessageBytes;
      const service: Service<HostInbound> = (call) => {
        checkPeer(getField(call.headers, CONTRACT_FIELD));
        const deadline = deadlineOf(call);
        if (answer !== undefined && isPlainGrpc(call)) {
          return answer(call, maxBytes, (signal) => hostCall(call, signal, deadline));
        }
        return callHandler(handler, call, maxBytes, (signal) =>
          createContextValues().set(HOST_CALL, hostCall(call, signal, deadline)),
        );
      };
      return [handler.requestPath, service];
    }),
  );
}

/** `grpc-timeout`, or Connect's own. Counts from here, on a clock that nobody sets. */
function deadlineOf({ headers }: HostInbound): number | undefined {
  const grpc = getField(headers, 'grpc-timeout');
  const connect = getField(headers, 'connect-timeout-ms');
  if (grpc === undefined && connect === undefined) return undefined;
  const ms = grpc === undefined ? parseConnectTimeout(connect) : parseGrpcTimeout(grpc);
  if (ms === undefined) throw new AgentError('bad_request', 'the timeout of the call is malformed');
  return performance.now() + ms;
}

/** At most ten digits: https://connectrpc.com/docs/protocol#unary-request */
function parseConnectTimeout(text = ''): number | undefined {
  return /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}
