import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Environment } from '../../environment.ts';
import { exitCodeOfSignal } from '../../run/exit-code.ts';
import { Failure } from './failure.ts';

export interface ProgramRun {
  readonly args: readonly string[];
  /** On its standard input; without it, it has none that holds anything. */
  readonly input?: string;
  /** On top of our own environment. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface ProgramOptions {
  readonly env: Environment;
  readonly cwd: string;
  /** `shown`: its output is ours. */
  readonly output: 'shown' | 'kept';
}

export interface ProgramEnd {
  /** As shells have it: 128 + N when signal N ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Of what is kept; more is not what any of these programs has to say of one agent. */
const MOST_OUTPUT_BYTES = 32 * 2 ** 20;

/** Where `PATH` has a program; undefined when it has none. */
export function findProgram(name: string, env: Environment): string | undefined {
  const folders = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, name)).find(isProgram);
}

/** True for a file that we may run. */
export function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Runs a program to its end: no shell reads the arguments. Signals to stop are its to obey, and we end after it. */
export async function runProgram(path: string, run: ProgramRun, options: ProgramOptions): Promise<ProgramEnd> {
  const { env, cwd, output } = options;
  const out = output === 'shown' ? 'inherit' : 'pipe';
  // Before it is started: from then on it is not ours alone to end.
  const signals = holdSignals();
  try {
    const child = spawn(path, run.args, {
      cwd,
      env: { ...env, ...run.env },
      stdio: [run.input === undefined ? 'ignore' : 'pipe', out, out],
    });
    signals.passTo(child);
    // It may end without reading all of it; its exit code says why.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(run.input);
    const stdout = keep(child, child.stdout);
    const stderr = keep(child, child.stderr);
    const code = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve(signal === null ? (code ?? 1) : exitCodeOfSignal(signal)));
    });
    return { code, stdout: stdout(), stderr: stderr() };
  } catch (error) {
    throw new Failure(`${path}: cannot be started: ${error instanceof Error ? error.message : 'unknown error'}`, 126);
  } finally {
    signals.release();
  }
}

function keep(child: ChildProcess, stream: NodeJS.ReadableStream | null): () => string {
  const chunks: Buffer[] = [];
  let size = 0;
  stream?.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size <= MOST_OUTPUT_BYTES) chunks.push(chunk);
    else child.kill('SIGTERM');
  });
  return () => Buffer.concat(chunks).toString();
}

interface Held {
  passTo(child: ChildProcess): void;
  release(): void;
}

/** On a terminal Ctrl-C has reached the program already, and a second one would hurry it: only what came to us alone goes on. */
function holdSignals(): Held {
  let child: ChildProcess | undefined;
  const pass = (signal: NodeJS.Signals): void => {
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child?.kill(signal);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, pass);
  return {
    passTo: (started) => {
      child = started;
    },
    release: () => {
      for (const signal of signals) process.off(signal, pass);
    },
  };
}

/** A file that only we can read, for programs that read no standard input; gone when the work is done. */
export async function withPrivateFile<T>(name: string, text: string, work: (path: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'outrider-'));
  try {
    const path = join(folder, name);
    writeFileSync(path, text, { mode: 0o600, flag: 'wx' });
    return await work(path);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
