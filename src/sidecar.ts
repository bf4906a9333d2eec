import { setTimeout as sleep } from 'node:timers/promises';
import { parseAddress } from './address.ts';
import type { InboundCall, Service } from './call.ts';
import { agentClient } from './compose/agent-client.ts';
import { type CleanUp, withCleanUp } from './compose/clean-up.ts';
import { guardRulesMetrics, openGuardRules } from './compose/guardrails.ts';
import { helperServices } from './compose/helpers.ts';
import { inboundService } from './compose/inbound.ts';
import { openLocalLedger } from './compose/ledger.ts';
import type { Parts } from './compose/parts.ts';
import type { Config } from './config/load.ts';
import type { AgentProbes } from './endpoints/probes.ts';
import { inspect } from './guardrails/inspect.ts';
import type { Log } from './log.ts';
import { httpProbe } from './net/http-probe.ts';
import { tcpProbe } from './net/probe.ts';
import { type Listener, listen } from './net/server.ts';
import { createMetrics, ledgerMetrics, tracingMetrics } from './telemetry/metrics.ts';
import { startTracing } from './telemetry/tracing.ts';
import type { TokenSet } from './tokens.ts';

export interface SidecarOptions {
  config: Config;
  /** The bearer tokens in force; undefined lets every caller in. */
  tokens: () => TokenSet | undefined;
  version: string;
  log: Log;
  /** Our own environment, for the processes we start. */
  env: Readonly<Record<string, string | undefined>>;
}

export type ListenerName = 'inbound' | 'helpers' | 'mcp' | 'cost';

export interface Sidecar {
  readonly listeners: Readonly<Record<ListenerName, Listener>>;
  /**
   * Not ready from now on, and, `atOnce` or after `drain_delay`, no new requests; resolves when those in flight are finished. The helpers
   * go on.
   */
  drain(options: { atOnce: boolean }): Promise<void>;
  /** Breaks off what is left, flushes costs and spans within `FLUSH_MS`, ends children. */
  close(): Promise<void>;
}

const FLUSH_MS = 4_000;
const DRAIN_POLL_MS = 20;

/** Starts everything that rides beside the agent; resolves when all listeners are open. Rejects without leaving anything behind. */
export function startSidecar(options: SidecarOptions): Promise<Sidecar> {
  return withCleanUp((cleanUp, close) => assemble(options, cleanUp, close));
}

