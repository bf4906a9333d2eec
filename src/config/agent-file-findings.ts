import { type Fault, formatPath, type Path } from './faults.ts';
import { placeOf, type WrittenMap } from './written.ts';

/** Where rules report, at a path of the file. Messages hold no secret. */
export interface Findings {
  /** The file cannot be used. */
  readonly fault: Report;
  /** It can, but not all will be as written. */
  readonly warn: Report;
}

type Report = (path: Path, message: string, suggestion?: string) => void;

/** Adds to `faults` and `warnings`, each with its place in what was written. */
export function findingsOf(root: WrittenMap, faults: Fault[], warnings: Fault[]): Findings {
  const into =
    (list: Fault[]): Report =>
    (path, message, suggestion) => {
      list.push({ ...placeOf(root, path), path: formatPath(path), message, ...(suggestion && { suggestion }) });
    };
  return { fault: into(faults), warn: into(warnings) };
}
