import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** What still runs. A test process that ends early, or is ended by the runner's timeout, takes all of it with it. */
const running = new Set<ChildProcess>();
const killAll = (): void => {
  for (const child of running) child.kill('SIGKILL');
};
process.once('exit', killAll);
process.once('SIGTERM', () => {
  killAll();
  process.exit(143);
});

/** A child process whose output is kept and can be waited on. Ended, if need be, by `stop`. */
export class Process {
  readonly child: ChildProcess;
  readonly exited: Promise<Exit>;
  stdout = '';
  stderr = '';
  readonly #listeners = new Set<() => void>();

  constructor(command: string, args: readonly string[], env: Record<string, string | undefined>, cwd = ROOT) {
    this.child = spawn(command, args, { env: definedOnly(env), cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout?.on('data', (chunk: Buffer) => this.#add('stdout', chunk));
    this.child.stderr?.on('data', (chunk: Buffer) => this.#add('stderr', chunk));
    running.add(this.child);
    this.child.once('close', () => running.delete(this.child));
    this.exited = once(this.child, 'close').then(([code, signal]) => ({ code, signal }));
    // Whoever waits is told of a start that failed; nobody waiting is no reason to crash the test.
    this.exited.catch(() => undefined);
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error('the process did not start');
    return this.child.pid;
  }

  #add(stream: 'stdout' | 'stderr', chunk: Buffer): void {
    this[stream] += chunk.toString();
    for (const listener of this.#listeners) listener();
  }

  /** Waits until `find` finds something in the output; fails with the output when the process ends or time runs out. */
  async waitFor<T>(find: (output: string) => T | undefined, what: string, timeoutMs = 15_000): Promise<T> {
    return new Promise((resolve, reject) => {
      const done = (settle: () => void): void => {
        clearTimeout(timer);
        this.#listeners.delete(look);
        settle();
      };
      const look = (): void => {
        const found = find(`${this.stdout}\n${this.stderr}`);
        if (found !== undefined) done(() => resolve(found));
      };
      const fail = (why: string): void =>
        done(() => reject(new Error(`${what}: ${why}\n--- stdout\n${this.stdout}\n--- stderr\n${this.stderr}`)));
      const timer = setTimeout(() => fail(`not seen within ${timeoutMs} ms`), timeoutMs);
      this.#listeners.add(look);
      this.exited.then(
        ({ code, signal }) => fail(`the process ended with ${signal ?? code}`),
        (error: unknown) => fail(String(error)),
      );
      look();
    });
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  async stop(name: NodeJS.Signals = 'SIGTERM', timeoutMs = 10_000): Promise<Exit> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(name);
    const timer = setTimeout(() => this.child.kill('SIGKILL'), timeoutMs);
    try {
      return await this.exited;
    } finally {
      clearTimeout(timer);
    }
  }
}

function definedOnly(env: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
