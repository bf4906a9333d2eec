import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';

/** Sections of a file in the txtar form, each behind a line `-- NAME --`. */
export type Sections = Readonly<Record<string, string>>;

/** What comes of a case; the other sections go into it. */
const RESULTS: ReadonlySet<string> = new Set(['output', 'faults', 'notes']);

export function readSections(path: string): Sections {
  const parts = readFileSync(path, 'utf8').split(/^-- (\S+) --\n/m);
  return Object.fromEntries(
    Array.from({ length: (parts.length - 1) / 2 }, (_, index) => [
      parts[2 * index + 1] ?? '',
      parts[2 * index + 2] ?? '',
    ]),
  );
}

/** Compares what came of a case with its file. `UPDATE_GOLDEN=1` writes the file anew: read the difference before it is committed. */
export function assertGolden(path: string, sections: Sections, results: Sections): void {
  const entries = Object.entries(sections);
  if (process.env['UPDATE_GOLDEN']) {
    const inputs = Object.fromEntries(entries.filter(([name]) => !RESULTS.has(name)));
    writeFileSync(path, formatSections({ ...inputs, ...results }));
  } else {
    assert.deepEqual(results, Object.fromEntries(entries.filter(([name]) => RESULTS.has(name))));
  }
}

/** Faults or notes, a line each. */
export function lineTexts(notes: readonly { line: number; message: string }[]): string {
  return notes.map(({ line, message }) => `${line}: ${message}\n`).join('');
}

function formatSections(sections: Sections): string {
  return Object.entries(sections)
    .map(([name, text]) => `-- ${name} --\n${text.replace(/\n?$/, '\n')}`)
    .join('');
}
