import { existsSync } from 'node:fs';
import { OutriderError } from '../errors.ts';

/**
 * Turns what `spawn` reports into words for the person who typed the command. The code tells the shell's two cases apart:
 * `not_found` for a command that is not there, `forbidden` for one that is there but cannot be run.
 */
export function agentStartError(thrown: unknown, file: string, cwd: string | undefined): OutriderError {
  const fail = (code: 'not_found' | 'forbidden' | 'internal', why: string): OutriderError =>
    new OutriderError(code, `cannot start the agent: ${why}`, { cause: thrown });

  // The system reports a missing working directory as if the command were missing.
  if (cwd !== undefined && !existsSync(cwd)) return fail('internal', `no such working directory: ${cwd}`);
  switch (errnoOf(thrown)) {
    case 'ENOENT':
      return file.includes('/') && existsSync(file)
        ? fail('forbidden', `the interpreter named in the first line of ${file} is not there`)
        : fail('not_found', `command not found: ${file}`);
    case 'ENOTDIR':
      return fail('not_found', `command not found: ${file}`);
    case 'EACCES':
    case 'EPERM':
      return fail('forbidden', `not permitted to execute: ${file}`);
    case 'ENOEXEC':
      return fail('forbidden', `not an executable file for this machine: ${file}`);
    case 'E2BIG':
      return fail('forbidden', 'its arguments and environment are too long for this system');
    default:
      return fail('internal', thrown instanceof Error ? thrown.message : 'the system refused');
  }
}

/** The exit code for an error from `startAgent`, as shells have it: 127 not found, 126 cannot be run, else 1. */
export function exitCodeOfStartError(error: unknown): number {
  if (!(error instanceof OutriderError)) return 1;
  if (error.code === 'not_found') return 127;
  return error.code === 'forbidden' ? 126 : 1;
}

function errnoOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined;
}
