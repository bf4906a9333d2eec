import { OutriderError, toOutriderError } from '../errors.ts';
import { CommitQueue, type QueueLimits, type QueueUnit } from '../storage/commit-queue.ts';
import { fromMessage, type Thread } from '../storage/thread.ts';
import { toAuditRecord } from './audit-event.ts';
import type { AuditEntry, AuditSink, CostEvent, CostRecorder } from './port.ts';
import { type LedgerReader, openReader } from './reader.ts';
import type { AppendOutcome, LedgerRecord, LedgerState, PendingBatch } from './records.ts';
import type { Acknowledgement } from './shipping.ts';
import { fieldsOf, type LedgerNotice, Tally, type Totals } from './tally.ts';
import { startWriter, type WriteMethods } from './thread.ts';

export type { LedgerNotice } from './tally.ts';

export interface StoreOptions {
  readonly file: string;
  /** Bound of the database file in bytes; what comes when it is full is refused. Unset: the disk is the bound. */
  readonly maxBytes?: number;
  /** Bound of what waits for the disk. */
  readonly queue?: QueueLimits;
  readonly notice?: (notice: LedgerNotice) => void;
}

/** Counters since the start, and gauges. */
export interface StoreStatus extends LedgerState, Totals {
  /** True while the thread that writes is up. */
  writable: boolean;
  /** True since a write was refused for lack of space, until one as large succeeds or rows are removed. */
  full: boolean;
  max_bytes: number | null;
  queued: number;
  queued_bytes: number;
}

/** Records that belong together: written in one transaction or not at all. */
type Unit = QueueUnit<LedgerRecord, AppendOutcome[]>;

const DEFAULT_QUEUE: QueueLimits = { records: 20_000, bytes: 32 * 2 ** 20 };
const RESTART_FIRST_MS = 100;
const RESTART_MAX_MS = 10_000;
const CLOSE_MS = 10_000;

/** Opens the ledger in its own thread. Rejects when the database cannot be opened or is not one of ours. */
export async function openLedgerStore(options: StoreOptions): Promise<LedgerStore> {
  const store = new LedgerStore(options);
  await store.opened();
  return store;
}

/**
 * The ledger as the main thread sees it: nothing here touches the disk. Everything that waits is written in one transaction
 * with one flush while the next is gathered (group commit), and acknowledged when that is on disk.
 */
export class LedgerStore implements CostRecorder, AuditSink {
  readonly read: LedgerReader;
  readonly #options: StoreOptions;
  readonly #queue: CommitQueue<Unit>;
  readonly #listeners = new Set<() => void>();
  #thread: Thread<WriteMethods>;
  #state: LedgerState = NOTHING;
  #up = false;
  #busy = false;
  #scheduled = false;
  #closing = false;
  /** Size of the smallest unit that was refused for lack of space. */
  #refusedBytes = Number.POSITIVE_INFINITY;
  #restartTimer: NodeJS.Timeout | undefined;
  #restartMs = RESTART_FIRST_MS;
  #idle: (() => void) | undefined;
  readonly #tally: Tally;

  /** Use `openLedgerStore`. */
  constructor(options: StoreOptions) {
    this.#options = options;
    this.#tally = new Tally(options.notice);
    this.#queue = new CommitQueue(options.queue ?? DEFAULT_QUEUE, 'too many events wait to be written');
    this.#thread = this.#start();
    this.read = openReader(options.file);
  }

  async opened(): Promise<void> {
    try {
      await this.#thread.ready;
    } catch (error) {
      this.#closing = true;
      clearTimeout(this.#restartTimer);
      throw error;
    }
  }

  async recordCost(event: CostEvent): Promise<AppendOutcome> {
    const [outcome] = await this.append([{ kind: 'cost', event, audited: true }]);
    if (outcome === undefined) throw new OutriderError('internal', 'the ledger gave no answer');
    return outcome;
  }

  audit(entry: AuditEntry): void {
    try {
      const record: LedgerRecord = { kind: 'audit', entry: toAuditRecord(entry) };
      this.#push({ records: [record], bytes: sizeOf(record) });
    } catch (error) {
      this.#tally.lost(1, toOutriderError(error));
    }
  }

  /** Writes all records in one transaction, and resolves when they are on disk. */
  append(records: readonly LedgerRecord[]): Promise<AppendOutcome[]> {
    return new Promise((resolve, reject) => {
      // Without its thread the ledger says so at once: the caller can come back, a queue that nobody empties cannot help.
      if (!this.#up) throw new OutriderError('overloaded', 'the ledger is restarting', { retryAfter: 1 });
      this.#push({
        records,
        bytes: records.reduce((sum, record) => sum + sizeOf(record), 0),
        settle: (outcome) => (outcome instanceof OutriderError ? reject(outcome) : resolve(outcome)),
      });
    });
  }

  pending(limit: { rows: number; bytes: number }): Promise<PendingBatch> {
    return this.#thread.call('pending', limit);
  }

  async acknowledge(done: Acknowledgement): Promise<void> {
    await this.#thread.call('acknowledge', done);
  }

  /** Removes shipped rows that are older than `before` (RFC 3339), at most `rows` of each table. */
  async prune(what: { before: string; rows: number }): Promise<number> {
    const { pruned } = await this.#thread.call('prune', what);
    if (pruned > 0) this.#refusedBytes = Number.POSITIVE_INFINITY;
    return pruned;
  }

