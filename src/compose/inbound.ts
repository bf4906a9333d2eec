import type { InboundCall, Service } from '../call.ts';
import { openApi } from '../endpoints/openapi.ts';
import { health, type Identity, ready } from '../endpoints/probes.ts';
import { router } from '../endpoints/router.ts';
import { admit } from '../layers/admit.ts';
import { authenticate } from '../layers/authenticate.ts';
import { clientSpan } from '../layers/client-span.ts';
import { forwarded } from '../layers/forwarded.ts';
import { guard } from '../layers/guard.ts';
import { PROBLEM_VOICE } from '../layers/guard-voice.ts';
import { limit } from '../layers/limit.ts';
import { rescue } from '../layers/rescue.ts';
import { Stack } from '../stack.ts';
import type { TokenSet } from '../tokens.ts';
import { counted, guardParts, type Parts, surface } from './parts.ts';

export interface InboundOptions {
  tokens: () => TokenSet | undefined;
  agent: Service;
  agentAccepts: () => Promise<boolean>;
  isDraining: () => boolean;
}

/** What the public port serves: three open paths, and the agent behind everything else. */
export function inboundService(
  parts: Parts,
  { tokens, agent, agentAccepts, isDraining }: InboundOptions,
): Service<InboundCall> {
  const { config, metrics } = parts;
  const identity: Identity = { agent: config.agent_name, version: config.agent_version };
  const { concurrent_requests: concurrent, requests_per_second: perSecond, burst } = config.limits;

  const forwardToAgent = surface(parts, { name: 'inbound' })
    .add(admit(isDraining))
    .add(authenticate(tokens))
    .add(limit({ concurrent, perSecond, burst, now: () => performance.now() }))
    .add(guard({ ...guardParts(parts), surfaces: { request: 'request', reply: 'response' }, voice: PROBLEM_VOICE }))
    .add(forwarded({ forwardAuthorization: config.forward_authorization }))
    .add(clientSpan({ name: 'agent' }))
    .serve(counted(agent, () => 'agent', metrics));

  const open = (service: Service): Service<InboundCall> => Stack.empty<InboundCall>().add(rescue()).serve(service);
  return router(
    [
      { method: 'GET', path: '/health', service: open(health(identity)) },
      { method: 'GET', path: '/ready', service: open(ready({ isDraining, agentAccepts })) },
      { method: 'GET', path: '/openapi.json', service: open(openApi(identity, agent)) },
    ],
    forwardToAgent,
  );
}
