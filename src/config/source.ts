import { closeSync, openSync, readSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Environment } from '../environment.ts';
import type { Fault } from './faults.ts';

/** More than any real configuration; a guard against reading a device or the wrong file. */
const MOST_BYTES = 2 ** 20;

/** Tried in this order when no file is named; the last lies in the working directory. */
export const DEFAULT_FILES = [
  '/etc/outrider/outrider.yaml',
  '/etc/agentbreeder/sidecar.yaml',
  './outrider.yaml',
] as const;

/** At most `most` bytes of a file. Throws as `node:fs` does, with `code` `ENOENT` when there is none. */
export type ReadFile = (path: string, most: number) => Uint8Array;

export interface Search {
  readonly env: Environment;
  /** From `--config`. */
  readonly configPath: string | undefined;
  readonly cwd: string;
  readonly readFile: ReadFile;
  /** The variable that names it; default: `OUTRIDER_CONFIG`. */
  readonly variable?: string | undefined;
  /** Default: those of a sidecar. */
  readonly defaultFiles?: readonly string[] | undefined;
}

/** The configuration file: one that is named must be there; else the first of the default ones that is. */
export function readConfigFile(search: Search): { file?: string; text?: string; fault?: Fault } {
  const { variable = 'OUTRIDER_CONFIG', defaultFiles = DEFAULT_FILES } = search;
  const named = search.configPath ?? (search.env[variable] || undefined);
  const paths = named === undefined ? defaultFiles : [named];
  for (const path of paths) {
    const file = path.startsWith('./') ? join(search.cwd, path) : path;
    try {
      return decode(file, search.readFile(resolve(search.cwd, path), MOST_BYTES + 1));
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
      const absent = code === 'ENOENT' || code === 'ENOTDIR';
      if (absent && named === undefined) continue;
      const message = absent ? 'there is no such file' : `cannot be read: ${code}`;
      return { file, fault: { file, path: '', message } };
    }
  }
  return {};
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

function decode(file: string, bytes: Uint8Array): { file: string; text?: string; fault?: Fault } {
  if (bytes.length > MOST_BYTES) return { file, fault: { file, path: '', message: 'larger than 1 MiB' } };
  try {
    return { file, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    return { file, fault: { file, path: '', message: 'not UTF-8 text' } };
  }
}
