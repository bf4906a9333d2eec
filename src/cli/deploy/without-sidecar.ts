import type { Target } from '../../deploy/target.ts';
import { LOAD_TARGET } from '../../deploy/targets.ts';
import { checkEjected } from '../../deploy/text/check-record.ts';
import { ejectText } from '../../deploy/text/eject-text.ts';
import type { Injected } from '../../deploy/text/inject-text.ts';
import { ManifestTextError } from '../../deploy/text/line-note.ts';
import { findRecord } from '../../deploy/text/record-text.ts';
import type { DeployDeps } from './deps.ts';
import { changed } from './manifest-text.ts';
import type { TextFile } from './read-text.ts';

/** A manifest as it was before the sidecar came. Throws `Failure` when that cannot be told. */
export async function ejected(file: TextFile, deps: DeployDeps): Promise<string> {
  const target = await recordedTarget(file.text);
  return changed(file.name, file.text, (text) => checkedEject(text, target, deps), deps);
}

/** The same, for a manifest that may have none. Throws `Failure` for a sidecar that was not put in by us, and stays. */
export async function withoutSidecar(file: TextFile, deps: DeployDeps): Promise<string> {
  const target = await recordedTarget(file.text);
  const ejectIfThere = (text: string): Injected => {
    try {
      return checkedEject(text, target, deps);
    } catch (error) {
      // A fault with a line is about a sidecar that is there.
      if (!(error instanceof ManifestTextError) || error.faults.some(({ line }) => line > 0)) throw error;
      return { text, notes: [] };
    }
  };
  return changed(file.name, file.text, ejectIfThere, deps);
}

function checkedEject(text: string, target: Target | undefined, deps: DeployDeps): Injected {
  const { text: after, notes, record } = ejectText(text);
  if (target === undefined) return { text: after, notes };
  return { text: after, notes: [...notes, ...checkEjected({ text, ejected: after, record }, target, deps.version)] };
}

/** Undefined where the record cannot be read: ejecting says why. */
async function recordedTarget(text: string): Promise<Target | undefined> {
  const found = findRecord(text);
  return found === undefined || 'message' in found ? undefined : LOAD_TARGET[found.record.target]();
}
