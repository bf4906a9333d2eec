import { type StdioOptions, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { OutriderError } from '../errors.ts';
import type { AgentExit } from './exit-code.ts';
import type { RunLog } from './log.ts';
import { groupEnds, sendSignal, signalGroup } from './process-group.ts';
import { agentStartError } from './start-error.ts';
import { watchGroup } from './watchdog.ts';

export interface AgentOptions {
  /** The program and its arguments; the program is looked up in the `PATH` of `env`. No shell reads it. */
  readonly command: readonly string[];
  /** The agent's whole environment: nothing is added from ours. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string | undefined;
  readonly log: RunLog;
  /** `inherit`: the agent reads our stdin, and writes to our stdout and stderr. */
  readonly stdio: 'inherit' | AgentOutput;
}

/** Who takes what the agent writes; it has nothing to read then. */
export interface AgentOutput {
  /** Returns for how many milliseconds no more is to be read. */
  push(stream: 'stdout' | 'stderr', chunk: Buffer): number;
  /** Nothing more comes from this stream. */
  end(stream: 'stdout' | 'stderr'): void;
}

export interface StopOptions {
  /** Milliseconds from the signal to SIGKILL for whatever of the agent's process group still runs. */
  readonly graceMs: number;
  /** What the agent is asked with; SIGTERM by default. */
  readonly signal?: NodeJS.Signals;
}

/** The agent as a child process, leader of a process group of its own. */
export interface AgentProcess {
  readonly pid: number;
  /** Settles when the process that was started has ended. Never rejects. */
  readonly exited: Promise<AgentExit>;
  /** Settles when nothing of its process group runs any more, at most three seconds after `exited`. Never rejects. */
  readonly gone: Promise<void>;
  /** Does nothing once the agent has ended. */
  signal(signal: NodeJS.Signals): void;
  /** Asks it to end, kills the whole group after the grace, and resolves when nothing of it is left. */
  stop(options: StopOptions): Promise<AgentExit>;
}

/**
 * Addressed to a main process, where they ask for something other than its end (a reload, a dump); their default would end
 * helpers that do not handle them. All others go to the whole group, as a terminal and a service manager send them.
 */
const TO_LEADER_ONLY: ReadonlySet<NodeJS.Signals> = new Set(['SIGHUP', 'SIGUSR1', 'SIGUSR2']);

/** What the agent has started and left behind may take this long to end after it, from SIGTERM to SIGKILL. */
const LEFTOVERS_GRACE_MS = 2000;
const KILL_WAIT_MS = 1000;

/**
 * Starts the agent in a session and process group of its own, so that everything it starts can be ended with it, and Ctrl-C
 * reaches it only through us, after requests in flight were answered. Not having a controlling terminal, it is not stopped for
 * reading from or writing to the terminal. Rejects with `not_found` or `forbidden` when the command is not there or cannot be
 * run; see `exitCodeOfStartError`.
 */
export async function startAgent(options: AgentOptions): Promise<AgentProcess> {
  const { command, env, cwd, stdio, log } = options;
  const [file, ...args] = command;
  if (file === undefined || file === '') {
    throw new OutriderError('bad_request', 'cannot start the agent: no command was given');
  }
  const exited = Promise.withResolvers<AgentExit>();
  let pid: number | undefined;
  try {
    const streams: StdioOptions = stdio === 'inherit' ? stdio : ['ignore', 'pipe', 'pipe'];
    const child = spawn(file, args, { env, cwd, stdio: streams, detached: true });
    if (stdio !== 'inherit') {
      readOutput('stdout', child.stdout, stdio);
      readOutput('stderr', child.stderr, stdio);
    }
    child.once('exit', (code, signal) => exited.resolve({ code, signal }));
    await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject));
    pid = child.pid;
  } catch (error) {
    throw agentStartError(error, file, cwd);
  }
  if (pid === undefined) throw agentStartError(undefined, file, cwd);
  return supervise(pid, exited.promise, log);
}

function readOutput(name: 'stdout' | 'stderr', stream: Readable | null, output: AgentOutput): void {
  stream?.on('data', (chunk: Buffer) => {
    const pauseMs = output.push(name, chunk);
    if (pauseMs <= 0) return;
    stream.pause();
    setTimeout(() => stream.resume(), pauseMs).unref();
  });
  stream?.on('end', () => output.end(name));
  stream?.on('error', () => undefined);
}

function supervise(pid: number, exited: Promise<AgentExit>, log: RunLog): AgentProcess {
  // Ids are used again once their owner is gone, so nothing is sent to one after that.
  let leaderEnded = false;
  let groupEnded = false;
  const toGroup = (signal: NodeJS.Signals): boolean => !groupEnded && signalGroup(pid, signal);

  const killAtExit = (): void => void toGroup('SIGKILL');
  process.on('exit', killAtExit);
  const watchdog = watchGroup(pid, log);

  const gone = exited.then(async () => {
    leaderEnded = true;
    await endLeftovers(pid, log);
    groupEnded = true;
    process.off('exit', killAtExit);
    watchdog.release();
  });

  return {
    pid,
    exited,
    gone,
    signal(signal) {
      if (!TO_LEADER_ONLY.has(signal)) toGroup(signal);
      else if (!leaderEnded) sendSignal(pid, signal);
    },
    async stop({ graceMs, signal = 'SIGTERM' }) {
      this.signal(signal);
      // A suspended process gets to see the signal only when it goes on.
      toGroup('SIGCONT');
      const timer = setTimeout(() => {
        log.warn('the agent did not stop in time and is killed', { pid, graceMs });
        toGroup('SIGKILL');
      }, graceMs);
      await gone;
      clearTimeout(timer);
      return exited;
    },
  };
}

/** Ends what is left of a group whose leader has ended. */
async function endLeftovers(pid: number, log: RunLog): Promise<void> {
  if (await groupEnds(pid, 0)) return;
  log.info('ending the processes that the agent left behind', { pid });
  signalGroup(pid, 'SIGTERM');
  signalGroup(pid, 'SIGCONT');
  if (await groupEnds(pid, LEFTOVERS_GRACE_MS)) return;
  signalGroup(pid, 'SIGKILL');
  if (!(await groupEnds(pid, KILL_WAIT_MS))) log.warn('processes that the agent left behind do not end', { pid });
}
