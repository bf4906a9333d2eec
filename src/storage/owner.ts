import { DatabaseSync } from 'node:sqlite';
import { OutriderError } from '../errors.ts';
import { isBusy, makeFile } from './sqlite.ts';

/** Long enough for a process that is just ending. */
const PATIENCE_MS = 1_000;

/** Kept from the garbage collector, which would close what nobody holds and let go of the lock. */
const held = new Set<DatabaseSync>();

/**
 * Makes this process the only owner of `file` until the answer is called, or the process ends in whatever way. Throws `conflict`
 * when there is another. The lock is that of an empty database beside the file, so that the file itself can still be read.
 */
export function own(file: string): () => void {
  const lock = `${file}.lock`;
  makeFile(lock);
  const db = new DatabaseSync(lock, { timeout: PATIENCE_MS });
  try {
    db.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    db.close();
    if (!isBusy(error)) throw error;
    throw new OutriderError('conflict', `${file} belongs to another process that runs`, { cause: error });
  }
  held.add(db);
  return () => {
    held.delete(db);
    db.close();
  };
}
