import { constants } from 'node:os';

/** How a process ended: exactly one of the two is not null. */
export interface AgentExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * What shells put into `$?` for a process that this signal ended: 128 + its number. (POSIX.1-2024 XCU §2.8.2 asks for more than
 * 128 only; dash, bash, zsh and container runtimes agree on the sum.)
 */
export function exitCodeOfSignal(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}

/** The exit code that stands for how a process ended, as shells have it. */
export function exitCodeOf({ code, signal }: AgentExit): number {
  return signal === null ? (code ?? 1) : exitCodeOfSignal(signal);
}
