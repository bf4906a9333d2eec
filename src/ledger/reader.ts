import { OutriderError } from '../errors.ts';
import type { Thread } from '../storage/thread.ts';
import type { AuditFilter, CostFilter, CostSummary, Group, Page, Paging } from './query.ts';
import { type ReadMethods, startReader } from './thread.ts';
import type { Checkpoint, Verification } from './verify.ts';

/** Reads of the ledger, none of which holds up a write. */
export interface LedgerReader {
  costs(query: { filter: CostFilter; page: Paging }): Promise<Page<object>>;
  summary(query: { filter: CostFilter; group: Group; limit: number }): Promise<CostSummary>;
  audit(query: { filter: AuditFilter; page: Paging }): Promise<Page<object>>;
  verify(checkpoint?: Checkpoint): Promise<Verification>;
  close(): Promise<void>;
}

/** More questions than these at once are refused: each may have to look at every row. */
const MAX_WAITING = 64;
const IDLE_MS = 30_000;
const CLOSE_MS = 2_000;

/** A reader in a thread of its own, which exists only while there is something to read. */
export function openReader(file: string): LedgerReader {
  let thread: Thread<ReadMethods> | undefined;
  let waiting = 0;
  let idle: NodeJS.Timeout | undefined;
  let closed = false;

  const stop = async (): Promise<void> => {
    clearTimeout(idle);
    const old = thread;
    thread = undefined;
    await old?.close(CLOSE_MS);
  };

  const ask = async <T>(question: (thread: Thread<ReadMethods>) => Promise<T>): Promise<T> => {
    if (closed) throw new OutriderError('draining', 'the ledger is closing');
    if (waiting >= MAX_WAITING) throw new OutriderError('overloaded', 'too many ledger queries', { retryAfter: 1 });
    waiting++;
    clearTimeout(idle);
    try {
      if (thread === undefined) {
        const started = startReader(file, () => {
          if (thread === started) thread = undefined;
        });
        thread = started;
      }
      await thread.ready;
      return await question(thread);
    } finally {
      waiting--;
      if (waiting === 0 && !closed) idle = setTimeout(() => void stop(), IDLE_MS).unref();
    }
  };

  return {
    costs: (query) => ask((thread) => thread.call('costs', query)),
    summary: (query) => ask((thread) => thread.call('summary', query)),
    audit: (query) => ask((thread) => thread.call('audit', query)),
    verify: (checkpoint) => ask((thread) => thread.call('verify', checkpoint)),
    async close() {
      closed = true;
      await stop();
    },
  };
}
