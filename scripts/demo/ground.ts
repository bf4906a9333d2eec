import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Child, type Program } from './children.ts';
import type { Closing } from './closing.ts';

type Command = Pick<Program, 'command' | 'args'>;

/** Where parts are started: a directory of their own, and an environment without anything that would configure them. */
export interface Ground {
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
  readonly closing: Closing;
  start(kind: 'sidecar' | 'part', program: Command, env: Readonly<Record<string, string>>): Child;
}

/** A file of the checkout. */
export const checkout = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url));

/** The command line of `outrider …` from a checkout. */
export function outrider(...args: string[]): Command {
  return { command: process.execPath, args: [checkout('src/cli/bin.ts'), ...args] };
}

export async function breakGround(closing: Closing): Promise<Ground> {
  const directory = await mkdtemp(join(tmpdir(), 'outrider-demo-'));
  closing.add('directory', () => rm(directory, { recursive: true, force: true, maxRetries: 5 }));
  const env = Object.fromEntries(
    ['PATH', 'HOME', 'USER', 'SHELL', 'TMPDIR', 'LANG'].flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
  return {
    directory,
    env,
    closing,
    start(kind, program, more) {
      if (closing.closed) throw new Error('the tour is being ended');
      const child = new Child({ ...program, env: { ...env, ...more }, cwd: directory });
      closing.add(kind, () => child.stop());
      return child;
    },
  };
}

/** Below what systems give to outgoing connections and to whoever asks for any port: nobody comes upon one by chance. */
const FIRST_PORT = 20_000;
const LAST_PORT = 32_000;

/** Different ports of the loopback interface that nobody listens on, nor will unless it wants that very port. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  for (let tries = 0; ports.size < count; tries++) {
    if (tries > 50 * count) throw new Error(`no ${count} free ports from ${FIRST_PORT} to ${LAST_PORT}`);
    const port = randomInt(FIRST_PORT, LAST_PORT);
    if (!ports.has(port) && (await isFree(port))) ports.add(port);
  }
  return [...ports];
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  await once(server.close(), 'close');
  return true;
}

/** The path of a Python that runs the example agent, or undefined. */
export function findPython(): string | undefined {
  const script = 'import sys; assert sys.version_info >= (3, 9); print(sys.executable)';
  const { status, stdout } = spawnSync('python3', ['-c', script], { encoding: 'utf8', timeout: 5_000 });
  return status === 0 ? stdout.trim() : undefined;
}
