import type { InboundCall, Service } from '../call.ts';
import { AgentError } from '../contract/agent-error.ts';
import { Health } from '../contract/gen/grpc/health/v1/health_pb.ts';
import { lazy } from '../lazy.ts';
import { pathOf } from '../protocols/attributes.ts';
import { isGrpc } from '../protocols/grpc.ts';
import type { GrpcOptions } from './grpc.ts';
import type { Serving } from './grpc-health.ts';
import { type HttpOptions, hostHttp } from './http.ts';
import type { HostInbound } from './inbound.ts';
import type { Operations } from './ports.ts';

const MIB = 2 ** 20;

export interface HostRoutesOptions extends Partial<HttpOptions>, Partial<GrpcOptions> {}

/**
 * All that a host serves to those who may call it: the contract as JSON over HTTP, and over gRPC, gRPC-Web and Connect, on one
 * listener. What serves the latter is loaded with the first call of that kind. Throws what `toHostError` and `errorReply` make a
 * reply of.
 */
export function hostRoutes(operations: Operations, options: HostRoutesOptions = {}): Service<HostInbound> {
  const { maxBodyBytes = 10 * MIB, keepAliveMs = 15_000, firstEventMs = 1_000 } = options;
  const http = hostHttp(operations, { maxBodyBytes, keepAliveMs, firstEventMs });
  const grpc = lazy(async () => {
    const { hostGrpc } = await import('./grpc.ts');
    return hostGrpc(operations, { maxMessageBytes: options.maxMessageBytes ?? maxBodyBytes });
  });
  return async (call) => {
    const path = pathOf(call.target);
    if (SERVICE_PATH.test(path)) {
      const service = (grpc.value ?? (await grpc.load())).get(path);
      if (service !== undefined) return service(call);
    }
    // In gRPC a method that is not there is not the same as a thing that is not there.
    if (isGrpc(call.headers)) throw new AgentError('method_not_allowed', 'there is no such method');
    return http(call);
  };
}

/** A method of a service, whose full name has a dot. No path of the contract over HTTP begins so. */
const SERVICE_PATH = /^\/[^/]*\.[^/]*\/[^/]+$/;

/** What probes ask without a credential, by path: `grpc.health.v1.Health`. Loaded with the first probe. */
export function healthRoutes(serving: Serving): ReadonlyMap<string, Service<InboundCall>> {
  const health = lazy(async () => {
    const [{ grpcHealth }, { SERVICES }] = await Promise.all([
      import('./grpc-health.ts'),
      import('./grpc-reflection.ts'),
    ]);
    return grpcHealth(serving, SERVICES);
  });
  const serve: Service<InboundCall> = async (call) => {
    const service = (health.value ?? (await health.load())).get(pathOf(call.target));
    // It serves every method that it has.
    if (service === undefined) throw new AgentError('method_not_allowed', 'there is no such method');
    return service(call);
  };
  return new Map(Health.methods.map(({ name }) => [`/${Health.typeName}/${name}`, serve]));
}
