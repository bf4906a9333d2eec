import type { Call } from '../call.ts';
import { OutriderError } from '../errors.ts';
import { withoutFields } from '../fields.ts';
import { formatGrpcTimeout } from '../protocols/grpc.ts';
import { type Layer, UNCHANGED } from '../stack.ts';

export interface Timed {
  /** When the time of a gRPC call's `grpc-timeout` is over, on the clock of `performance.now()`; undefined when it has none. */
  readonly grpcDeadline?: number;
}

/**
 * Hands on what is left of the time of a gRPC call: what was spent here, such as on a guardrail that asks elsewhere, is not
 * spent once more over there. Stands last, inside `grpcCalls`.
 */
export function grpcTimeLeft(): Layer<Call & Timed> {
  return (call, next) => {
    const { grpcDeadline, headers } = call;
    if (grpcDeadline === undefined) return next(UNCHANGED);
    const left = grpcDeadline - performance.now();
    if (left <= 0) throw new OutriderError('timeout', 'the deadline has passed');
    const others = withoutFields(headers, (name) => name === 'grpc-timeout');
    return next({ headers: [...others, 'grpc-timeout', formatGrpcTimeout(left)] });
  };
}
