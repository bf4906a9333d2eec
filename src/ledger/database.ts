import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { OutriderError } from '../errors.ts';
import { MIGRATIONS } from './migrations/index.ts';

/** Name of the database inside the data directory. */
export const LEDGER_FILE = 'ledger.db';

/** Marks the file as ours (`PRAGMA application_id`): 'OUTR'. */
const APPLICATION_ID = 0x4f555452;
const BUSY_MS = 5_000;

/**
 * Opens the ledger for writing; makes the file (mode 0600) and its directory when they are missing, and brings its schema up to
 * date. Every commit is on disk when it returns: WAL with `synchronous=FULL`. Throws when the file is not a ledger.
 */
export function openForWriting(file: string): DatabaseSync {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  // SQLite would make it readable to everyone; the files beside it (-wal, -shm) take their mode from this one.
  closeSync(openSync(file, 'a', 0o600));
  return open(file, false, (db) => {
    migrate(db, file);
    db.exec('PRAGMA journal_mode = WAL');
    db.exec('PRAGMA synchronous = FULL');
    db.exec('PRAGMA journal_size_limit = 16777216');
  });
}

/** Opens the ledger for reading beside its writer. Throws `not_found` when there is none. */
export function openForReading(file: string): DatabaseSync {
  return open(file, true, (db) => {
    if (schemaVersion(db) !== MIGRATIONS.length) throw notALedger(file);
  });
}

function open(file: string, readOnly: boolean, prepare: (db: DatabaseSync) => void): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(file, { readOnly, timeout: BUSY_MS });
    db.exec('PRAGMA recursive_triggers = ON; PRAGMA trusted_schema = OFF;');
    prepare(db);
    return db;
  } catch (error) {
    db?.close();
    if (error instanceof OutriderError) throw error;
    if (sqliteCode(error) === SQLITE_NOTADB) throw notALedger(file);
    if (readOnly && sqliteCode(error) === SQLITE_CANTOPEN) {
      throw new OutriderError('not_found', `there is no ledger database at ${file}, or it cannot be read`, {
        cause: error,
      });
    }
    throw new OutriderError('internal', `cannot open the ledger database ${file}`, { cause: error });
  }
}

function migrate(db: DatabaseSync, file: string): void {
  if (schemaVersion(db) === MIGRATIONS.length && pragma(db, 'application_id') === APPLICATION_ID) return;
  db.exec('BEGIN IMMEDIATE');
  try {
    // Read again under the lock: another process may have migrated in the meantime.
    const version = schemaVersion(db);
    if (version > MIGRATIONS.length) {
      throw new OutriderError('internal', `the ledger database ${file} was made by a newer version of outrider`);
    }
    const empty = pragma(db, 'schema_version') === 0;
    if (!empty && pragma(db, 'application_id') !== APPLICATION_ID) throw notALedger(file);
    for (const [index, sql] of MIGRATIONS.entries()) if (index >= version) db.exec(sql);
    db.exec(`PRAGMA user_version = ${MIGRATIONS.length}`);
    db.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
    db.exec('COMMIT');
  } catch (error) {
    rollback(db);
    throw error;
  }
}

function schemaVersion(db: DatabaseSync): number {
  return pragma(db, 'user_version');
}

function notALedger(file: string): OutriderError {
  return new OutriderError('internal', `${file} is not an outrider ledger database`);
}

/** The value of a pragma that answers one integer. */
export function pragma(db: DatabaseSync, name: string): number {
  return Number(Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
}

/** Runs `work` in one transaction that is on disk when this returns; leaves nothing behind when it throws. */
export function transaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    rollback(db);
    throw error;
  }
}

function rollback(db: DatabaseSync): void {
  // A full or broken disk may have made SQLite roll back by itself.
  if (db.isTransaction) db.exec('ROLLBACK');
}

/** Primary result codes, https://www.sqlite.org/rescode.html */
const SQLITE_BUSY = 5;
const SQLITE_READONLY = 8;
const SQLITE_IOERR = 10;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;
const SQLITE_NOTADB = 26;

/** SQLite's primary result code of a thrown error, or 0 when it is not SQLite's. */
function sqliteCode(error: unknown): number {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return 0;
  return error.errcode & 0xff;
}

/** True when the connection should be opened anew: what SQLite believes of the file may no longer be so. */
export function isDiskError(error: unknown): boolean {
  return [SQLITE_IOERR, SQLITE_READONLY].includes(sqliteCode(error));
}

/** True when there was no room, on the disk or within the bound; something smaller may still fit. */
export function isFull(error: unknown): boolean {
  return sqliteCode(error) === SQLITE_FULL;
}

/** What SQLite or the file system threw, as the error that callers see. */
export function toLedgerError(error: unknown): OutriderError {
  if (error instanceof OutriderError) return error;
  switch (sqliteCode(error)) {
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_READONLY:
      return new OutriderError('storage_full', 'the ledger cannot write: its storage is full or failing', {
        cause: error,
        retryAfter: 5,
      });
    case SQLITE_BUSY:
      return new OutriderError('overloaded', 'the ledger is busy', { cause: error, retryAfter: 1 });
    default:
      return new OutriderError('internal', 'the ledger failed', { cause: error });
  }
}
