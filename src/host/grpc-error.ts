import { ConnectError } from '@connectrpc/connect';
import type { AgentError } from '../contract/agent-error.ts';
import { errorCodec } from '../contract/codec.ts';
import { errorForTrailers, MAX_STATUS_MESSAGE } from '../contract/grpc-error.ts';
import { grpcStatusOf } from '../contract/grpc-status.ts';

/** An error as Connect sends it in each of its protocols, with the contract's `Error` among the details. */
export function toConnectError(error: AgentError): ConnectError {
  const json = errorForTrailers(error);
  return new ConnectError(
    json.message.slice(0, MAX_STATUS_MESSAGE).toWellFormed(),
    grpcStatusOf(json.code, error.status),
    undefined,
    [{ desc: errorCodec.schema, value: errorCodec.toMessage(json) }],
    error,
  );
}
