import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AgentDefinition } from '../../src/agent/agent.ts';
import { loadHostConfig } from '../../src/config/host-load.ts';
import { startHost } from '../../src/host.ts';
import type { Log } from '../../src/log.ts';
import { command } from './outrider.ts';
import { type Exit, Process } from './process.ts';
import type { Ends } from './temp.ts';

export const HOST_TOKEN = 'host-token-0123456789';

interface CommonOptions {
  /** Text of the configuration file. */
  config?: string;
  /** Beside `AGENT_AUTH_TOKEN`, which can be set to undefined. */
  env?: Record<string, string | undefined>;
  /** Kept by the caller, so that a second host can use the same; else one is made and removed. */
  dataDir?: string;
}

export interface HostInProcess {
  /** `http://127.0.0.1:PORT`; the same port takes gRPC. */
  url: string;
  port: number;
  /** Of an administrator. */
  token: string;
  dataDir: string;
  logs: () => Record<string, unknown>[];
  drain: () => Promise<void>;
  close: () => Promise<void>;
}

export interface HostProcess extends Omit<HostInProcess, 'drain' | 'close'> {
  process: Process;
  stop: (signal?: NodeJS.Signals) => Promise<Exit>;
}

/** A host in this process with these agents, closed with the test. */
export async function hostFor(
  t: Ends,
  {
    agents = [],
    modules = [],
    ...options
  }: CommonOptions & { agents?: readonly AgentDefinition[]; modules?: readonly string[] } = {},
): Promise<HostInProcess> {
  const { directory, env, args } = await ground(options);
  const lines: Record<string, unknown>[] = [];
  const config = await loadHostConfig({ env, configPath: args.config, addr: '127.0.0.1:0', modules, cwd: directory });
  const host = await startHost({ config: config.config, version: '0.0.0', log: logInto(lines), env, agents });
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= host.close());
  t.after(async () => {
    await close();
    await rm(directory, { recursive: true, force: true });
  });
  const { port } = host.listener;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    token: HOST_TOKEN,
    dataDir: args.dataDir,
    logs: () => lines,
    drain: () => host.drain(),
    close,
  };
}

/** The real command with these modules, ended with the test. It has nothing of this process's environment but the path. */
export async function hostCommandFor(
  t: Ends,
  {
    args: more = [],
    cwd,
    wait = true,
    ...options
  }: CommonOptions & { args?: readonly string[]; cwd?: string; wait?: boolean } = {},
): Promise<HostProcess> {
  const { directory, env, args } = await ground(options);
  const child = new Process(
    ...command('host', '--config', args.config, '--addr', '127.0.0.1:0', ...more),
    env,
    cwd ?? directory,
  );
  const logs = (): Record<string, unknown>[] =>
    `${child.stdout}\n${child.stderr}`
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line));
  const portOf = (): number | undefined => {
    const port = logs().find((line) => line['msg'] === 'listening')?.['port'];
    return typeof port === 'number' ? port : undefined;
  };
  const stop = (signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> => child.stop(signal);
  t.after(async () => {
    await stop('SIGKILL');
    await rm(directory, { recursive: true, force: true });
  });
  const port = wait ? await child.waitFor(portOf, 'listening') : 0;
  return {
    process: child,
    url: `http://127.0.0.1:${port}`,
    port,
    token: HOST_TOKEN,
    dataDir: args.dataDir,
    logs,
    stop,
  };
}

async function ground({ config = '{}', env, dataDir }: CommonOptions): Promise<{
  directory: string;
  env: Record<string, string | undefined>;
  args: { config: string; dataDir: string };
}> {
  const directory = await mkdtemp(join(tmpdir(), 'outrider-host-'));
  const file = join(directory, 'outrider-host.yaml');
  await writeFile(file, config);
  const data = dataDir ?? join(directory, 'data');
  return {
    directory,
    args: { config: file, dataDir: data },
    env: {
      PATH: process.env['PATH'],
      HOME: directory,
      AGENT_AUTH_TOKEN: HOST_TOKEN,
      OUTRIDER_DATA_DIR: data,
      OUTRIDER_LOG_LEVEL: 'debug',
      ...env,
    },
  };
}

function logInto(lines: Record<string, unknown>[]): Log {
  const at =
    (level: string, inherited: object) =>
    (msg: string, fields: object = {}): void =>
      void lines.push({ level, msg, ...inherited, ...fields });
  const logWith = (inherited: object): Log => ({
    enabled: () => true,
    debug: at('debug', inherited),
    info: at('info', inherited),
    warn: at('warn', inherited),
    error: at('error', inherited),
    child: (fields) => logWith({ ...inherited, ...fields }),
  });
  return logWith({});
}
