import type { Agent } from '../../agent/agent.ts';
import { httpAgentOver } from '../../agent/http.ts';
import type { Service } from '../../call.ts';
import { AgentError } from '../../contract/agent-error.ts';
import type { Environment } from '../../environment.ts';
import type { Log } from '../../log.ts';
import { type HttpClient, httpClient } from '../../net/client.ts';
import { freePort } from '../../net/free-port.ts';
import { wasNotSent } from '../../net/not-sent.ts';
import { tcpProbe } from '../../net/probe.ts';
import { StderrLog } from '../../peers/stderr-log.ts';
import { agentEnvironment } from '../../run/agent-environment.ts';
import { type AgentOutput, startAgent } from '../../run/agent-process.ts';
import { keepRunning, type Started } from '../../run/keep-running.ts';

export interface ChildOptions {
  readonly id: string;
  /** What the child calls the agent. */
  readonly remoteId: string;
  readonly name: string;
  /** The program and its arguments. */
  readonly command: readonly string[];
  readonly cwd: string | undefined;
  /** Added to what it inherits. */
  readonly env: Readonly<Record<string, string>>;
  /** Our own environment, of which it gets all but our secrets. */
  readonly base: Environment;
  readonly secretNames: readonly string[];
  readonly log: Log;
}

export interface ChildAgent {
  readonly agent: Agent;
  ready(): boolean;
  close(): Promise<void>;
}

interface Child extends Started {
  readonly agent: Agent;
}

/** From SIGTERM to SIGKILL, when the host ends. */
const GRACE_MS = 3_000;
const PROBE_MS = 500;
/** A run has a deadline, which says how long to wait for it. */
const TIMES = { connectTimeoutMs: 5_000, responseTimeoutMs: 0, idleTimeoutMs: 0 };

/**
 * An agent that is a process of its own: it finds in `PORT` where to listen on 127.0.0.1, and in `AGENT_ID` what it is called, and
 * serves `POST /agents/{id}/execute`. It is up when it takes connections, and is started again when it has ended; until then its
 * calls fail with `not_ready`. Nothing is sent twice: whether that is safe the caller knows.
 */
export function childAgent(options: ChildOptions): ChildAgent {
  const { id, log } = options;
  const kept = keepRunning<Child>({ start: () => startChild(options), log });
  const agent = (): Agent => {
    const child = kept.current();
    if (child !== undefined) return child.agent;
    throw notUp(id, kept.startsInMs());
  };
  return {
    agent: {
      execute: async (request, call) => agent().execute(request, call),
      stream: (request, call) => agent().stream(request, call),
    },
    ready: () => kept.current() !== undefined,
    close: () => kept.stop(GRACE_MS),
  };
}

async function startChild(options: ChildOptions): Promise<Child> {
  const { id, command, cwd, log } = options;
  // Another one each time: if somebody else has taken it meanwhile, the child ends, and the next one has another chance.
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const process = await startAgent({ command, env: environmentOf(options, port), cwd, log, stdio: outputTo(log) });
  const client: HttpClient = httpClient(url, { ...TIMES, name: `the agent ${id}` });
  return {
    process,
    agent: httpAgentOver(untilItEnds(client.send, id), { id: options.remoteId, prefix: '', wasNotSent }),
    accepts: tcpProbe(url, { timeoutMs: PROBE_MS, keepMs: 0 }),
    release: () => client.close(),
  };
}

/** A process that has just ended takes no connections, and its end may not have been noticed yet. */
function untilItEnds(send: Service, id: string): Service {
  return async (call) => {
    try {
      return await send(call);
    } catch (error) {
      throw wasNotSent(error) ? notUp(id, 0, error) : error;
    }
  };
}

function notUp(id: string, startsInMs: number, cause?: unknown): AgentError {
  return new AgentError('not_ready', `the agent ${id} is not up`, {
    retryAfter: Math.max(1, startsInMs / 1000),
    cause,
  });
}

/** Its helpers stay the host's: those of a sidecar beside it. */
function environmentOf({ id, name, env, base, secretNames }: ChildOptions, port: number): Record<string, string> {
  const { OUTRIDER_LOCAL_URL: local, OUTRIDER_MCP_URL: mcp, OUTRIDER_COST_URL: cost } = base;
  const inherited = agentEnvironment({
    base,
    port,
    agent: { name },
    helpers: local === undefined ? undefined : { local, mcp, cost },
    secretNames: [...secretNames, 'OUTRIDER_HOST_KEYS_FILE'],
  });
  return { ...inherited, ...env, PORT: String(port), AGENT_ID: id };
}

function outputTo(log: Log): AgentOutput {
  const streams = {
    stdout: new StderrLog(log, { stream: 'stdout' }),
    stderr: new StderrLog(log, { stream: 'stderr' }),
  };
  return {
    push: (stream, chunk) => streams[stream].push(chunk),
    end: (stream) => streams[stream].end(),
  };
}
