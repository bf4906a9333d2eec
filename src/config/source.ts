import { closeSync, openSync, readSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Environment } from '../environment.ts';
import type { Fault } from './faults.ts';

/** More than any real configuration; a guard against reading a device or the wrong file. */
const MOST_BYTES = 2 ** 20;
const TOO_LARGE = 'larger than 1 MiB';

/** Tried in this order when no file is named; the last lies in the working directory. */
export const DEFAULT_FILES = [
  '/etc/outrider/outrider.yaml',
  '/etc/agentbreeder/sidecar.yaml',
  './outrider.yaml',
] as const;

/** Where a program looks for its configuration. */
export interface Places {
  /** The variable that names the file. */
  readonly configVariable: string;
  /** The variable that holds the text itself, used when no file is named. */
  readonly textVariable?: string | undefined;
  /** Tried in this order when nothing else is there. */
  readonly defaultFiles: readonly string[];
}

export const SIDECAR_PLACES: Places = {
  configVariable: 'OUTRIDER_CONFIG',
  textVariable: 'OUTRIDER_CONFIG_YAML',
  defaultFiles: DEFAULT_FILES,
};

/** At most `most` bytes of a file. Throws as `node:fs` does, with `code` `ENOENT` when there is none. */
export type ReadFile = (path: string, most: number) => Uint8Array;

export interface Search {
  readonly env: Environment;
  /** From `--config`. */
  readonly configPath: string | undefined;
  readonly cwd: string;
  readonly readFile: ReadFile;
  /** Default: those of a sidecar. */
  readonly places?: Places | undefined;
}

export interface Source {
  /** The file that was read; undefined when there is none. */
  readonly file?: string;
  /** What faults of the text call it. */
  readonly place: string;
  readonly text?: string;
  readonly fault?: Fault;
  readonly warnings: readonly string[];
}

/**
 * The configuration's text: of the file that is named, which must be there; else of the environment; else of the first of the
 * default files that is there.
 */
export function readConfigFile(search: Search): Source {
  const { configVariable, textVariable, defaultFiles } = search.places ?? SIDECAR_PLACES;
  const named = search.configPath ?? (search.env[configVariable] || undefined);
  const text = textVariable === undefined ? undefined : search.env[textVariable] || undefined;
  if (named === undefined && text !== undefined) return fromEnvironment(`env ${textVariable}`, text);
  const warnings = text === undefined ? [] : [`${textVariable} is not read: the configuration file ${named} was named`];
  const paths = named === undefined ? defaultFiles : [named];
  for (const path of paths) {
    const file = path.startsWith('./') ? join(search.cwd, path) : path;
    try {
      return { ...decode(file, search.readFile(resolve(search.cwd, path), MOST_BYTES + 1)), warnings };
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
      const absent = code === 'ENOENT' || code === 'ENOTDIR';
      if (absent && named === undefined) continue;
      const message = absent ? 'there is no such file' : `cannot be read: ${code}`;
      return { file, place: file, fault: { file, path: '', message }, warnings };
    }
  }
  return { place: 'configuration', warnings };
}

function fromEnvironment(place: string, text: string): Source {
  if (Buffer.byteLength(text) <= MOST_BYTES) return { place, text, warnings: [] };
  return { place, fault: { file: place, path: '', message: TOO_LARGE }, warnings: [] };
}

/** Works with pipes and devices too, whose size is not known before. */
export function readFromDisk(path: string, most: number): Uint8Array {
  const descriptor = openSync(path, 'r');
  try {
    let buffer = new Uint8Array(64 * 1024);
    let length = 0;
    while (length < most) {
      if (length === buffer.length) buffer = grown(buffer);
      const count = readSync(descriptor, buffer, length, Math.min(buffer.length, most) - length, null);
      if (count === 0) break;
      length += count;
    }
    return buffer.subarray(0, length);
  } finally {
    closeSync(descriptor);
  }
}

function grown(buffer: Uint8Array): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(buffer.length * 2);
  larger.set(buffer);
  return larger;
}

function decode(file: string, bytes: Uint8Array): Omit<Source, 'warnings'> {
  const place = file;
  if (bytes.length > MOST_BYTES) return { file, place, fault: { file, path: '', message: TOO_LARGE } };
  try {
    return { file, place, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    return { file, place, fault: { file, path: '', message: 'not UTF-8 text' } };
  }
}
