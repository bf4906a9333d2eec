import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface Program {
  command: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  cwd: string;
}

/** Whatever happens to the tour, nothing that it started outlives it. */
const running = new Set<Child>();
process.on('exit', () => {
  for (const child of running) child.signalGroup('SIGKILL');
});

/**
 * A process of the tour, in a group of its own: Ctrl-C on the terminal reaches the tour alone, which then ends its children in
 * order.
 */
export class Child {
  readonly exited: Promise<Exit>;
  stdout = '';
  stderr = '';
  readonly #child: ChildProcess;

  constructor({ command, args, env, cwd }: Program) {
    this.#child = spawn(command, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    this.#child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      this.stdout += chunk;
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      this.stderr += chunk;
    });
    this.exited = once(this.#child, 'close').then(([code, signal]) => ({ code, signal }));
    running.add(this);
    const gone = (): void => void running.delete(this);
    this.exited.then(gone, gone);
  }

  /** 0 when it could not be started. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  signalGroup(name: NodeJS.Signals): void {
    try {
      if (this.pid > 0) process.kill(-this.pid, name);
    } catch {
      // The group is gone already.
    }
  }

  /** Asks it to end, and ends its whole group when it does not. */
  async stop(timeoutMs = 10_000): Promise<Exit> {
    this.signal('SIGTERM');
    const timer = setTimeout(() => this.signalGroup('SIGKILL'), timeoutMs);
    try {
      return await this.exited;
    } catch {
      return { code: null, signal: null }; // It never started.
    } finally {
      clearTimeout(timer);
    }
  }
}
