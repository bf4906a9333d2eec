import type { Plan } from '../../deploy/plan.ts';
import type { Target } from '../../deploy/target.ts';
import { readRecord } from '../../deploy/text/eject-text.ts';
import { type Injected, injectText } from '../../deploy/text/inject-text.ts';
import { type LineNote, ManifestTextError } from '../../deploy/text/line-note.ts';
import type { DeployDeps } from './deps.ts';
import { Failure } from './failure.ts';
import { printable } from './printable.ts';

export interface Injection {
  readonly target: Target;
  readonly plan: Plan;
}

/** Puts the sidecar in, and says on standard error what whoever deploys should know. Throws `Failure`. */
export function injectInto(name: string, text: string, { target, plan }: Injection, deps: DeployDeps): string {
  return changed(
    name,
    text,
    (bare) => {
      const injected = injectText(bare, target, plan);
      // What is injected here changes the file or carries a record: only a sidecar that somebody else put in leaves it as it is.
      if (injected.text !== bare || readRecord(bare) !== undefined) return injected;
      return { ...injected, notes: [...injected.notes, { line: 0, document: 0, message: FOREIGN }] };
    },
    deps,
  );
}

const FOREIGN =
  'there is a sidecar already, and no record of how it was put in: nothing was changed, and nothing but its image was looked at';

/** Does the work on a text without its byte order mark, which comes back in front of what it gives. */
export function changed(name: string, text: string, work: (bare: string) => Injected, deps: DeployDeps): string {
  const mark = text.startsWith('\uFEFF') ? '\uFEFF' : '';
  try {
    const { text: after, notes } = work(text.slice(mark.length));
    deps.stderr.write(notes.map((note) => `${printable(`${place(name, note)}: note: ${note.message}`)}\n`).join(''));
    return mark + after;
  } catch (error) {
    if (!(error instanceof ManifestTextError)) throw error;
    throw new Failure(error.faults.map((fault) => faultLine(name, fault)));
  }
}

function faultLine(name: string, fault: LineNote): string {
  return `${place(name, fault)}: ${fault.document > 0 ? `document ${fault.document}: ` : ''}${fault.message}`;
}

function place(name: string, { line }: LineNote): string {
  return line > 0 ? `${name}:${line}` : name;
}
