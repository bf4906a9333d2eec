import { AgentError, toAgentError } from '../contract/agent-error.ts';
import type { CallOptions } from './agent.ts';
import type { CostReport } from './cost-report.ts';
import { type MeterOptions, meterWith } from './metered/metered.ts';
import { CostQueue } from './sidecar-costs.ts';
import type { Helper } from './sidecar-fetch.ts';
import { type A2aPeer, a2aPeer, type McpServer, mcpServer } from './sidecar-peers.ts';

/** Where the helpers are, and how long cost events are tried; all of it has a default. */
export interface SidecarOptions {
  /** Base URL of all helpers. Without it, what `env` says of each; without that, `http://127.0.0.1:9090`. */
  readonly url?: string;
  /** Where the addresses are looked up; `process.env` unless told. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** How long a cost event that the sidecar does not take is sent again, in milliseconds; 30 s unless told. */
  readonly retryMs?: number;
  /** Told of an event of `metered` that was lost, and why; without it, a warning of the process is emitted, one a minute at most. */
  readonly onCostLost?: (error: AgentError, report: CostReport | undefined) => void;
  readonly fetch?: typeof globalThis.fetch;
}

/** The helpers of the sidecar beside this agent. What goes wrong is an `AgentError`. */
export interface Sidecar {
  /** Another agent, by the name that the sidecar's configuration gives it (`a2a_peers`). */
  a2a(peer: string): A2aPeer;
  /** An MCP server, by the name that the sidecar's configuration gives it (`mcp_servers`). */
  mcp(server: string): McpServer;
  /**
   * Records a model call. Resolves once it is on the sidecar's disk; sent again, under the same id, while the sidecar restarts or is
   * busy. Throws `bad_request` for what is wrong with the event, with `details.faults`.
   */
  cost(event: CostReport, options?: CallOptions): Promise<{ readonly event_id: string }>;
  /**
   * A `fetch` for the SDKs of model providers, which records each call of a model that goes through it, and its price:
   * `new OpenAI({ fetch: sidecar().metered() })`. `fetch`: what sends; the global one unless told.
   */
  metered(fetch?: typeof globalThis.fetch, options?: MeterOptions): typeof globalThis.fetch;
  /** Resolves once no event of `cost` or `metered` is on its way any more, sent or lost. To be awaited before `process.exit`. */
  flush(): Promise<void>;
}

const DEFAULT_URL = 'http://127.0.0.1:9090';
const DEFAULT_RETRY_MS = 30_000;

/**
 * The sidecar beside this program. `outrider run` says in the environment where its helpers are (`OUTRIDER_A2A_URL`,
 * `OUTRIDER_MCP_URL`, `OUTRIDER_COST_URL`, `OUTRIDER_LOCAL_URL`). Opens nothing before it is used. Throws `bad_request` when an
 * address is no URL.
 */
export function sidecar(options: SidecarOptions = {}): Sidecar {
  const { env = process.env, retryMs = DEFAULT_RETRY_MS, onCostLost = warnOfLoss } = options;
  const fetch = (): typeof globalThis.fetch => options.fetch ?? globalThis.fetch;
  const helper = (variable: string, path: string): Helper => ({
    url: addressOf(options.url, env, variable) + path,
    fetch,
  });
  const costs = new CostQueue({ helper: helper('OUTRIDER_COST_URL', '/cost'), retryMs });
  const a2a = helper('OUTRIDER_A2A_URL', '/a2a/');
  const mcp = helper('OUTRIDER_MCP_URL', '/mcp/');

  return {
    a2a: (peer) => a2aPeer({ ...a2a, url: a2a.url + encodeURIComponent(peer) }),
    mcp: (server) => mcpServer({ ...mcp, url: mcp.url + encodeURIComponent(server) }),
    cost: async (event, callOptions) => ({ event_id: await costs.send(event, callOptions) }),
    flush: () => costs.flush(),
    metered: (inner, meterOptions = {}) =>
      meterWith(inner, meterOptions, (report) => {
        let event: CostReport | undefined;
        const sent = report.then((made) => {
          event = made;
          return costs.send(made);
        });
        costs.track(sent).catch((error: unknown) => onCostLost(toAgentError(error), event));
      }),
  };
}

/** A `metered` fetch may report to somebody else than the sidecar. */
export interface MeteredOptions extends MeterOptions {
  /** Takes each event; unless told, the sidecar that the environment names. What it throws or rejects with is lost. */
  readonly report?: (event: CostReport) => unknown;
}

let shared: Sidecar | undefined;

/**
 * A `fetch` that records what each call of a model used and costs: OpenAI (and what speaks its API), Anthropic, Google, streamed or
 * not, also when it breaks off. It changes nothing for its caller, and passes on all other requests as they are.
 */
export function metered(fetch?: typeof globalThis.fetch, options: MeteredOptions = {}): typeof globalThis.fetch {
  const { report } = options;
  if (report === undefined) {
    shared ??= sidecar();
    return shared.metered(fetch, options);
  }
  return meterWith(fetch, options, (event) => {
    event.then(report).catch((cause: unknown) => {
      // Its message may say anything.
      warnOfLoss(new AgentError('internal', 'what they are reported to has failed', { cause }));
    });
  });
}

function addressOf(
  url: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  variable: string,
): string {
  const address = url ?? (env[variable] || env['OUTRIDER_LOCAL_URL'] || DEFAULT_URL);
  if (!URL.canParse(address) || !/^https?:/i.test(address)) {
    throw new AgentError('bad_request', `${url === undefined ? variable : 'url'} is not the URL of a sidecar`);
  }
  return address.replace(/\/+$/, '');
}

const WARN_EVERY_MS = 60_000;
let lostSince = 0;
let warnAt = 0;

/** What can happen with every call is said once a minute. */
function warnOfLoss(error: AgentError): void {
  lostSince++;
  if (performance.now() < warnAt) return;
  warnAt = performance.now() + WARN_EVERY_MS;
  process.emitWarning(`${lostSince} cost event(s) could not be recorded: ${error.message}`, 'OutriderWarning');
  lostSince = 0;
}
