import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

/** The processor that the measured process has to itself where the system lets us choose; everything else takes another. */
export const MEASURED = '0';
export const OTHERS = '1';
/** No processor in particular. */
export const ANY = `0-${availableParallelism() - 1}`;

const canPin = availableParallelism() > 1 && has('taskset');

export function has(command: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export function local(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}

const children = new Set<ChildProcess>();

/** Starts a process on a processor; it ends with us at the latest. */
export function start(
  cpu: string,
  command: string,
  args: readonly string[],
  env: Record<string, string> = {},
): ChildProcess {
  const words = canPin ? ['taskset', '-c', cpu, command, ...args] : [command, ...args];
  const child = spawn('env', words, {
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  await gone;
}

export async function stopAll(): Promise<void> {
  await Promise.all([...children].map(stop));
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Milliseconds until the URL answers 200. */
export async function untilAnswers(url: string, timeoutMs = 10_000): Promise<number> {
  const begun = performance.now();
  while (performance.now() - begun < timeoutMs) {
    try {
      const reply = await fetch(url);
      await reply.arrayBuffer();
      if (reply.status < 500) return performance.now() - begun;
    } catch {
      // Not up yet.
    }
    await new Promise((resolve) => {
      setTimeout(resolve, 2);
    });
  }
  throw new Error(`${url} did not answer within ${timeoutMs} ms`);
}

/** User and system time of a process in microseconds so far. Linux only: elsewhere undefined. */
export function cpuMicroseconds(pid: number): number | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    // Fields 14 and 15 of proc(5), in clock ticks of 10 ms.
    return (Number(fields[11]) + Number(fields[12])) * 10_000;
  } catch {
    return undefined;
  }
}

/** Resident memory of a process in MB. */
export function residentMb(pid: number): number | undefined {
  try {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
  } catch {
    return undefined;
  }
}

export interface LoadResult {
  requests: number;
  perSecond: number;
  p50: number;
  p99: number;
  failed: number;
}

export async function load(env: Record<string, string>): Promise<LoadResult> {
  const child = start(OTHERS, process.execPath, [local('load.ts')], env);
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  await once(child, 'close');
  return JSON.parse(text);
}