  /** Calls `listener` after every transaction that added rows. Returns how to stop that. */
  onCommit(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  status(): StoreStatus {
    return {
      ...this.#state,
      writable: this.#up,
      full: this.#refusedBytes < Number.POSITIVE_INFINITY,
      max_bytes: this.#options.maxBytes ?? null,
      queued: this.#queue.records,
      queued_bytes: this.#queue.bytes,
      ...this.#tally.totals,
    };
  }

  /** Refuses new events, writes those that wait, and closes the database. */
  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    if (this.#up && (this.#busy || this.#queue.records > 0)) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, CLOSE_MS);
        this.#idle = () => {
          clearTimeout(timer);
          resolve();
        };
        this.#schedule();
      });
    }
    clearTimeout(this.#restartTimer);
    await Promise.all([this.#thread.close(CLOSE_MS), this.read.close()]);
    this.#up = false;
  }

  #push(unit: Unit): void {
    if (this.#closing) throw new OutriderError('draining', 'the ledger is closing');
    this.#queue.push(unit);
    this.#schedule();
  }

  /** At the end of this turn of the event loop, so that what came in together is written together. */
  #schedule(): void {
    if (this.#scheduled || this.#busy || !this.#up) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      if (!this.#busy && this.#up) void this.#commit();
    });
  }

  async #commit(): Promise<void> {
    const units = this.#queue.take();
    if (units.length > 0) {
      this.#busy = true;
      try {
        const answers = await this.#thread.call(
          'append',
          units.map((unit) => unit.records),
        );
        this.#restartMs = RESTART_FIRST_MS;
        // Before the refusals of the same transaction are noted. Of what was there already nothing was written.
        const fitted = units.filter((_, index) => wroteSome(answers[index])).map((unit) => unit.bytes);
        if (fitted.some((bytes) => bytes >= this.#refusedBytes)) this.#refusedBytes = Number.POSITIVE_INFINITY;
        units.forEach((unit, index) => {
          const answer = answers[index] ?? [];
          this.#settle(unit, 'error' in answer ? fromMessage(answer.error) : answer);
        });
        for (const listener of this.#listeners) listener();
      } catch (error) {
        const awaited = units.filter((unit) => unit.settle !== undefined);
        for (const unit of awaited) this.#settle(unit, toOutriderError(error));
        // Nobody can send these again; their ids see to it that they are not written twice.
        if (!this.#up) this.#queue.unshift(units.filter((unit) => unit.settle === undefined));
        else for (const unit of units) if (unit.settle === undefined) this.#settle(unit, toOutriderError(error));
      }
      this.#busy = false;
    }
    if (this.#queue.records > 0) this.#schedule();
    else this.#idle?.();
  }

  #settle(unit: Unit, outcome: AppendOutcome[] | OutriderError): void {
    if (!(outcome instanceof OutriderError)) {
      unit.records.forEach((record, index) => this.#tally.written(record, outcome[index]));
      this.#reportLosses();
    } else {
      if (outcome.code === 'storage_full') this.#refusedBytes = Math.min(this.#refusedBytes, unit.bytes);
      if (unit.settle === undefined) this.#tally.lost(unit.records.length, outcome);
      else this.#tally.refused(unit.records.length, outcome);
    }
    unit.settle?.(outcome);
  }

  /** The log that has a gap says so itself. */
  #reportLosses(): void {
    const count = this.#closing ? 0 : this.#tally.takeUnreported();
    if (count === 0) return;
    this.audit({
      event_type: 'audit.lost',
      actor: 'outrider',
      resource: 'audit_log',
      metadata: { count },
      timestamp: new Date().toISOString(),
    });
  }

  #start(): Thread<WriteMethods> {
    const { file, maxBytes } = this.#options;
    const thread = startWriter(
      { file, maxBytes },
      {
        state: (state) => {
          this.#state = state;
        },
        died: (reason) => this.#onDeath(reason),
      },
    );
    thread.ready.then(
      () => {
        this.#up = true;
        if (this.#queue.records > 0) this.#schedule();
      },
      () => undefined,
    );
    return thread;
  }

  #onDeath(reason: OutriderError): void {
    this.#up = false;
    for (const unit of this.#queue.takeAwaited()) this.#settle(unit, reason);
    if (this.#closing) {
      this.#idle?.();
      return;
    }
    this.#options.notice?.({
      level: 'error',
      message: `the ledger's thread ended; it starts again in ${this.#restartMs} ms`,
      fields: fieldsOf(reason),
    });
    this.#restartTimer = setTimeout(() => {
      this.#tally.totals.restarts_total++;
      this.#thread = this.#start();
    }, this.#restartMs);
    this.#restartMs = Math.min(this.#restartMs * 2, RESTART_MAX_MS);
  }
}

const NOTHING: LedgerState = {
  costs: 0,
  costs_shipped: 0,
  audit: 0,
  audit_shipped: 0,
  shipped_total: 0,
  rejected: 0,
  used_bytes: 0,
};

function wroteSome(answer: AppendOutcome[] | { error: unknown } | undefined): boolean {
  return Array.isArray(answer) && answer.some(({ duplicate }) => !duplicate);
}

/** Bytes of a row with its indexes, roughly: it only has to be in proportion. */
function sizeOf(record: LedgerRecord): number {
  return record.kind === 'cost' ? 1_000 : 500 + record.entry.metadata.length + record.entry.resource.length;
}
