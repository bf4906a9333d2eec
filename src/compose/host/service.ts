import { randomUUID } from 'node:crypto';
import type { InboundCall, Reply, Service } from '../../call.ts';
import type { HostConfig } from '../../config/host-load.ts';
import type { AgentError } from '../../contract/agent-error.ts';
import { CONTRACT_FIELD, CONTRACT_VERSION } from '../../contract/version.ts';
import { router } from '../../endpoints/router.ts';
import type { OutriderError } from '../../errors.ts';
import { envelopeReply, errorReply, toHostError } from '../../host/envelope.ts';
import { hostPath } from '../../host/http-paths.ts';
import type { Operations } from '../../host/ports.ts';
import { hostRoutes } from '../../host/routes.ts';
import { admit } from '../../layers/admit.ts';
import { authenticateCaller } from '../../layers/authenticate-caller.ts';
import { boundBodies } from '../../layers/bound-bodies.ts';
import type { CallsInFlight } from '../../layers/calls-in-flight.ts';
import { foreignPages } from '../../layers/foreign-pages.ts';
import { grpcCalls, grpcNames, grpcRefused } from '../../layers/grpc.ts';
import { limit } from '../../layers/limit.ts';
import { accessLog, measure } from '../../layers/measure.ts';
import { type Identified, requestId } from '../../layers/request-id.ts';
import { rescueAs } from '../../layers/rescue.ts';
import { trace } from '../../layers/trace.ts';
import type { Log } from '../../log.ts';
import { pathOf } from '../../protocols/attributes.ts';
import { isGrpc } from '../../protocols/grpc.ts';
import type { CallSpan, SpanSource } from '../../span.ts';
import { Stack } from '../../stack.ts';
import { type OpenRoutesOptions, openRoutes } from './open-routes.ts';

export interface HostServiceOptions extends OpenRoutesOptions {
  readonly config: HostConfig;
  readonly operations: Operations;
  readonly tracing: SpanSource | undefined;
  readonly isDraining: () => boolean;
  readonly inFlight: CallsInFlight;
  readonly log: Log;
}

type Traced = InboundCall & Identified & { readonly span: CallSpan };

/** What a host's port serves: the open paths, and behind everything else the contract. */
export function hostService(options: HostServiceOptions): Service<InboundCall> {
  const { config, operations, tracing, isDraining, inFlight, metrics, credentials, log } = options;
  const { concurrent_requests: concurrent, body_bytes: maxBodyBytes, held_bytes: heldBytes } = config.limits;
  const identified = Stack.empty<InboundCall>().add(requestId([CONTRACT_FIELD, CONTRACT_VERSION]));
  const onStatus = (status: string): void => metrics.grpcReply('host', status);
  const rescued = rescueAs<AgentError, InboundCall & Partial<Traced>>({
    toError: toHostError,
    onError: (error, call) => logError(log, error, call),
    reply(error, call) {
      const reply = errorReply(error, call);
      if (isGrpc(call.headers)) grpcRefused(reply, call, onStatus);
      return reply;
    },
  });

  const contract = identified
    .add(trace({ tracing, surface: 'host', route: routeOf }))
    .add(measure({ meter: metrics.surface('host'), onDone: accessLog(log, 'host') }))
    .add(rescued)
    .add(admit(isDraining))
    .add(foreignPages(() => credentials() === undefined))
    .add(authenticateCaller(credentials))
    .add(inFlight.layer)
    .add(limit({ concurrent, perSecond: undefined, burst: undefined, now: () => performance.now() }))
    .add(boundBodies(heldBytes))
    .add(grpcCalls({ onStatus }))
    .add(grpcNames())
    .serve(hostRoutes(operations, { maxBodyBytes }));
  const open = (service: Service<InboundCall>): Service<InboundCall> => identified.add(rescued).serve(service);
  return router(
    openRoutes(options).map((route) => ({ ...route, service: open(route.service) })),
    contract,
  );
}

/** What the listener itself refuses looks like every other error of a host. */
export function refusalReply(error: OutriderError): Reply {
  const { headers, ...reply } = envelopeReply(toHostError(error));
  return { ...reply, headers: [...headers, 'x-request-id', randomUUID(), CONTRACT_FIELD, CONTRACT_VERSION] };
}

/** Refusals are the caller's business and are counted; what went wrong here is logged with its cause. */
function logError(log: Log, error: AgentError, { requestId }: Partial<Traced>): void {
  if (error.code === 'internal') log.error('a request failed', { request_id: requestId, error });
}

/** The endpoint in the words of the contract: ids of agents and jobs are no names for spans. */
function routeOf({ target }: InboundCall): string | undefined {
  const path = pathOf(target);
  if (/^\/(?:outrider\.agent\.v1|grpc\.[a-z0-9.]+)\.[A-Za-z]+\/[A-Za-z]+$/.test(path)) return path;
  const known = knownPath(path);
  if (known === undefined) return undefined;
  return known === 'execute' && !path.startsWith('/v1/')
    ? '/agents/{agent_id}/execute'
    : `/v1/agents${ENDPOINTS[known]}`;
}

type Kind = NonNullable<ReturnType<typeof hostPath>>['on'];

const ENDPOINTS: Readonly<Record<Kind, string>> = {
  agents: '',
  agent: '/{agent_id}',
  execute: '/{agent_id}/execute',
  stream: '/{agent_id}/execute/stream',
  jobs: '/{agent_id}/jobs',
  job: '/{agent_id}/jobs/{job_id}',
};

function knownPath(path: string): Kind | undefined {
  try {
    return hostPath(path)?.on;
  } catch {
    // Refused further in.
    return undefined;
  }
}
