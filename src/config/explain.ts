import type { z } from 'zod';
import { type Fault, formatPath, type Path } from './faults.ts';
import { textOf } from './settle.ts';
import { fieldsOf, optionsFor, type Shape } from './shape-tree.ts';
import { nearest } from './suggest.ts';
import { find, placeOf, placeOfKey, type Written, type WrittenMap } from './written.ts';

export interface Explained {
  readonly faults: Fault[];
  /** Keys that must be there and are not. */
  readonly missing: Path[];
}

/** The validator's findings in the words of someone who writes the file, each with its place. */
export function explain(issues: readonly z.core.$ZodIssue[], root: WrittenMap, shape: Shape): Explained {
  const faults: Fault[] = [];
  const missing: Path[] = [];

  const report = (issue: z.core.$ZodIssue, base: Path): void => {
    const path = [...base, ...issue.path];
    const written = find(root, path);
    const fault = (message: string, suggestion?: string): void => {
      faults.push({ ...placeOf(root, path), path: formatPath(path), message, ...(suggestion && { suggestion }) });
    };
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) faults.push(unknownKey([...path, key], root, shape));
    } else if (issue.code === 'invalid_type' && issue.expected === 'never') {
      faults.push(unknownKey(path, root, shape));
    } else if (written === undefined && isMissing(issue)) {
      missing.push(path);
    } else if (issue.code === 'invalid_union' && issue.discriminator !== undefined) {
      choose(fault, 'options' in issue && Array.isArray(issue.options) ? issue.options.map(String) : [], written);
    } else if (issue.code === 'invalid_value') {
      choose(fault, [...issue.values.map(String), ...valuesOfOthers(path, root, shape, issue.values)], written);
    } else if (issue.code === 'invalid_key') {
      const [first] = issue.issues;
      faults.push({
        ...placeOfKey(root, path),
        path: formatPath(path),
        message: `cannot be a name here: ${first?.message ?? issue.message}`,
      });
    } else if (issue.code === 'invalid_union') {
      const meant = meantBranches(issue, written, shapeAt(path, root, shape));
      if (meant.length === 1) for (const inner of meant[0] ?? []) report(inner, path);
      else fault(issue.message);
    } else if (issue.code === 'invalid_type' && isDefaultMessage(issue)) {
      fault(`expected ${KINDS[issue.expected] ?? issue.expected}, found ${kindOf(written)}`);
    } else {
      fault(issue.message);
    }
  };

  for (const issue of issues) report(issue, []);
  return { faults, missing };
}

const KINDS: Record<string, string> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a mapping',
  record: 'a mapping',
  array: 'a list',
};

function kindOf(written: Written | undefined): string {
  if (written?.kind === 'map') return 'a mapping';
  if (written?.kind === 'list') return 'a list';
  if (written === undefined || written.value === null) return 'nothing';
  return KINDS[typeof written.value] ?? typeof written.value;
}

function choose(
  fault: (message: string, suggestion?: string) => void,
  options: readonly string[],
  written: Written | undefined,
): void {
  const text = written?.kind === 'scalar' && typeof written.value === 'string' ? written.value : '';
  fault(`expected one of ${options.join(', ')}`, nearest(text, options));
}

function unknownKey(path: Path, root: WrittenMap, shape: Shape): Fault {
  const suggestion = nearest(String(path.at(-1)), keysAt(path.slice(0, -1), root, shape));
  const message = 'unknown key';
  return { ...placeOfKey(root, path), path: formatPath(path), message, ...(suggestion && { suggestion }) };
}

/** The keys that may stand in the mapping at a path. */
function keysAt(path: Path, root: WrittenMap, shape: Shape): Iterable<string> {
  const here = shapeAt(path, root, shape);
  const marks = here?.kind === 'choice' ? here.options.flatMap((option) => markOf(option)) : [];
  return [...fieldsHere(here, find(root, path)).keys(), ...marks];
}

function markOf(shape: Shape): string[] {
  return shape.kind === 'object' && shape.mark !== undefined ? [shape.mark] : [];
}

/** What may stand at a path. */
function shapeAt(path: Path, root: WrittenMap, shape: Shape): Shape | undefined {
  let here: Shape | undefined = shape;
  let written: Written | undefined = root;
  for (const step of path) {
    if (here?.kind === 'list') here = here.item;
    else if (here?.kind === 'record') here = here.value;
    else here = fieldsHere(here, written).get(String(step))?.shape;
    written = written === undefined ? undefined : find(written, [step]);
  }
  return here;
}

/** The faults of what was meant, of several that may stand there: by the keys of a mapping, else by the kind of the value. */
function meantBranches(
  { errors }: z.core.$ZodIssueInvalidUnion,
  written: Written | undefined,
  shape: Shape | undefined,
): readonly (readonly z.core.$ZodIssue[])[] {
  if (written?.kind === 'map' && shape?.kind === 'choice') {
    const options = optionsFor(shape, (key) => textOf(written, key));
    // The validator tried the options in this order.
    return errors.filter((_, index) => options.some((option) => option === shape.options[index]));
  }
  // A branch that expected another kind of value was not meant.
  return errors.filter((branch) => !branch.some((inner) => isOtherKind(inner)));
}

/** What a key with enumerated values can be in the other mappings that may stand there. */
function valuesOfOthers(path: Path, root: WrittenMap, shape: Shape, known: readonly unknown[]): string[] {
  const around = path.length === 0 ? undefined : shapeAt(path.slice(0, -1), root, shape);
  if (around?.kind !== 'choice') return [];
  const values = around.options.flatMap((option) => {
    const field = option.kind === 'object' ? option.fields.get(String(path.at(-1)))?.shape : undefined;
    return field?.kind === 'scalar' ? (field.values ?? []) : [];
  });
  return [...new Set(values)].filter((value) => !known.includes(value));
}

function fieldsHere(shape: Shape | undefined, written: Written | undefined): ReturnType<typeof fieldsOf> {
  return fieldsOf(shape, (key) => (written?.kind === 'map' ? textOf(written, key) : undefined));
}

function isMissing(issue: z.core.$ZodIssue): boolean {
  return issue.code === 'invalid_type' || issue.code === 'invalid_value' || issue.code === 'invalid_union';
}

function isOtherKind(issue: z.core.$ZodIssue): boolean {
  return issue.code === 'invalid_type' && issue.path.length === 0;
}

function isDefaultMessage(issue: z.core.$ZodIssue): boolean {
  return issue.message.startsWith('Invalid input');
}
