import type { Json } from '../../../deploy/json.ts';
import { Failure } from '../failure.ts';
import type { ProgramRun } from '../program.ts';

/** A manifest that is to go to its platform. */
export interface Manifest {
  readonly text: string;
  readonly documents: readonly Json[];
  /** From the agent's file, for platforms whose manifest does not say where it goes. */
  readonly region?: string;
  /** For the platform's own program, behind what we say. */
  readonly words: readonly string[];
}

/** How a platform's own program is used. What it needs of a program it runs by `run`. */
export interface Platform {
  /** Looked up in `PATH`. */
  readonly program: string;
  /** What to type where the program is not installed; `file` is the manifest. */
  byHand(manifest: Manifest, file: string): readonly string[];
  /** Shows on standard output what applying would change. Throws `Failure` with the program's code when that cannot be told. */
  preview(manifest: Manifest, run: RunProgram): Promise<Preview>;
  /** Gives the program's exit code. */
  apply(manifest: Manifest, run: RunProgram, preview: Preview): Promise<number>;
  /** What is left to do when it went well. */
  readonly next?: (manifest: Manifest) => string | undefined;
}

export interface Preview {
  /** `same`: applying would change nothing, and is left out. */
  readonly state: 'same' | 'new' | 'differs';
  /** Nomad: the version of the job that this is a preview of. */
  readonly index?: string;
}

export interface RunProgram {
  /** Runs the program on our terminal, and gives its exit code. */
  shown(run: ProgramRun): Promise<number>;
  /** Runs it and keeps what it writes to standard output and error. */
  kept(run: ProgramRun): Promise<{ code: number; stdout: string; stderr: string }>;
  /** Prints what differs between what is there and what is to be. */
  showDiff(live: string, wanted: string): void;
  /** Writes to standard output what a program has written. */
  show(text: string): void;
}

/** Shows what differs between what is on the platform (undefined: nothing yet) and what is to be, both in the same form. */
export function compared(
  live: Json | undefined,
  manifest: Manifest,
  form: (data: Json) => string,
  run: RunProgram,
): Preview {
  const wanted = form(manifest.documents[0] ?? null);
  const there = live === undefined ? undefined : form(live);
  if (there === wanted) return { state: 'same' };
  run.showDiff(there ?? '', wanted);
  return { state: there === undefined ? 'new' : 'differs' };
}

/** `what`: the words of the call that failed; `stderr`: what it said, unless that was shown. */
export function previewFailed(what: string, code: number, stderr = ''): Failure {
  const said = stderr.trimEnd();
  const line = `outrider: ${what} failed, so nothing was applied; words behind -- go to it as they are`;
  return new Failure(said === '' ? [line] : [said, line], code);
}

/** Puts `--NAME VALUE` in front, unless the words say it already. */
export function withFlag(words: readonly string[], flag: string, value: string | undefined): readonly string[] {
  const said = words.some((word) => word === flag || word.startsWith(`${flag}=`));
  return value === undefined || said ? words : [flag, value, ...words];
}
