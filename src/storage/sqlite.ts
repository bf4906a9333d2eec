import { accessSync, closeSync, constants, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { OutriderError } from '../errors.ts';

/** One of our kinds of database. */
export interface DatabaseKind {
  /** As messages name it: 'ledger'. */
  readonly name: string;
  /** Marks a file as one of this kind (`PRAGMA application_id`). */
  readonly applicationId: number;
  /** Schema changes in order; `user_version` is the number of those that a file has. Never edit one that was released. */
  readonly migrations: readonly string[];
}

const BUSY_MS = 5_000;

/**
 * Opens a database for writing; makes the file (mode 0600) and its directory when they are missing, and brings its schema up to
 * date. Every commit is on disk when it returns: WAL with `synchronous=FULL`. Throws when the file is not of this kind.
 */
export function openForWriting(file: string, kind: DatabaseKind): DatabaseSync {
  makeFile(file);
  return open(file, kind, false, (db) => {
    migrate(db, file, kind);
    db.exec('PRAGMA journal_mode = WAL');
    db.exec('PRAGMA synchronous = FULL');
    db.exec('PRAGMA journal_size_limit = 16777216');
  });
}

/** Opens a database for reading beside its writer. Throws `not_found` when there is none. */
export function openForReading(file: string, kind: DatabaseKind): DatabaseSync {
  return open(file, kind, true, (db) => {
    const version = schemaVersion(db);
    if (pragma(db, 'application_id') !== kind.applicationId) throw notOurs(file, kind);
    if (version !== kind.migrations.length) throw otherVersion(file, kind, version);
  });
}

/** Makes the file, for nobody else to read, and its directory. */
export function makeFile(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  try {
    // SQLite would make it readable to everyone; the files beside it (-wal, -shm) take their mode from this one.
    closeSync(openSync(file, 'wx', 0o600));
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'EEXIST') throw error;
    // Not opened and closed again: a close drops every lock that this process has on a file (fcntl(2)), SQLite's too.
    accessSync(file, constants.W_OK);
  }
}

function open(file: string, kind: DatabaseKind, readOnly: boolean, prepare: (db: DatabaseSync) => void): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(file, { readOnly, timeout: BUSY_MS });
    db.exec('PRAGMA recursive_triggers = ON; PRAGMA trusted_schema = OFF;');
    prepare(db);
    return db;
  } catch (error) {
    db?.close();
    if (error instanceof OutriderError) throw error;
    if (sqliteCode(error) === SQLITE_NOTADB) throw notOurs(file, kind);
    if (readOnly && sqliteCode(error) === SQLITE_CANTOPEN) {
      throw new OutriderError('not_found', `there is no ${kind.name} database at ${file}, or it cannot be read`, {
        cause: error,
      });
    }
    throw new OutriderError('internal', `cannot open the ${kind.name} database ${file}`, { cause: error });
  }
}

function migrate(db: DatabaseSync, file: string, { name, applicationId, migrations }: DatabaseKind): void {
  if (schemaVersion(db) === migrations.length && pragma(db, 'application_id') === applicationId) return;
  db.exec('BEGIN IMMEDIATE');
  try {
    const empty = pragma(db, 'schema_version') === 0;
    if (!empty && pragma(db, 'application_id') !== applicationId) throw notOurs(file, { name });
    // Read again under the lock: another process may have migrated in the meantime.
    const version = schemaVersion(db);
    if (version > migrations.length) {
      throw otherVersion(file, { name, migrations }, version);
    }
    for (const [index, sql] of migrations.entries()) if (index >= version) db.exec(sql);
    db.exec(`PRAGMA user_version = ${migrations.length}`);
    db.exec(`PRAGMA application_id = ${applicationId}`);
    db.exec('COMMIT');
  } catch (error) {
    rollback(db);
    throw error;
  }
}

function schemaVersion(db: DatabaseSync): number {
  return pragma(db, 'user_version');
}

function otherVersion(
  file: string,
  { name, migrations }: Pick<DatabaseKind, 'name' | 'migrations'>,
  version: number,
): OutriderError {
  const what =
    version > migrations.length
      ? 'was made by a newer version of outrider'
      : 'is of an older version of outrider: whoever writes it brings it up to date when it starts';
  return new OutriderError('internal', `the ${name} database ${file} ${what}`);
}

function notOurs(file: string, { name }: Pick<DatabaseKind, 'name'>): OutriderError {
  return new OutriderError('internal', `${file} is not an outrider ${name} database`);
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

/** True when another connection has the lock. */
export function isBusy(error: unknown): boolean {
  return sqliteCode(error) === SQLITE_BUSY;
}

/** What SQLite or the file system threw, as the error that callers see. `what` is its subject: 'the ledger'. */
export function toStorageError(error: unknown, what: string): OutriderError {
  if (error instanceof OutriderError) return error;
  switch (sqliteCode(error)) {
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_READONLY:
      return new OutriderError('storage_full', `${what} cannot write: its storage is full or failing`, {
        cause: error,
        retryAfter: 5,
      });
    case SQLITE_BUSY:
      return new OutriderError('overloaded', `${what} is busy`, { cause: error, retryAfter: 1 });
    default:
      return new OutriderError('internal', `${what} failed`, { cause: error });
  }
}
