import type { OutriderError } from '../errors.ts';
import { type ErrorMessage, startThread, type Thread } from '../storage/thread.ts';
import { LEDGER_NAME } from './database.ts';
import type { AuditFilter, CostFilter, CostSummary, Group, Page, Paging } from './query.ts';
import type { AppendOutcome, LedgerRecord, LedgerState, PendingBatch } from './records.ts';
import type { Acknowledgement } from './shipping.ts';
import type { Checkpoint, Verification } from './verify.ts';

/** What the writing thread can be asked. */
export interface WriteMethods {
  append(units: readonly (readonly LedgerRecord[])[]): (AppendOutcome[] | { error: ErrorMessage })[];
  pending(limit: { rows: number; bytes: number }): PendingBatch;
  acknowledge(done: Acknowledgement): void;
  prune(what: { before: string; rows: number }): { pruned: number };
}

/** What the reading thread can be asked. */
export interface ReadMethods {
  costs(query: { filter: CostFilter; page: Paging }): Page<object>;
  summary(query: { filter: CostFilter; group: Group; limit: number }): CostSummary;
  audit(query: { filter: AuditFilter; page: Paging }): Page<object>;
  verify(checkpoint: Checkpoint | undefined): Verification;
}

export interface ThreadData {
  file: string;
  role: 'write' | 'read';
  maxBytes: number | undefined;
}

/** In the source tree the thread runs the `.ts` file, in the published package the emitted one beside this. */
const entry = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);
const ENTRY = { entry, embeddedEntry: 'ledger-worker' };

export function startWriter(
  data: Omit<ThreadData, 'role'>,
  on: { state: (state: LedgerState) => void; died: (reason: OutriderError) => void },
): Thread<WriteMethods> {
  return startThread({
    ...ENTRY,
    name: 'ledger-write',
    what: LEDGER_NAME,
    data: { ...data, role: 'write' },
    ...on,
  });
}

export function startReader(file: string, died: () => void): Thread<ReadMethods> {
  const data: ThreadData = { file, role: 'read', maxBytes: undefined };
  return startThread({ ...ENTRY, name: 'ledger-read', what: LEDGER_NAME, data, died });
}
