import { Child, type Exit } from './children.ts';
import { outrider } from './ground.ts';
import type { Stage } from './stage.ts';

export interface RunOptions {
  /** Most lines that are printed. */
  lines?: number;
  /** Rows are read: run with `--json` as well, and printed as the table that a person on a terminal sees. */
  rows?: boolean;
  env?: Readonly<Record<string, string>>;
}

/** A command that has ended. */
export interface Ran extends Exit {
  stdout: string;
  stderr: string;
  /** What a person would have seen. */
  shown: string;
  /** The JSON lines on stdout, parsed. */
  rows: Record<string, unknown>[];
}

const TIMEOUT_MS = 15_000;

/** Runs a command on a terminal of its own, so that it shows what it shows to people. */
const ON_A_TERMINAL = 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))';

/** Runs `outrider …` from the checkout in the stage's directory. Ends it after 15 s. */
export async function runOutrider(stage: Stage, args: readonly string[], options: RunOptions): Promise<Ran> {
  const { rows = false } = options;
  // The token of a ledger far away; commands on local files have no use for one.
  const env = { ...(args.includes('--url') && { OUTRIDER_LEDGER_TOKEN: stage.ledger.token }), ...options.env };
  const [ran, seen] = await Promise.all([
    run(stage, outrider(...args, ...(rows ? ['--json'] : [])), env),
    rows && stage.python !== undefined ? run(stage, onTerminal(stage.python, outrider(...args)), env) : undefined,
  ]);
  const shown = (seen ?? ran).stdout.replaceAll('\r', '') + ran.stderr;
  return { ...ran, shown, rows: rows ? rowsOf(ran.stdout) : [] };
}

type Command = ReturnType<typeof outrider>;

function onTerminal(python: string, { command, args }: Command): Command {
  return { command: python, args: ['-c', ON_A_TERMINAL, command, ...args] };
}

async function run(
  { ground }: Stage,
  program: Command,
  more: Readonly<Record<string, string>>,
): Promise<Omit<Ran, 'shown' | 'rows'>> {
  const child = new Child({ ...program, cwd: ground.directory, env: { ...ground.env, ...more } });
  const timer = setTimeout(() => child.signalGroup('SIGKILL'), TIMEOUT_MS);
  const exit = await child.exited;
  clearTimeout(timer);
  return { ...exit, stdout: child.stdout, stderr: child.stderr };
}

function rowsOf(lines: string): Record<string, unknown>[] {
  return lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line): Record<string, unknown> => JSON.parse(line));
}
