import type { Address } from '../../address.ts';
import { reaches } from '../../address.ts';
import { DEFAULT_SETTINGS } from '../../config/agent-entry.ts';
import { AgentError } from '../../contract/agent-error.ts';
import type { RegisterAgentRequest } from '../../contract/messages.ts';
import type { HostedAgent, Registrar, Registry } from '../../host/ports.ts';
import type { HostStore } from '../../host/store/store.ts';
import type { Log } from '../../log.ts';
import type { SpanSource } from '../../span.ts';
import { urlAgent } from './agents.ts';

export interface RegistrarOptions {
  readonly store: Pick<HostStore, 'registrations'>;
  readonly tracing: SpanSource | undefined;
  /** Where this host listens. */
  readonly address: () => Address | undefined;
}

const LONGEST_URL = 2_048;
const LONGEST_TEXT = 16_384;
/** Of all that are registered: each costs memory as long as the host lives. */
const MOST = 10_000;

/** Agents at addresses that administrators have said over the network. They are there again after a restart. */
export function hostRegistrar({ store, tracing, address }: RegistrarOptions): Registrar {
  return {
    async register(request) {
      const faults = faultsOf(request, address());
      if (faults.length > 0) {
        throw new AgentError('unprocessable', 'the agent cannot be registered', { details: { faults } });
      }
      const registered = await store.registrations.list();
      if (registered.length >= MOST) throw new AgentError('overloaded', 'there are as many agents as can be kept');
      const { id, name, model, description, url, remote_id } = request;
      const agent = await registeredAgent(request, tracing);
      try {
        await store.registrations.add(id, JSON.stringify({ id, name, model, description, url, remote_id }));
      } catch (error) {
        await agent.close();
        throw error;
      }
      return agent;
    },
    async unregister({ source, info }) {
      if (source === 'registered') return store.registrations.remove(info.id);
      throw new AgentError('conflict', 'this agent is of the configuration, and can be removed there only');
    },
  };
}

/** Makes those that were registered earlier, but for those whose id the configuration has now. */
export async function restoreAgents(
  { store, tracing }: Pick<RegistrarOptions, 'store' | 'tracing'>,
  registry: Registry,
  log: Log,
): Promise<void> {
  for (const { id, registration } of await store.registrations.list()) {
    if (registry.get(id) !== undefined) {
      log.warn('a registered agent is hidden by one of the configuration', { agent: id });
      continue;
    }
    try {
      // As `register` wrote it.
      registry.add(await registeredAgent(JSON.parse(registration) as RegisterAgentRequest, tracing));
    } catch (error) {
      log.error('a registered agent cannot be used', { agent: id, error });
    }
  }
}

function registeredAgent(request: RegisterAgentRequest, tracing: SpanSource | undefined): Promise<HostedAgent> {
  const { id, url, name, model, description, remote_id } = request;
  const entry = {
    ...DEFAULT_SETTINGS,
    name: name || undefined,
    model: model || undefined,
    description: description || undefined,
    url,
    remoteId: remote_id || id,
    token: undefined,
  };
  return urlAgent(id, entry, 'registered', { tracing });
}

/** Ids and the scheme of the address have been checked with the form of the request. */
function faultsOf(request: RegisterAgentRequest, own: Address | undefined): { path: string; message: string }[] {
  const faults: { path: string; message: string }[] = [];
  const url = URL.parse(request.url);
  const fault = (path: string, message: string): void => void faults.push({ path, message });
  if (url === null || request.url.length > LONGEST_URL)
    fault('url', `expected a URL of at most ${LONGEST_URL} characters`);
  else if (url.username !== '' || url.password !== '') fault('url', 'credentials in an address are not taken');
  else if (url.search !== '' || url.hash !== '') fault('url', 'expected a URL without a query');
  else if (isSelf(url, own) && (request.remote_id || request.id) === request.id)
    fault('url', 'the agent would be itself');
  for (const name of ['name', 'model', 'description'] as const) {
    if ((request[name]?.length ?? 0) > LONGEST_TEXT) fault(name, `expected at most ${LONGEST_TEXT} characters`);
  }
  return faults;
}

function isSelf({ hostname, port }: URL, own: Address | undefined): boolean {
  return own !== undefined && reaches({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) }, own);
}
