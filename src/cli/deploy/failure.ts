import { ConfigError, formatFault } from '../../config/faults.ts';
import { OutriderError } from '../../errors.ts';
import type { DeployDeps } from './deps.ts';
import { printable } from './printable.ts';

/** What keeps a command from doing its work, in lines that whoever typed it can act on. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly lines: readonly string[];
  /** Undefined: that of the command. */
  readonly exitCode: number | undefined;

  constructor(lines: string | readonly string[], exitCode?: number) {
    const all = typeof lines === 'string' ? [`outrider: ${lines}`] : lines;
    super(all.join('\n'));
    this.lines = all;
    this.exitCode = exitCode;
  }
}

/** Does the work, and says what keeps it from being done on standard error. `exitCode`: that of a failure that names none. */
export async function reported(deps: DeployDeps, exitCode: number, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const lines = linesOf(error);
    if (lines === undefined) throw error;
    deps.stderr.write(lines.map((line) => `${line}\n`).join(''));
    deps.setExitCode((error instanceof Failure ? error.exitCode : undefined) ?? exitCode);
  }
}

function linesOf(error: unknown): readonly string[] | undefined {
  if (error instanceof Failure) return error.lines.flatMap((line) => line.split('\n')).map(printable);
  if (error instanceof ConfigError) return error.faults.map(formatFault);
  return error instanceof OutriderError ? [`outrider: ${error.message}`] : undefined;
}
