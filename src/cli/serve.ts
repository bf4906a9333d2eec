import { isSwitchedOff, readVariable } from '../config/environment.ts';
import { type Config, loadConfig } from '../config/load.ts';
import { watchTokenFile } from '../config/token-file.ts';
import type { Environment } from '../environment.ts';
import { OutriderError } from '../errors.ts';
import type { Log } from '../log.ts';
import { tcpProbe } from '../net/probe.ts';
import { agentEnvironment, type HelperUrls, hostOfUrl, portOfUrl } from '../run/agent-environment.ts';
import { type AgentOutput, type AgentProcess, startAgent } from '../run/agent-process.ts';
import { live } from '../run/lifecycle.ts';
import { type HeldSignals, holdSignals } from '../run/signals.ts';
import { exitCodeOfStartError } from '../run/start-error.ts';
import { type Sidecar, startSidecar } from '../sidecar.ts';
import { createLog, type LogOptions } from '../telemetry/log.ts';
import { TokenSet } from '../tokens.ts';
import { VERSION } from './version.ts';

export interface ServeOptions {
  readonly configPath: string | undefined;
  /** The agent to start; undefined when it is started elsewhere. */
  readonly command: readonly string[] | undefined;
  readonly env: Environment;
  /** What is different from an agent that has our folder, our environment and our terminal. */
  readonly agent?: AgentSetting;
  /** Where the log goes; default: standard error. */
  readonly logTo?: LogOptions['stream'];
  /** Told when everything listens, and the agent, if it is ours, has been started. */
  readonly onStarted?: (sidecar: Sidecar, config: Config) => void;
}

export interface AgentSetting {
  /** Its working directory. */
  readonly cwd?: string;
  /** What it finds besides what it inherits, secrets that are its own among them; its port, name and helpers stay as they are. */
  readonly env?: Readonly<Record<string, string>>;
  /** Who takes what it writes; it has no standard input then. */
  readonly output?: AgentOutput;
}

/** Runs the sidecar, with or without an agent of its own, until it is told to stop or the agent ends. Gives the exit code. */
export async function serve(options: ServeOptions): Promise<number> {
  const { configPath, command, env, onStarted, logTo = process.stderr } = options;
  if (isSwitchedOff(env)) {
    if (command !== undefined) {
      process.stderr.write('outrider: the sidecar is switched off; the agent runs alone\n');
      return serveAlone({ ...options, command });
    }
    process.stderr.write(
      'outrider: the sidecar is switched off by OUTRIDER (or AGENTBREEDER_SIDECAR); nothing to do\n',
    );
    return 0;
  }
  const signals = holdOurSignals(command !== undefined);

  const { config, warnings } = await loadConfig({ env, configPath });
  const log = createLog({ level: config.log_level, format: config.log_format, stream: logTo });
  for (const warning of warnings) log.warn(warning);
  if (command !== undefined) await checkAgentPort(config);

  const tokens = await openTokens(config, log);
  const sidecar = await startSidecar({ config, tokens: tokens.current, version: VERSION, log, env });
  let agent: AgentProcess | undefined;
  if (command !== undefined) {
    try {
      agent = await start(command, environmentFor(config, sidecar, env), log, options.agent);
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

/** Runs an agent without a sidecar until it ends or is told to. Gives the exit code. */
export async function serveAlone(options: ServeOptions & { readonly command: readonly string[] }): Promise<number> {
  const { command, env, logTo = process.stderr } = options;
  const signals = holdOurSignals(true);
  const log = createLog({ level: 'info', format: 'auto', stream: logTo });
  const url = readVariable(env, 'OUTRIDER_AGENT_URL')?.value ?? `http://127.0.0.1:${platformPort(env) ?? 8081}`;
  const identity = { name: env['AGENT_NAME'], version: env['AGENT_VERSION'] };
  const environment = (base: Environment): Record<string, string> =>
    agentEnvironment({ base, port: portOfUrl(url), agent: identity });
  try {
    const told = { inherited: environment(env), own: environment({}) };
    const agent = await start(command, told, log, options.agent);
    return await live({ agent, signals, drainTimeoutMs: ALONE_GRACE_MS, log });
  } catch (error) {
    return startFailed(error);
  }
}

/** Callers come to an agent that runs alone directly: a platform that has chosen a port sends them there. */
function platformPort(env: Environment): string | undefined {
  const port = env['PORT'] ?? '';
  return /^\d{1,5}$/.test(port) && Number(port) <= 65_535 ? port : undefined;
}

function holdOurSignals(forAgent: boolean): HeldSignals {
  return holdSignals(process, { forAgent, giveUp: (signal) => process.exit(signal === 'SIGINT' ? 130 : 143) });
}

interface Told {
  /** What the agent inherits, and what it is told. */
  readonly inherited: Readonly<Record<string, string>>;
  /** What it is told alone. */
  readonly own: Readonly<Record<string, string>>;
}

function start(
  command: readonly string[],
  { inherited, own }: Told,
  log: Log,
  { cwd, env, output }: AgentSetting = {},
): Promise<AgentProcess> {
  return startAgent({ command, env: { ...inherited, ...env, ...own }, cwd, log, stdio: output ?? 'inherit' });
}

/** Without this, requests would go to whatever stranger listens where the agent was to listen. */
async function checkAgentPort(config: Config): Promise<void> {
  if (!(await tcpProbe(config.agent_url, { timeoutMs: 300 })())) return;
  throw new OutriderError(
    'conflict',
    `port ${portOfUrl(config.agent_url)} (agent, OUTRIDER_AGENT_URL) is already taken`,
  );
}

function environmentFor(config: Config, { listeners }: Sidecar, env: Environment): Told {
  const helpers: HelperUrls = {
    local: `http://127.0.0.1:${listeners.helpers.port}`,
    mcp: `http://127.0.0.1:${listeners.mcp.port}`,
    cost: `http://127.0.0.1:${listeners.cost.port}`,
  };
  const environment = (base: Environment): Record<string, string> =>
    agentEnvironment({
      base,
      port: portOfUrl(config.agent_url),
      host: hostOfUrl(config.agent_url),
      agent: { name: config.agent_name, version: config.agent_version },
      helpers,
      secretNames: config.secretVariables,
    });
  return { inherited: environment(env), own: environment({}) };
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
