import { createConnectRouter } from '@connectrpc/connect';
import type { Call, Service } from '../call.ts';
import { AgentError } from '../contract/agent-error.ts';
import { Health, HealthCheckResponse_ServingStatus as Status } from '../contract/gen/grpc/health/v1/health_pb.ts';
import { toHostError } from './envelope.ts';
import { callHandler } from './grpc-call.ts';
import { toConnectError } from './grpc-error.ts';

/** Whether a process takes calls, and when that changes. */
export interface Serving {
  now(): 'serving' | 'not_serving' | 'draining';
  /** Calls back at each change; gives what ends that. */
  onChange(listener: () => void): () => void;
}

/** A message names one service. */
const MAX_BYTES = 1024;
/** Anyone may watch: a bound on how many do. */
const MAX_WATCHES = 1_000;

/**
 * https://github.com/grpc/grpc/blob/master/doc/health-checking.md, for each of `services` and for the whole (`""`): they are up or
 * down together. By path: what is served on it. Meant to be open, since probes have no credential. A watch ends when the process
 * drains, which it would otherwise hold up.
 */
export function grpcHealth(serving: Serving, services: readonly string[]): Map<string, Service> {
  const known = new Set(['', ...services]);
  let watches = 0;
  const status = (): (typeof Status)[keyof typeof Status] =>
    serving.now() === 'serving' ? Status.SERVING : Status.NOT_SERVING;

  async function* watch(service: string, signal: AbortSignal) {
    if (watches >= MAX_WATCHES) throw failure(new AgentError('overloaded', 'too many watches'));
    watches++;
    let wake = (): void => undefined;
    const changed = (): void => wake();
    const stop = serving.onChange(changed);
    signal.addEventListener('abort', changed);
    try {
      for (let last = -1; !signal.aborted; ) {
        const waiting = new Promise<void>((resolve) => {
          wake = resolve;
        });
        const current = known.has(service) ? status() : Status.SERVICE_UNKNOWN;
        if (current !== last) yield { status: current };
        last = current;
        if (serving.now() === 'draining') throw failure(new AgentError('draining', 'shutting down'));
        if (!signal.aborted) await waiting;
      }
    } finally {
      watches--;
      stop();
      signal.removeEventListener('abort', changed);
    }
  }

  const router = createConnectRouter({ readMaxBytes: MAX_BYTES }).service(Health, {
    check({ service }) {
      if (!known.has(service)) throw failure(new AgentError('not_found', 'no such service'));
      return { status: status() };
    },
    watch: ({ service }, { signal }) => watch(service, signal),
  });
  return new Map(
    router.handlers.map((handler) => [handler.requestPath, (call: Call) => callHandler(handler, call, MAX_BYTES)]),
  );
}

function failure(error: AgentError): Error {
  return toConnectError(toHostError(error));
}
