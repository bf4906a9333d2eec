/** Where a value was written. */
export interface Origin {
  /** A file's path, or `env NAME` for an environment variable. */
  readonly file: string;
  /** From 1. */
  readonly line?: number;
  /** From 1, in UTF-16 code units. */
  readonly column?: number;
}

/** Something that keeps a configuration from being used. Holds no secret: never the value, only what was expected. */
export interface Fault extends Origin {
  /** Such as `guardrails[0].pattern`; empty for the file as a whole. */
  readonly path: string;
  readonly message: string;
  /** What was probably meant. */
  readonly suggestion?: string;
}

export type Path = readonly PropertyKey[];

const MOST_FAULTS = 100;

/** A configuration that cannot be used, with everything that is wrong with it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  /** In order of file and line; never empty, at most 101. */
  readonly faults: readonly Fault[];

  constructor(faults: readonly Fault[]) {
    const sorted = [...faults].sort(byPlace);
    const rest = sorted.length - MOST_FAULTS;
    const last = sorted.at(MOST_FAULTS);
    const shown = sorted.slice(0, MOST_FAULTS);
    if (last !== undefined) shown.push({ file: last.file, path: '', message: `and ${rest} more` });
    super(`the configuration cannot be used\n${shown.map((fault) => `  ${formatFault(fault)}`).join('\n')}`);
    this.faults = shown;
  }
}

/** `file:line:column: path: message (did you mean …?)` */
export function formatFault(fault: Fault): string {
  const path = fault.path === '' ? '' : `${fault.path}: `;
  const suggestion = fault.suggestion === undefined ? '' : ` (did you mean ${fault.suggestion}?)`;
  return `${formatOrigin(fault)}: ${path}${fault.message}${suggestion}`;
}

/** `file:line:column`, as far as known. */
export function formatOrigin(origin: Origin): string {
  return [origin.file, origin.line, origin.column].filter((part) => part !== undefined).join(':');
}

/** Whoever wrote a key chose its characters: those that a terminal would obey come out escaped. */
export function formatPath(path: Path): string {
  let text = '';
  for (const step of path) {
    const name = String(step);
    if (typeof step === 'number') text += `[${step}]`;
    else if (!/^[\w-]{1,128}$/.test(name)) text += `[${quoteKey(name)}]`;
    else text += text === '' ? name : `.${name}`;
  }
  return text;
}

function quoteKey(key: string): string {
  const short = key.length > 80 ? `${key.slice(0, 80)}…` : key;
  return JSON.stringify(short).replace(
    /[^\x20-\x7e…]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function byPlace(one: Fault, other: Fault): number {
  if (one.file !== other.file) return one.file < other.file ? -1 : 1;
  return (one.line ?? 0) - (other.line ?? 0) || (one.column ?? 0) - (other.column ?? 0);
}
