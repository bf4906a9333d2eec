import { ejectText } from '../../deploy/text/eject-text.ts';
import { type Injected, ManifestTextError } from '../../deploy/text/inject-text.ts';
import type { DeployDeps } from './deps.ts';
import { changed } from './manifest-text.ts';
import type { TextFile } from './read-text.ts';

/** A manifest as it was before the sidecar came. Throws `Failure` when that cannot be told. */
export function ejected(file: TextFile, deps: DeployDeps): string {
  return changed(file.name, file.text, ejectText, deps);
}

/** The same, for a manifest that may have none. Throws `Failure` for a sidecar that was not put in by us, and stays. */
export function withoutSidecar(file: TextFile, deps: DeployDeps): string {
  return changed(file.name, file.text, ejectIfThere, deps);
}

function ejectIfThere(text: string): Injected {
  try {
    return ejectText(text);
  } catch (error) {
    // A fault with a line is about a sidecar that is there.
    if (!(error instanceof ManifestTextError) || error.faults.some(({ line }) => line > 0)) throw error;
    return { text, notes: [] };
  }
}
