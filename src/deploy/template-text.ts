import { readDocuments } from './text/documents.ts';
import { ManifestTextError } from './text/line-note.ts';

/** What is left to do with a value, or a file, that a template engine such as Helm's has not filled in yet. */
export const RENDER_FIRST =
  'a template that has not been rendered: render it first (helm template), and inject into what comes out';

/** True for a text with an action of a Go template in it. */
export function isTemplate(text: string): boolean {
  return text.includes('{{');
}

/** What is wrong with a file that is no YAML because of the actions of a template in it; undefined where it is YAML, or wrong for another reason. */
export function templateFault(text: string): string | undefined {
  if (!isTemplate(text)) return undefined;
  try {
    readDocuments(text);
    return undefined;
  } catch (error) {
    if (!(error instanceof ManifestTextError)) throw error;
    const lines = text.split('\n');
    const broken = error.faults.map(({ line }) => line).find((line) => isTemplate(lines[line - 1] ?? ''));
    return broken === undefined ? undefined : `the file is no YAML at line ${broken}, but ${RENDER_FIRST}`;
  }
}
