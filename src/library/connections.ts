import { breaker } from '../agent/breaker.ts';
import type { Resilience } from '../agent/resilient.ts';
import { RetryBudget } from '../agent/retry-budget.ts';
import type { Service } from '../call.ts';
import { AgentError } from '../contract/agent-error.ts';
import { OutriderError } from '../errors.ts';
import type { ClientOptions, HttpClient } from '../net/client.ts';

export type Protocol = 'http' | 'grpc';

/** An address, as one agent there sees it. */
export interface Connection {
  readonly send: Service;
  /** Path of the address, without a slash at its end. */
  readonly path: string;
  readonly resilience: Resilience;
  /** The last one that lets go closes the connections. */
  release(): Promise<void>;
}

/** What all agents at one origin have in common. */
interface Origin {
  readonly client: () => HttpClient | Promise<HttpClient>;
  close(): Promise<void>;
  readonly resilience: Resilience;
  users: number;
}

/** Limits of a call are its run's: an agent may think for as long as its caller waits. */
const CLIENT: ClientOptions = { name: 'the agent', connectTimeoutMs: 5_000, responseTimeoutMs: 0, idleTimeoutMs: 0 };

const origins = new Map<string, Origin>();

/** Throws `bad_request` for what is no address of the protocol; the error does not repeat it, since it may hold a secret. */
export function connect(protocol: Protocol, url: string): Connection {
  const { origin: address, path } = addressOf(protocol, url);
  const key = `${protocol} ${address}`;
  const origin = origins.get(key) ?? newOrigin(protocol, address);
  origins.set(key, origin);
  origin.users++;
  let released = false;
  return {
    path,
    resilience: origin.resilience,
    async send(call) {
      if (released) throw new OutriderError('unreachable', 'the agent has been closed');
      const client = origin.client();
      return client instanceof Promise ? (await client).send(call) : client.send(call);
    },
    async release() {
      if (released) return;
      released = true;
      if (--origin.users > 0) return;
      origins.delete(key);
      await origin.close();
    },
  };
}

/** The client is loaded with the first call: who has agents in the process only never loads one. */
function newOrigin(protocol: Protocol, address: string): Origin {
  let client: HttpClient | undefined;
  let loading: Promise<HttpClient> | undefined;
  const load = async (): Promise<HttpClient> => {
    client =
      protocol === 'http'
        ? (await import('../net/client.ts')).httpClient(address, CLIENT)
        : (await import('../net/http2-client.ts')).http2Client(address, CLIENT);
    return client;
  };
  return {
    client: () => client ?? (loading ??= load()),
    close: async () => (await loading)?.close(),
    resilience: { breaker: breaker(), budget: new RetryBudget() },
    users: 0,
  };
}

const SCHEMES: Readonly<Record<Protocol, Readonly<Record<string, string>>>> = {
  http: { 'http:': 'http:', 'https:': 'https:' },
  grpc: { 'http:': 'http:', 'https:': 'https:', 'grpc:': 'http:', 'grpcs:': 'https:' },
};

function addressOf(protocol: Protocol, text: string): { origin: string; path: string } {
  const scheme = /^[a-z]+:(?=\/\/)/i.exec(text)?.[0].toLowerCase() ?? '';
  const transport = SCHEMES[protocol][scheme];
  // `grpc:` is no scheme of which URL knows that it has an origin.
  const url = transport === undefined ? null : URL.parse(transport + text.slice(scheme.length));
  if (url === null || url.hostname === '') {
    const names = Object.keys(SCHEMES[protocol]).map((name) => `${name}//`);
    throw new AgentError(
      'bad_request',
      `url: expected the address of an agent, which begins with ${names.join(' or ')}`,
    );
  }
  if (url.username !== '' || url.password !== '') {
    throw new AgentError('bad_request', 'url: a credential does not belong into an address; use token');
  }
  if (url.search !== '' || url.hash !== '') {
    throw new AgentError('bad_request', 'url: an address has neither a query nor a fragment');
  }
  return { origin: url.origin, path: url.pathname.replace(/\/+$/, '') };
}
