/** Entry of the thread that owns the host's database. */
import type { DatabaseSync } from 'node:sqlite';
import { workerData } from 'node:worker_threads';
import { OutriderError } from '../../errors.ts';
import { own } from '../../storage/owner.ts';
import { type Connection, type ServedThread, serveThread } from '../../storage/serve-thread.ts';
import { isFull, openForWriting, pragma, toStorageError, transaction } from '../../storage/sqlite.ts';
import { toMessage } from '../../storage/thread.ts';
import { agentTable } from './agent-table.ts';
import { housekeeping } from './housekeeping.ts';
import { jobTable } from './job-table.ts';
import { resultTable } from './result-table.ts';
import { HOST_STORE, STORE_NAME } from './schema.ts';
import type { MustFit, StoreMethods, ThreadData, WriteMethods, WriteOperation } from './thread.ts';

/** Of the bound, what is left to the ends of what is in the store already: at least so many pages, and an eighth. */
const RESERVE_PAGES = 64;
/** Pages that a row may touch beside those that its text fills. */
const ROW_PAGES = 4;

type Answer = { value: unknown } | OutriderError;

function open({ file, maxBytes }: ThreadData, thread: ServedThread): Connection<StoreMethods> {
  const disown = own(file);
  let db: DatabaseSync | undefined;
  try {
    const opened = openForWriting(file, HOST_STORE);
    db = opened;
    checkPages(opened, file);
    return {
      methods: methodsOf(opened, maxBytes, thread),
      close() {
        opened.close();
        disown();
      },
    };
  } catch (error) {
    db?.close();
    disown();
    throw error;
  }
}

/** Damage is told at the start, and not job by job. */
function checkPages(db: DatabaseSync, file: string): void {
  let verdict: unknown;
  try {
    verdict = db.prepare('PRAGMA quick_check(1)').get()?.['quick_check'];
  } catch (error) {
    verdict = error;
  }
  if (verdict !== 'ok') {
    throw new OutriderError('internal', `the host database ${file} is damaged`, { cause: verdict });
  }
}

function methodsOf(db: DatabaseSync, maxBytes: number, thread: ServedThread): StoreMethods {
  const pageSize = pragma(db, 'page_size');
  const most = Math.floor(maxBytes / pageSize);
  db.exec(`PRAGMA max_page_count = ${Math.max(1, most)}`);
  const mostForAdding = most - Math.max(RESERVE_PAGES, most >> 3);
  const pageCount = db.prepare('PRAGMA page_count');
  const freeCount = db.prepare('PRAGMA freelist_count');
  const mustFit: MustFit = (bytes) => {
    const used = Number(pageCount.get()?.['page_count']) - Number(freeCount.get()?.['freelist_count']);
    if (used + Math.ceil(bytes / pageSize) + ROW_PAGES > mostForAdding) {
      throw new OutriderError('storage_full', `${STORE_NAME} holds as much as it may`, { retryAfter: 60 });
    }
  };

  const jobs = jobTable(db, mustFit);
  const agents = agentTable(db, mustFit);
  const writes: WriteMethods = { ...jobs, ...resultTable(db, mustFit), ...agents };
  const apply = ({ method, params }: WriteOperation): Answer => {
    try {
      // Of an operation, method and params belong together.
      return { value: (writes[method] as (params: unknown) => unknown)(params) };
    } catch (error) {
      // Said by `mustFit`, before anything was written.
      if (error instanceof OutriderError) return error;
      throw error;
    }
  };

  const write = (operations: readonly WriteOperation[]): Answer[] => {
    try {
      return withRoom(db, () => transaction(db, () => operations.map(apply)));
    } catch (thrown) {
      const error = toStorageError(thrown, STORE_NAME);
      // One is wrong, or too large for the room that is left: only that is refused. By halves, because each transaction that
      // succeeds costs a flush; the first half first, because the order counts.
      if (operations.length > 1 && (error.code === 'internal' || isFull(thrown))) {
        const half = operations.length >> 1;
        return [...write(operations.slice(0, half)), ...write(operations.slice(half))];
      }
      return operations.map(() => error);
    }
  };

  const { job, jobOfKey, queued } = jobs;
  const { registered } = agents;
  const { interrupt, prune } = housekeeping(db);
  return {
    write: (operations) =>
      write(operations).map((answer) => {
        if (!(answer instanceof OutriderError)) return answer;
        thread.noteFailure(answer.cause);
        return { error: toMessage(answer) };
      }),
    job,
    jobOfKey,
    queued,
    registered,
    interrupt,
    prune,
  };
}

/** A disk that is full may have room in the WAL, of which what is in the database already can be written over. */
function withRoom<T>(db: DatabaseSync, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!isFull(error)) throw error;
    try {
      db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    } catch {
      throw error;
    }
    return work();
  }
}

// The parent is this folder's thread.ts, which gives exactly this.
const data = workerData as ThreadData;
serveThread<StoreMethods>(STORE_NAME, (thread) => open(data, thread));
