import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { signalGroup } from '../../src/run/process-group.ts';

const WAIT_MS = 15_000;

/** A line that the runner fixture wrote. */
export interface RunnerEvent {
  readonly event: string;
  readonly pid?: number;
  readonly message?: string;
  readonly code?: number;
}

export type Piped = ChildProcessByStdio<Writable, Readable, Readable>;

export interface Runner {
  readonly child: Piped;
  readonly events: RunnerEvent[];
  /** Lines that the agent wrote to stdout. */
  readonly lines: string[];
  /** Names of the events so far, without log lines. */
  names(): string[];
  seen(event: string): Promise<RunnerEvent>;
  said(line: string): Promise<void>;
  ended(): Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/** Starts `fixtures/runner.ts`, and ends it and its agent with the test whatever happens. */
export function startRunner(t: TestContext, settings: object): Runner {
  const file = fileURLToPath(new URL('./fixtures/runner.ts', import.meta.url));
  const child = spawn(process.execPath, [file, JSON.stringify(settings)], { stdio: ['pipe', 'pipe', 'pipe'] });
  const events: RunnerEvent[] = [];
  const lines: string[] = [];
  const rest: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  createInterface({ input: child.stderr }).on('line', (line) => {
    // The fixture writes objects with these members; anything else is the agent's or a crash.
    if (line.startsWith('{"event"')) events.push(JSON.parse(line) as RunnerEvent);
    else rest.push(line);
  });
  const exited = once(child, 'close');
  t.after(() => {
    child.kill('SIGKILL');
    const pid = events.find(({ event }) => event === 'started')?.pid;
    if (pid !== undefined) signalGroup(pid, 'SIGKILL');
  });
  const told = (): string => JSON.stringify({ events, lines, rest });
  return {
    child,
    events,
    lines,
    names: () => events.map(({ event }) => event).filter((name) => name !== 'log'),
    seen: (name) =>
      eventually(
        () => events.find(({ event }) => event === name),
        () => `no event ${name}: ${told()}`,
      ),
    said: async (line) =>
      void (await eventually(
        () => lines.includes(line),
        () => `no line ${line}: ${told()}`,
      )),
    async ended() {
      const timer = setTimeout(() => child.kill('SIGKILL'), WAIT_MS);
      await exited;
      clearTimeout(timer);
      return { code: child.exitCode, signal: child.signalCode };
    },
  };
}

/** Asks until there is an answer other than undefined and false; fails after 15 s. */
export async function eventually<T>(
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  failure: () => string,
): Promise<T> {
  for (const deadline = performance.now() + WAIT_MS; ; await sleep(10)) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > deadline) throw new Error(failure());
  }
}

/** Ids of the processes that have this text in their command line and still run. */
export function processesWith(text: string): number[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(text) ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

/** The state letter of a process (proc_pid_stat(5)), or undefined when it is gone. */
export function stateOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ', 1)[0];
  } catch {
    return undefined;
  }
}

export async function exitOf(child: ChildProcess): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return { code: child.exitCode, signal: child.signalCode };
}
