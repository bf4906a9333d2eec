import type { WriteFlags } from './deliver.ts';
import type { DeployDeps } from './deps.ts';
import { Failure } from './failure.ts';
import { readText, type TextFile } from './read-text.ts';

/** The manifest that a command was given; standard input when it was given none. Throws `Failure`. */
export async function readManifest(path: string | undefined, flags: WriteFlags, deps: DeployDeps): Promise<TextFile> {
  if (flags.write === true && flags.check === true) throw new Failure('--write and --check exclude each other');
  if (path === undefined && deps.stdin.isTTY === true) {
    throw new Failure('no manifest: name a file, or pipe one in (see --help)');
  }
  const file = await readText(path ?? '-', deps);
  if (flags.write === true && file.stamp === undefined) {
    throw new Failure(`${file.name}: --write needs a file that can be replaced`);
  }
  return file;
}
