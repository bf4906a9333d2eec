import type { Call } from '../call.ts';
import { isGrpc } from '../protocols/grpc.ts';
import { contractMethod } from './guard-contract.ts';
import { type Framing, wireOf } from './guard-grpc-protocol.ts';

/** In which form whoever makes this call understands errors of gRPC; undefined: in none, as most callers. */
export function rpcFraming({ headers, target, method }: Call): Framing | undefined {
  if (isGrpc(headers)) return 'grpc';
  const framing = method === 'POST' ? wireOf(headers)?.framing : undefined;
  // JSON is not a call of Connect because it is JSON.
  return framing === 'unary' && contractMethod(target) === undefined ? undefined : framing;
}
