import type { InboundCall, Service } from '../call.ts';
import { openApi } from '../endpoints/openapi.ts';
import { type AgentProbes, agentHealth, health, type Identity, ready } from '../endpoints/probes.ts';
import { router } from '../endpoints/router.ts';
import { admit } from '../layers/admit.ts';
import { authenticate } from '../layers/authenticate.ts';
import { awaitAgent } from '../layers/await-agent.ts';
import { clientSpan } from '../layers/client-span.ts';
import { forwarded } from '../layers/forwarded.ts';
import { grpcCalls, grpcClientSpan, grpcNames, grpcRefused, isGrpcCall } from '../layers/grpc.ts';
import { grpcTimeLeft } from '../layers/grpc-time-left.ts';
import { guard } from '../layers/guard.ts';
import { PROBLEM_VOICE } from '../layers/guard-voice.ts';
import { limit } from '../layers/limit.ts';
import { rescue } from '../layers/rescue.ts';
import { rpcFraming } from '../layers/rpc-framing.ts';
import { lazy } from '../lazy.ts';
import { problemReply } from '../problem.ts';
import { Stack } from '../stack.ts';
import type { TokenSet } from '../tokens.ts';
import { counted, guardParts, type Parts, type SurfaceOptions, surface } from './parts.ts';

export interface InboundOptions {
  tokens: () => TokenSet | undefined;
  agent: Service;
  probes: AgentProbes;
  isDraining: () => boolean;
  /** Not to be sent anything new, and yet taking it. */
  isRetiring: () => boolean;
}

/** Most agents are never asked in gRPC's words. */
const rpcErrors = lazy(() => import('../layers/rpc-error.ts'));

/** What the public port serves: four open paths, and the agent behind everything else. */
export function inboundService(
  parts: Parts,
  { tokens, agent, probes, isDraining, isRetiring }: InboundOptions,
): Service<InboundCall> {
  const { config, metrics } = parts;
  const identity: Identity = { agent: config.agent_name, version: config.agent_version };
  const { concurrent_requests: concurrent, requests_per_second: perSecond, burst } = config.limits;

  const onStatus = (status: string): void => metrics.grpcReply('inbound', status);
  const errorReply: SurfaceOptions['errorReply'] = async (error, call) => {
    const framing = rpcFraming(call);
    if (framing === undefined) return problemReply(error);
    const { rpcErrorReply } = await rpcErrors.load();
    const reply = rpcErrorReply(error, framing, call.headers);
    if (isGrpcCall(call)) grpcRefused(reply, call, onStatus);
    return reply;
  };
  const forwardToAgent = surface(parts, { name: 'inbound', errorReply })
    .add(grpcCalls({ onStatus }))
    .add(admit(isDraining))
    .add(authenticate(tokens))
    .add(grpcNames())
    .add(limit({ concurrent, perSecond, burst, now: () => performance.now() }))
    .add(guard({ ...guardParts(parts), surfaces: { request: 'request', reply: 'response' }, voice: PROBLEM_VOICE }))
    .add(awaitAgent({ isReady: probes.isReady, timeoutMs: config.timeouts.agent_start }))
    .add(forwarded({ forwardAuthorization: config.forward_authorization }))
    .add(grpcTimeLeft())
    .add(clientSpan({ name: 'agent' }))
    .add(grpcClientSpan())
    .serve(counted(agent, () => 'agent', metrics));

  const open = (service: Service): Service<InboundCall> => Stack.empty<InboundCall>().add(rescue()).serve(service);
  return router(
    [
      { method: 'GET', path: '/health', service: open(health(identity)) },
      { method: 'GET', path: '/health/agent', service: open(agentHealth(probes)) },
      { method: 'GET', path: '/ready', service: open(ready({ isDraining: isRetiring, agent: probes })) },
      { method: 'GET', path: '/openapi.json', service: open(openApi(identity, agent)) },
    ],
    forwardToAgent,
  );
}