async function assemble(
  { config, tokens, version, log, env }: SidecarOptions,
  cleanUp: CleanUp,
  close: () => Promise<void>,
): Promise<Sidecar> {
  const begun = performance.now();
  let retiring = false;
  let draining = false;
  const isDraining = (): boolean => draining;

  const metrics = createMetrics({ version, log });
  cleanUp.push(async () => metrics.close());
  const [ledger, tracing] = await Promise.all([
    openLocalLedger(config, log),
    startTracing({
      env: config.otelEnvironment(),
      serviceName: config.agent_name,
      serviceVersion: config.agent_version,
      log,
    }),
  ]);
  cleanUp.push(async () => {
    await Promise.all([ledger.close(FLUSH_MS), tracing?.shutdown(FLUSH_MS)]);
  });
  metrics.observe(
    ledgerMetrics(() => ledger.status().store, config.ledger && (() => ledger.status().outbox ?? NOTHING_TO_SHIP)),
  );
  if (tracing !== undefined) metrics.observe(tracingMetrics(() => tracing.status()));

  const guardRules = openGuardRules({ config, log });
  cleanUp.push(() => guardRules.close());
  metrics.observe(guardRulesMetrics(guardRules));
  const scrub = (text: string): string => {
    const { bytes, hits } = inspect(guardRules.engines().for('request'), Buffer.from(text), 'text/plain');
    // What a rule blocks or warns of stands in the text still.
    return hits.some(({ action }) => action !== 'redact') ? '[REDACTED]' : Buffer.from(bytes).toString();
  };
  const parts: Parts = { config, version, log, metrics, tracing, guardRules, audit: ledger.store, scrub };

  const agent = agentClient(config);
  cleanUp.push(() => agent.close());
  const agentAccepts = tcpProbe(config.agent_url);
  const agentAnswers = (path: string | undefined): (() => Promise<boolean>) =>
    path === undefined ? agentAccepts : httpProbe(below(config.agent_url, path));
  const probes: AgentProbes = {
    isReady: agentAnswers(config.agent_ready_path),
    isWell: agentAnswers(config.agent_health_path),
  };

  const health = async (): Promise<object> => ({
    status: retiring ? 'draining' : 'ok',
    version,
    uptime_seconds: Math.round((performance.now() - begun) / 1000),
    agent: { name: config.agent_name, version: config.agent_version ?? null, reachable: await agentAccepts() },
    guardrails: guardRules.engines().rules.map(({ name, action }) => ({ name, action })),
    guardrails_file: guardRules.status(),
    ...helpers.status(),
    traces: tracing === undefined ? { enabled: false } : { enabled: true, ...tracing.status() },
    ledger: { shipping: config.ledger !== undefined, ...ledger.status() },
  });
  // Opened last, so that it may not be there yet when somebody asks for its end.
  let callers: Listener | undefined;
  const retire = (): void => {
    if (!retiring) log.info('not ready from now on: callers are to go elsewhere');
    retiring = true;
    callers?.drain();
  };
  const helpers = helperServices(parts, { recorder: ledger.store, health, retire, env });
  cleanUp.push(() => helpers.close());

  const open = async (
    listener: ListenerName,
    address: string,
    variable: string,
    service: Service<InboundCall>,
  ): Promise<Listener> => {
    const parsed = parseAddress(address);
    // The configuration's schema lets nothing else through.
    if (parsed === undefined) throw new TypeError(`not an address: ${address}`);
    const opened = await listen(service, parsed, {
      name: `${listener}, ${variable}`,
      maxHeaderBytes: config.limits.header_bytes,
      headerTimeoutMs: config.limits.header_timeout,
      idleTimeoutMs: config.timeouts.idle,
      // The helpers are the agent's own, which has no need of it.
      http2: listener === 'inbound',
      onRefused(error) {
        metrics.refused(error.code);
        if (error.code === 'internal') log.error('a connection was refused', { listener, error });
      },
    });
    cleanUp.push(() => opened.close());
    log.info('listening', { listener, address: parsed.host || '*', port: opened.port });
    return opened;
  };
  const isRetiring = (): boolean => retiring;
  const inbound = inboundService(parts, { tokens, agent: agent.send, probes, isDraining, isRetiring });
  const listeners = {
    helpers: await open('helpers', config.a2a_addr, 'OUTRIDER_LOCAL_ADDR', helpers.all),
    mcp: await open('mcp', config.mcp_addr, 'OUTRIDER_MCP_ADDR', helpers.mcpOnly),
    cost: await open('cost', config.cost_addr, 'OUTRIDER_COST_ADDR', helpers.costOnly),
    // Last, so that whoever is let in finds everything there.
    inbound: await open('inbound', config.inbound_addr, 'OUTRIDER_INBOUND_ADDR', inbound),
  };

  callers = listeners.inbound;
  if (retiring) callers.drain();

  return {
    listeners,
    close,
    async drain({ atOnce }) {
      retire();
      if (!atOnce && config.drain_delay > 0) await sleep(config.drain_delay, undefined, { ref: false });
      draining = true;
      while (listeners.inbound.active() > 0) {
        await sleep(DRAIN_POLL_MS);
      }
    },
  };
}

/** As requests are forwarded: a path of the base stands before the other, a query has no meaning. */
function below(base: string, path: string): string {
  const { origin, pathname } = new URL(base);
  return origin + pathname.replace(/\/+$/, '') + path;
}

const NOTHING_TO_SHIP = { reachable: false, pending: 0, oldest_age_seconds: 0, rejected: 0, failures_total: 0 };
