import type { Reply } from '../call.ts';
import type { OutriderError } from '../errors.ts';
import { problemReply } from '../problem.ts';
import { JsonRpcError, jsonRpcErrorReply, PARSE_ERROR } from '../protocols/jsonrpc.ts';

/** How the callers of a stack are told that the answer is no. `id`: JSON text of the id of their JSON-RPC request. */
export interface Voice {
  /** Whether every request is JSON-RPC, whatever its headers say. */
  readonly isJsonRpc: boolean;
  /** What is thrown, so that `rescue` makes the right reply of it. */
  readonly thrown: (error: OutriderError, id: () => string) => OutriderError;
  /** JSON of a last event or line, after which a stream ends. */
  readonly document: (error: OutriderError, id: () => string) => string;
  /** Name of that event; undefined: none, since readers of the protocol look at unnamed ones only. */
  readonly eventName: string | undefined;
}

/** RFC 9457. */
export const PROBLEM_VOICE: Voice = {
  isJsonRpc: false,
  thrown: (error) => error,
  document: (error) => bodyText(problemReply(error)),
  eventName: 'error',
};

/** JSON-RPC 2.0. */
export const JSON_RPC_VOICE: Voice = {
  isJsonRpc: true,
  thrown(error, id) {
    if (error instanceof JsonRpcError) return error;
    // What cannot be parsed has no id.
    if (error.details?.['reason'] === 'invalid_json' && error.code === 'bad_request') {
      return new JsonRpcError(error, 'null', PARSE_ERROR);
    }
    return new JsonRpcError(error, id());
  },
  document: (error, id) => bodyText(jsonRpcErrorReply(new JsonRpcError(error, id()))),
  eventName: undefined,
};

function bodyText({ body }: Reply): string {
  return body instanceof Uint8Array ? Buffer.from(body).toString() : '';
}
