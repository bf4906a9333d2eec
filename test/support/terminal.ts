import { spawnSync } from 'node:child_process';
import { Process } from './process.ts';

/** Why there can be no terminal here, or false. */
export const NO_TERMINAL =
  spawnSync('python3', ['-c', 'import pty'], { stdio: 'ignore' }).status === 0 ? false : 'needs python3 for a terminal';

/** Runs a command that ends by itself on a pseudo-terminal, and gives what it showed there. */
export async function onTerminal(
  command: readonly [string, readonly string[]],
  env: Record<string, string | undefined>,
): Promise<{ code: number | null; shown: string }> {
  const script = 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))';
  const child = new Process('python3', ['-c', script, command[0], ...command[1]], {
    PATH: process.env['PATH'],
    TERM: 'xterm',
    ...env,
  });
  const timer = setTimeout(() => child.signal('SIGKILL'), 15_000);
  const { code } = await child.exited;
  clearTimeout(timer);
  return { code, shown: child.stdout.replaceAll('\r\n', '\n') };
}
