import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Whatever has an end: a test, or something that runs its steps in `after`. */
export interface Ends {
  after(step: () => unknown): void;
}

/** A directory that is gone after the test. */
export function tempDir(t: Ends): string {
  const directory = mkdtempSync(join(tmpdir(), 'outrider-test-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
