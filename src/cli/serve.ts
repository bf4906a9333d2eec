import { isSwitchedOff, readVariable } from '../config/environment.ts';
import { type Config, loadConfig } from '../config/load.ts';
import { watchTokenFile } from '../config/token-file.ts';
import type { Environment } from '../environment.ts';
import { OutriderError } from '../errors.ts';
import type { Log } from '../log.ts';
import { tcpProbe } from '../net/probe.ts';
import { agentEnvironment, type HelperUrls, portOfUrl } from '../run/agent-environment.ts';
import { type AgentProcess, startAgent } from '../run/agent-process.ts';
import { live } from '../run/lifecycle.ts';
import { type HeldSignals, holdSignals } from '../run/signals.ts';
import { exitCodeOfStartError } from '../run/start-error.ts';
import { type Sidecar, startSidecar } from '../sidecar.ts';
import { createLog } from '../telemetry/log.ts';
import { TokenSet } from '../tokens.ts';
import { VERSION } from './version.ts';

export interface ServeOptions {
  readonly configPath: string | undefined;
  /** The agent to start; undefined when it is started elsewhere. */
  readonly command: readonly string[] | undefined;
  readonly env: Environment;
  /** Told when everything listens, and the agent, if it is ours, has been started. */
  readonly onStarted?: (sidecar: Sidecar, config: Config) => void;
}

/** Runs the sidecar, with or without an agent of its own, until it is told to stop or the agent ends. Gives the exit code. */
export async function serve({ configPath, command, env, onStarted }: ServeOptions): Promise<number> {
  const signals = holdSignals(process, {
    forAgent: command !== undefined,
    giveUp: (signal) => process.exit(signal === 'SIGINT' ? 130 : 143),
  });
  if (isSwitchedOff(env)) return runAlone(command, env, signals);

  const { config, warnings } = await loadConfig({ env, configPath });
  const log = createLog({ level: config.log_level, format: config.log_format, stream: process.stderr });
  for (const warning of warnings) log.warn(warning);
  if (command !== undefined) await checkAgentPort(config);

  const tokens = await openTokens(config, log);
  const sidecar = await startSidecar({ config, tokens: tokens.current, version: VERSION, log, env });
  let agent: AgentProcess | undefined;
  if (command !== undefined) {
    try {
      agent = await startAgent({ command, env: environmentFor(config, sidecar, env), log, stdio: 'inherit' });
    } catch (error) {
      await sidecar.close();
      return startFailed(error);
    }
  }
  onStarted?.(sidecar, config);
  const code = await live({ sidecar, agent, signals, drainTimeoutMs: config.drain_timeout, log });
  tokens.close();
  return code;
}

/** How long an agent that runs alone may take to end. */
const ALONE_GRACE_MS = 25_000;

/** The sidecar is switched off: an agent of ours runs without it, and without any there is nothing to do. */
async function runAlone(
  command: readonly string[] | undefined,
  env: Environment,
  signals: HeldSignals,
): Promise<number> {
  if (command === undefined) {
    process.stderr.write(
      'outrider: the sidecar is switched off by OUTRIDER (or AGENTBREEDER_SIDECAR); nothing to do\n',
    );
    return 0;
  }
  process.stderr.write('outrider: the sidecar is switched off; the agent runs alone\n');
  const log = createLog({ level: 'info', format: 'auto', stream: process.stderr });
  const url = readVariable(env, 'OUTRIDER_AGENT_URL')?.value ?? 'http://127.0.0.1:8081';
  const identity = { name: env['AGENT_NAME'], version: env['AGENT_VERSION'] };
  const base = agentEnvironment({ base: env, port: portOfUrl(url), agent: identity });
  try {
    const agent = await startAgent({ command, env: base, log, stdio: 'inherit' });
    return await live({ agent, signals, drainTimeoutMs: ALONE_GRACE_MS, log });
  } catch (error) {
    return startFailed(error);
  }
}

/** Without this, requests would go to whatever stranger listens where the agent was to listen. */
async function checkAgentPort(config: Config): Promise<void> {
  if (!(await tcpProbe(config.agent_url, { timeoutMs: 300 })())) return;
  throw new OutriderError(
    'conflict',
    `port ${portOfUrl(config.agent_url)} (agent, OUTRIDER_AGENT_URL) is already taken`,
  );
}

function environmentFor(config: Config, { listeners }: Sidecar, env: Environment): Record<string, string> {
  const helpers: HelperUrls = {
    local: `http://127.0.0.1:${listeners.helpers.port}`,
    mcp: `http://127.0.0.1:${listeners.mcp.port}`,
    cost: `http://127.0.0.1:${listeners.cost.port}`,
  };
  return agentEnvironment({
    base: env,
    port: portOfUrl(config.agent_url),
    agent: { name: config.agent_name, version: config.agent_version },
    helpers,
    secretNames: config.secretVariables,
  });
}

interface Tokens {
  current: () => TokenSet | undefined;
  close(): void;
}

async function openTokens({ authToken, authTokensFile }: Config, log: Log): Promise<Tokens> {
  const own = authToken === undefined ? [] : [{ name: 'default', token: authToken.reveal() }];
  if (authTokensFile === undefined) {
    const set = own.length === 0 ? undefined : new TokenSet(own);
    return { current: () => set, close: () => undefined };
  }
  let set = new TokenSet(own);
  const where = `tokens file ${authTokensFile}`;
  try {
    const file = await watchTokenFile(
      authTokensFile,
      (tokens) => {
        set = new TokenSet([...own, ...tokens]);
        log.info('tokens file read', { count: tokens.length });
      },
      (fault) => log.error('the tokens file cannot be used; the tokens in force stay', { fault }),
    );
    return { current: () => set, close: () => file.close() };
  } catch (error) {
    throw new OutriderError('bad_request', `${where}: ${error instanceof Error ? error.message : 'cannot be read'}`);
  }
}

function startFailed(error: unknown): number {
  process.stderr.write(`outrider: ${error instanceof Error ? error.message : String(error)}\n`);
  return exitCodeOfStartError(error);
}
