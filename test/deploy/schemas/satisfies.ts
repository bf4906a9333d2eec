import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const COMPILER = join(import.meta.dirname, '../../../node_modules/typescript/lib/tsc.js');

/** The folder of an installed package's entry, for the imports of declarations. */
export function folderOf(entry: string): string {
  return dirname(fileURLToPath(entry));
}

export interface TypedValue {
  readonly value: unknown;
  /** A type that `declarations` make known. */
  readonly type: string;
}

/**
 * What the compiler finds against values that are to satisfy types: fields that a type does not have, wrong types, missing fields.
 * `declarations` is what comes before them.
 */
export function typeFaults(declarations: string, values: readonly TypedValue[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'outrider-satisfies-'));
  try {
    const file = join(folder, 'manifest.ts');
    const lines = values.map(({ value, type }) => `(${JSON.stringify(value ?? null)}) satisfies ${type};`);
    writeFileSync(file, `${declarations}\n${lines.join('\n')}\n`);
    const options = ['--ignoreConfig', '--noEmit', '--skipLibCheck', '--strict', '--module', 'nodenext', '--types', ''];
    const { status, stdout, stderr, error } = spawnSync(process.execPath, [COMPILER, ...options, file], {
      encoding: 'utf8',
      timeout: 60_000,
    });
    if (error !== undefined) throw error;
    if (status === 0) return [];
    const faults = stdout.split('\n').filter((line) => line.includes(': error TS'));
    if (faults.length === 0) throw new Error(`the compiler ended with ${status}: ${stdout}${stderr}`);
    return faults.map((line) => line.replace(/^.*?: error /, ''));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
