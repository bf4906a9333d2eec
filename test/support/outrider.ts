import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Exit, Process, ROOT } from './process.ts';

export const TOKEN = 'test-token-0123456789';

export interface OutriderOptions {
  /** `sidecar` unless told otherwise. */
  args?: readonly string[];
  /** Text of the configuration file, if there is to be one. */
  config?: string;
  env?: Record<string, string | undefined>;
  agentUrl?: string;
  /** Whether to wait until it listens; true unless told otherwise. */
  wait?: boolean;
  /** Kept by the caller, so that a second process can use the same; else one is made and removed. */
  dataDir?: string;
}

export interface Outrider {
  process: Process;
  /** Base URLs of the listeners. */
  inbound: string;
  helpers: string;
  mcp: string;
  cost: string;
  dataDir: string;
  logs(): Record<string, unknown>[];
  stop(signal?: NodeJS.Signals): Promise<Exit>;
}

/** The command, run as a user would from a checkout. */
export function command(...args: string[]): [string, string[]] {
  return [process.execPath, [join(ROOT, 'src/cli/bin.ts'), ...args]];
}

/** A command that ends by itself, with nothing of this process's environment but the path. Killed after `timeoutMs`. */
export async function runOutrider(
  args: readonly string[],
  options: { env?: Record<string, string | undefined>; cwd?: string; timeoutMs?: number } = {},
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = new Process(...command(...args), { PATH: process.env['PATH'], ...options.env }, options.cwd);
  const timer = setTimeout(() => child.signal('SIGKILL'), options.timeoutMs ?? 15_000);
  const { code } = await child.exited;
  clearTimeout(timer);
  return { code, stdout: child.stdout, stderr: child.stderr };
}

/** `startOutrider`, ended with the test. */
export async function outriderFor(
  t: TestContext,
  options: OutriderOptions & { endWith?: NodeJS.Signals } = {},
): Promise<Outrider> {
  const outrider = await startOutrider(options);
  t.after(() => outrider.stop(options.endWith));
  return outrider;
}

/** Starts the real command with free ports, a directory of its own and nothing of this process's environment but the path. */
export async function startOutrider(options: OutriderOptions = {}): Promise<Outrider> {
  const directory = await mkdtemp(join(tmpdir(), 'outrider-test-'));
  const dataDir = options.dataDir ?? join(directory, 'data');
  const configFile = join(directory, 'outrider.yaml');
  await writeFile(configFile, options.config ?? '{}');
  const args = options.args ?? ['sidecar', '--config', configFile];
  const child = new Process(
    ...command(...args),
    {
      PATH: process.env['PATH'],
      HOME: directory,
      AGENT_NAME: 'test-agent',
      AGENT_VERSION: '1.2.3',
      AGENT_AUTH_TOKEN: TOKEN,
      OUTRIDER_CONFIG: configFile,
      OUTRIDER_AGENT_URL: options.agentUrl ?? 'http://127.0.0.1:9',
      OUTRIDER_INBOUND_ADDR: '127.0.0.1:0',
      OUTRIDER_LOCAL_ADDR: '127.0.0.1:0',
      OUTRIDER_MCP_ADDR: '127.0.0.1:0',
      OUTRIDER_COST_ADDR: '127.0.0.1:0',
      OUTRIDER_DATA_DIR: dataDir,
      OUTRIDER_LOG_LEVEL: 'debug',
      ...options.env,
    },
    directory,
  );
  const logs = (): Record<string, unknown>[] =>
    `${child.stdout}\n${child.stderr}`
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line));
  const urlOf = (listener: string): string => {
    const line = logs().find((entry) => entry['msg'] === 'listening' && entry['listener'] === listener);
    return line === undefined ? '' : `http://127.0.0.1:${String(line['port'])}`;
  };
  const stop = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> => {
    const exit = await child.stop(signal);
    await rm(directory, { recursive: true, force: true });
    return exit;
  };
  if (options.wait !== false) {
    try {
      await child.waitFor(() => (urlOf('inbound') !== '' ? true : undefined), 'listening');
    } catch (error) {
      await stop();
      throw error;
    }
  }
  return {
    process: child,
    inbound: urlOf('inbound'),
    helpers: urlOf('helpers'),
    mcp: urlOf('mcp'),
    cost: urlOf('cost'),
    dataDir,
    logs,
    stop,
  };
}
