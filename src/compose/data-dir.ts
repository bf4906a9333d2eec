import { access, constants, mkdir } from 'node:fs/promises';
import { OutriderError } from '../errors.ts';

/** The first directory that exists, or can be made, and can be written. Rejects with `internal` naming all that were tried. */
export async function chooseDataDir(candidates: readonly string[]): Promise<string> {
  const reasons: string[] = [];
  for (const directory of candidates) {
    try {
      // Costs and audit rows are nobody else's business.
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await access(directory, constants.W_OK | constants.X_OK);
      return directory;
    } catch (error) {
      reasons.push(`${directory}: ${error instanceof Error && 'code' in error ? String(error.code) : 'unusable'}`);
    }
  }
  throw new OutriderError('internal', `no directory for local state (${reasons.join(', ')}); set OUTRIDER_DATA_DIR`);
}
