import type { DeployDeps } from './deps.ts';
import type { TextFile } from './read-text.ts';
import { replaceFile } from './replace-file.ts';
import { unifiedDiff } from './unified-diff.ts';

export interface WriteFlags {
  readonly write?: boolean;
  readonly check?: boolean;
}

/** What `--check` ends with when the file is not as it should be; anything else that is wrong is `EXIT_TROUBLE`, as with diff(1). */
const EXIT_DIFFERS = 1;
const EXIT_TROUBLE = 2;

/** The exit code of what keeps a command from doing its work. */
export function troubleExit({ check }: WriteFlags): number {
  return check === true ? EXIT_TROUBLE : 1;
}

/** Sends what became of a file to where the flags say: back into it, to a comparison, or to standard output. */
export function deliver(file: TextFile, after: string, flags: WriteFlags, deps: DeployDeps): void {
  if (flags.check === true) return compare(file, after, deps);
  if (flags.write !== true) return void deps.stdout.write(after);
  if (after !== file.text) replaceFile(file.name, after, { cwd: deps.cwd, was: file.stamp });
}

/** Prints what is different, and nothing when nothing is. */
export function compare(file: TextFile, after: string, deps: DeployDeps): void {
  if (after === file.text) return;
  // Before anything is written: whoever reads may close the pipe, and that must not pass for "the same".
  deps.setExitCode(EXIT_DIFFERS);
  const sides = { from: { name: file.name, text: file.text }, to: { name: `${file.name} (expected)`, text: after } };
  deps.stdout.write(unifiedDiff(sides, deps.stdout));
  deps.stderr.write(`${file.name}: differs from what it should be\n`);
}
