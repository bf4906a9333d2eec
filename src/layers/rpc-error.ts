import type { Reply } from '../call.ts';
import { type AgentError, toAgentError } from '../contract/agent-error.ts';
import { errorCodec } from '../contract/codec.ts';
import { errorForTrailers, grpcErrorFields, grpcErrorReply } from '../contract/grpc-error.ts';
import { GRPC_STATUS, grpcStatusOf } from '../contract/grpc-status.ts';
import type { OutriderError } from '../errors.ts';
import { type Fields, getField } from '../fields.ts';
import { problemReply } from '../problem.ts';
import { END_STREAM, envelope, TRAILERS, trailerLines } from '../protocols/envelope.ts';
import type { Framing } from './guard-grpc-protocol.ts';

/** An error as the caller's protocol has it. `headers`: those of the request. */
export function rpcErrorReply(error: OutriderError, framing: Framing, headers: Fields): Reply {
  if (framing === 'grpc') return grpcErrorReply(toAgentError(error));
  if (framing !== 'unary') {
    const type = getField(headers, 'content-type') ?? '';
    return { status: 200, headers: ['Content-Type', type], body: lastFrame(toAgentError(error), framing) };
  }
  const { headers: fields } = problemReply(error);
  const status = HTTP_STATUS[grpcStatusOf(error.code, error.status)] ?? 500;
  const type: Fields = ['Content-Type', 'application/json'];
  return {
    status,
    headers: [...type, ...fields.slice(type.length)],
    body: jsonBytes(connectError(toAgentError(error))),
  };
}

/** What ends a stream of messages that was broken off. Of gRPC that is nothing, since trailers say it. */
export function lastFrame(error: AgentError, framing: Exclude<Framing, 'unary'>): Uint8Array {
  switch (framing) {
    case 'grpc':
      return NOTHING;
    case 'grpc-web':
      return envelope(TRAILERS, trailerLines(grpcErrorFields(error)));
    case 'connect':
      return envelope(END_STREAM, jsonBytes({ error: connectError(error) }));
    default:
      return framing satisfies never;
  }
}

const NOTHING: Uint8Array = new Uint8Array(0);

/** https://connectrpc.com/docs/protocol, "Error Codes" and "Error" */
function connectError(error: AgentError): object {
  const json = errorForTrailers(error);
  const value = Buffer.from(errorCodec.encode(json)).toString('base64').replace(/=+$/, '');
  const status = grpcStatusOf(error.code, error.status);
  const name = Object.entries(GRPC_STATUS).find(([, number]) => number === status)?.[0] ?? 'unknown';
  return {
    // Connect writes it with one l.
    code: name === 'cancelled' ? 'canceled' : name,
    message: json.message,
    details: [{ type: errorCodec.schema.typeName, value, debug: json }],
  };
}

function jsonBytes(value: object): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

/** By gRPC status; those that are not here are 500. */
const HTTP_STATUS: Readonly<Record<number, number>> = {
  [GRPC_STATUS.cancelled]: 499,
  [GRPC_STATUS.invalid_argument]: 400,
  [GRPC_STATUS.deadline_exceeded]: 504,
  [GRPC_STATUS.not_found]: 404,
  [GRPC_STATUS.already_exists]: 409,
  [GRPC_STATUS.permission_denied]: 403,
  [GRPC_STATUS.resource_exhausted]: 429,
  [GRPC_STATUS.failed_precondition]: 400,
  [GRPC_STATUS.aborted]: 409,
  [GRPC_STATUS.unimplemented]: 501,
  [GRPC_STATUS.unavailable]: 503,
  [GRPC_STATUS.unauthenticated]: 401,
};
