import { join } from 'node:path';
import { parseAddress } from './address.ts';
import type { AgentDefinition } from './agent/agent.ts';
import { type CleanUp, withCleanUp } from './compose/clean-up.ts';
import { chooseDataDir } from './compose/data-dir.ts';
import { openAgents } from './compose/host/agents.ts';
import { openCallers } from './compose/host/callers.ts';
import { hostRegistrar, restoreAgents } from './compose/host/registrar.ts';
import { hostService, refusalReply } from './compose/host/service.ts';
import type { HostConfig } from './config/host-load.ts';
import { executor } from './host/executor.ts';
import { jobs } from './host/jobs.ts';
import { operations } from './host/operations.ts';
import { registry } from './host/registry.ts';
import { results } from './host/results.ts';
import { HOST_FILE } from './host/store/schema.ts';
import { interrupted, openHostStore } from './host/store/store.ts';
import { callsInFlight } from './layers/calls-in-flight.ts';
import type { Log } from './log.ts';
import { type Listener, listen } from './net/server.ts';
import { agentMeter } from './telemetry/agent-meter.ts';
import { createMetrics, tracingMetrics } from './telemetry/metrics.ts';
import { startTracing } from './telemetry/tracing.ts';

export interface HostOptions {
  config: HostConfig;
  version: string;
  log: Log;
  /** Our own environment, for the processes we start. */
  env: Readonly<Record<string, string | undefined>>;
  /** Agents beside those of the configuration, of whoever embeds the host. */
  agents?: readonly AgentDefinition[];
}

export interface Host {
  readonly listener: Listener;
  /** Not ready from now on, no new calls; resolves when runs and jobs in flight are finished. */
  drain(): Promise<void>;
  /** Breaks off what is left, records interrupted jobs, flushes spans, ends children. */
  close(): Promise<void>;
}

const FLUSH_MS = 3_000;
const POLL_MS = 20;
/** For calls that are broken off to be told so. */
const LAST_WORDS_MS = 500;

/** Starts the agents and serves them; resolves when it listens. Rejects without leaving anything behind. */
export function startHost(options: HostOptions): Promise<Host> {
  return withCleanUp((cleanUp, close) => assemble(options, cleanUp, close));
}

async function assemble(
  { config, version, log, env, agents = [] }: HostOptions,
  cleanUp: CleanUp,
  close: () => Promise<void>,
): Promise<Host> {
  const address = parseAddress(config.addr);
  // The configuration's schema lets nothing else through.
  if (address === undefined) throw new TypeError(`not an address: ${config.addr}`);
  let listener: Listener | undefined;

  const metrics = createMetrics({ version, log });
  cleanUp.push(async () => metrics.close());
  const tracing = await startTracing({
    env: config.otelEnvironment(),
    serviceName: 'outrider-host',
    serviceVersion: version,
    log,
  });
  cleanUp.push(async () => tracing?.shutdown(FLUSH_MS));
  if (tracing !== undefined) metrics.observe(tracingMetrics(() => tracing.status()));
  const callers = await openCallers(config.auth, log);
  cleanUp.push(() => callers.close());

  const notice: Parameters<typeof openHostStore>[0]['notice'] = ({ level, message, fields }) =>
    log[level](message, fields);
  const store = await openHostStore({
    file: join(await chooseDataDir(config.dataDirs), HOST_FILE),
    retentionMs: config.jobs.retention,
    notice,
  });
  cleanUp.push(() => store.close());

  const kept = registry();
  cleanUp.push(async () => {
    await Promise.all(kept.list().map((agent) => agent.close()));
  });
  for (const agent of await openAgents({ config, embedded: agents, tracing, env, log })) kept.add(agent);
  await restoreAgents({ store, tracing }, kept, log);
  if (kept.list().length === 0) log.warn('there is no agent: name modules, configure agents, or register some');

  const runs = executor(({ agentId, requestId, principal, ranMs, error, agentFailed }) => {
    meter.ended(agentId, error?.code ?? 'ok', ranMs === undefined ? undefined : ranMs / 1000);
    // What an agent threw is for its developers, and told to nobody else.
    if (agentFailed) {
      log.warn('an agent failed', {
        agent: agentId,
        request_id: requestId,
        principal,
        code: error?.code,
        error: error?.cause ?? error,
      });
    }
  });
  const meter = agentMeter(() => kept.list().map((agent) => ({ agent: agent.info.id, ...runs.load(agent) })));
  metrics.observe(meter.source);
  const running = jobs({ store, executor: runs, registry: kept, notice });
  cleanUp.push(() => running.close());

  let draining = false;
  const inFlight = callsInFlight();
  const listeners = new Set<() => void>();
  const service = hostService({
    config,
    version,
    log,
    metrics,
    tracing,
    operations: operations({
      registry: kept,
      executor: runs,
      jobs: running,
      results: results({ store, notice }),
      registrar: hostRegistrar({
        store,
        tracing,
        address: () => listener && { host: listener.host, port: listener.port },
      }),
      onCloseFailed: (agent, error) => log.warn('an agent could not be closed', { agent: agent.info.id, error }),
    }),
    credentials: () => callers.credentials,
    isDraining: () => draining,
    inFlight,
    serving: {
      now: () => (draining ? 'draining' : 'serving'),
      onChange(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
  });
  const opened = await listen(service, address, {
    name: 'host, --addr or OUTRIDER_HOST_ADDR',
    maxHeaderBytes: config.limits.header_bytes,
    headerTimeoutMs: config.limits.header_timeout,
    idleTimeoutMs: config.limits.idle_timeout,
    http2: true,
    onRefused(error) {
      metrics.refused(error.code);
      if (error.code === 'internal') log.error('a connection was refused', { error });
    },
    refusalReply,
  });
  listener = opened;
  cleanUp.push(() => opened.close());
  cleanUp.push(async () => {
    draining = true;
    inFlight.breakOff(interrupted());
    await until(() => opened.active() === 0, LAST_WORDS_MS);
  });
  await running.resume();
  log.info('listening', {
    listener: 'host',
    address: address.host || '*',
    port: opened.port,
    agents: kept.list().length,
  });

  return {
    listener: opened,
    close,
    async drain() {
      draining = true;
      running.suspend();
      for (const changed of listeners) changed();
      opened.drain();
      await until(() => opened.active() === 0 && !kept.list().some((agent) => runs.load(agent).running > 0));
    },
  };
}

async function until(isSo: () => boolean, ms = Number.POSITIVE_INFINITY): Promise<void> {
  for (const end = performance.now() + ms; !isSo() && performance.now() < end; ) {
    await new Promise((resolve) => {
      setTimeout(resolve, POLL_MS);
    });
  }
}
