import { setTimeout as sleep } from 'node:timers/promises';
import type { Service } from '../call.ts';
import { toOutriderError } from '../errors.ts';
import { createLedgerClient, type Delivery, type LedgerClient } from './deliver.ts';
import type { PendingBatch } from './records.ts';
import type { LedgerStore } from './store.ts';
import type { LedgerNotice } from './tally.ts';

export interface OutboxOptions {
  readonly store: LedgerStore;
  /** Reaches the ledger; `call.target` is the path. */
  readonly ledger: Service;
  /** Path of the ledger's base URL, such as `/ledger`; default none. */
  readonly basePath?: string;
  readonly token?: string | undefined;
  /** How long shipped rows are kept. */
  readonly retentionMs: number;
  readonly requestTimeoutMs?: number;
  /** First pause after a failure (500 ms), and the longest (30 s); each is twice the one before, jittered. */
  readonly backoffMs?: number;
  readonly backoffMaxMs?: number;
  readonly notice?: (notice: LedgerNotice) => void;
}

export interface OutboxStatus {
  /** False until the first answer, and while the ledger does not take rows. */
  reachable: boolean;
  /** Rows of both tables that are not shipped yet. */
  pending: number;
  /** Age of the oldest of them. */
  oldest_age_seconds: number;
  rejected: number;
  shipped_total: number;
  /** Failed deliveries since the start. */
  failures_total: number;
  last_error: string | null;
}

const BATCH = { rows: 500, bytes: 2 ** 20 };
const BACKOFF_MS = 500;
const BACKOFF_MAX_MS = 30_000;
/** Rows that come in within this time go out together: each request costs the writing thread a read and a flush. */
const LINGER_MS = 100;
/** How long a ledger that did not know `/batch` is not asked again. */
const SINGLES_MS = 600_000;
const SINGLES_ROWS = 50;
const PRUNE_EVERY_MS = 60_000;
const PRUNE_ROWS = 1_000;
/** Above this part of the bound, shipped rows go before their time. */
const PRESSURE = 0.8;

/** Ships what the store holds to a ledger, in order, for ever, at least once; the ledger knows each row by its `event_id`. */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #client: LedgerClient;
  readonly #abort = new AbortController();
  #running: Promise<void> | undefined;
  #wake: (() => void) | undefined;
  /** True while rows may wait of which this has not heard. */
  #dirty = true;
  #stopping = false;
  #flushed: (() => void) | undefined;
  #reachable = false;
  #oldest: number | undefined;
  #lastError: string | null = null;
  #failures = 0;
  #backoffMs: number;
  #singlesUntil = 0;
  #pruneAt = 0;

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#backoffMs = options.backoffMs ?? BACKOFF_MS;
    this.#client = createLedgerClient({
      ledger: options.ledger,
      basePath: options.basePath ?? '',
      token: options.token,
      timeoutMs: options.requestTimeoutMs ?? 15_000,
    });
  }

  start(): void {
    if (this.#running !== undefined) return;
    const stopListening = this.#options.store.onCommit(() => {
      this.#dirty = true;
      this.#wake?.();
    });
    this.#running = this.#run().finally(stopListening);
  }

  /** Ships what it can within `flushMs`, then ends. What is left stays in the store for the next start. */
  async stop({ flushMs }: { flushMs: number }): Promise<void> {
    if (this.#running === undefined) return;
    const flushed = new Promise<void>((resolve) => {
      this.#flushed = resolve;
    });
    this.#stopping = true;
    this.#dirty = true;
    this.#backoffMs = this.#options.backoffMs ?? BACKOFF_MS;
    this.#wake?.();
    const timer = new AbortController();
    await Promise.race([flushed, sleep(flushMs, undefined, { signal: timer.signal }).catch(() => undefined)]);
    timer.abort();
    this.#abort.abort();
    this.#wake?.();
    await this.#running;
  }

  status(): OutboxStatus {
    const state = this.#options.store.status();
    const pending = state.costs - state.costs_shipped + state.audit - state.audit_shipped;
    const age = pending === 0 || this.#oldest === undefined ? 0 : (Date.now() - this.#oldest) / 1000;
    return {
      reachable: this.#reachable,
      pending,
      oldest_age_seconds: Math.max(0, Math.round(age * 10) / 10),
      rejected: state.rejected,
      shipped_total: state.shipped_total,
      failures_total: this.#failures,
      last_error: this.#lastError,
    };
  }

  async #run(): Promise<void> {
    while (!this.#abort.signal.aborted) {
      let pauseMs: number | undefined;
      try {
        pauseMs = await this.#step();
      } catch (error) {
        // The store is restarting or its disk fails; it tells of that itself.
        pauseMs = this.#fail(`the local database: ${toOutriderError(error).message}`, undefined);
      }
      if (pauseMs !== undefined) await this.#pause(pauseMs);
    }
  }

  /** Ships one batch. Returns how long to wait before the next, or undefined to go on at once. */
  async #step(): Promise<number | undefined> {
    const { store } = this.#options;
    this.#dirty = false;
    const singly = performance.now() < this.#singlesUntil;
    const rows = await store.pending(singly ? { ...BATCH, rows: SINGLES_ROWS } : BATCH);
    if (rows.costs.length === 0 && rows.audit.length === 0) {
      this.#oldest = undefined;
      this.#flushed?.();
      await this.#prune();
      return this.#dirty ? LINGER_MS : PRUNE_EVERY_MS;
    }
    this.#oldest = oldestOf(rows);
    const { failed, ...done } = await this.#deliver(rows, singly);
    if (done.shipped > 0 || done.rejected.length > 0) await store.acknowledge(done);
    for (const { stream, row, status } of done.rejected) {
      this.#options.notice?.({
        level: 'error',
        message: 'the ledger refused a row; it is kept aside',
        fields: { stream, event_id: row.event_id, status },
      });
    }
    if (failed !== undefined) return this.#fail(failed.reason, failed.retryAfterMs);
    this.#succeed();
    await this.#prune();
    // A batch that was not full says that nothing else waits: let the next one gather.
    return rows.costs.length < BATCH.rows && !this.#stopping && !singly ? LINGER_MS : undefined;
  }

  async #deliver(rows: PendingBatch, singly: boolean): Promise<Delivery> {
    const { signal } = this.#abort;
    if (singly) return this.#client.singles(rows, signal);
    const answer = await this.#client.batch(rows, signal);
    if (answer.kind === 'taken') {
      const through = { ...lastOf(rows, 'costs'), ...lastOf(rows, 'audit') };
      return { through, shipped: rows.costs.length + rows.audit.length, rejected: [] };
    }
    if (answer.kind === 'failed') return { through: {}, shipped: 0, rejected: [], failed: answer };
    const delivery = await this.#client.singles(rows, signal);
    // A batch is refused because of one row in it, or because this ledger knows no batches. It is the latter when every row is
    // taken singly; when none is taken, the whole ledger is not there.
    const takesSingles =
      answer.kind === 'absent' ? delivery.shipped > 0 : delivery.rejected.length === 0 && !delivery.failed;
    if (takesSingles) this.#singlesUntil = performance.now() + SINGLES_MS;
    return delivery;
  }

  #succeed(): void {
    if (!this.#reachable) this.#options.notice?.({ level: 'info', message: 'the ledger takes rows' });
    this.#reachable = true;
    this.#lastError = null;
    this.#backoffMs = this.#options.backoffMs ?? BACKOFF_MS;
  }

  /** Returns how long to wait: between half and all of a span that doubles, but no less than the ledger asks for. */
  #fail(reason: string, retryAfterMs: number | undefined): number {
    if (this.#abort.signal.aborted) return 0;
    if (this.#reachable || this.#lastError !== reason) {
      this.#options.notice?.({ level: 'warn', message: 'rows wait for the ledger', fields: { reason } });
    }
    this.#reachable = false;
    this.#lastError = reason;
    this.#failures++;
    const pause = this.#backoffMs * (0.5 + Math.random() / 2);
    this.#backoffMs = Math.min(this.#backoffMs * 2, this.#options.backoffMaxMs ?? BACKOFF_MAX_MS);
    // At shutdown there is no time for what the ledger would like.
    return this.#stopping ? Math.min(pause, 1_000) : Math.max(pause, retryAfterMs ?? 0);
  }

  async #prune(): Promise<void> {
    const { store, retentionMs } = this.#options;
    const { used_bytes, max_bytes } = store.status();
    const pressed = max_bytes !== null && used_bytes > max_bytes * PRESSURE;
    if (!pressed && performance.now() < this.#pruneAt) return;
    const before = new Date(Date.now() - (pressed ? 0 : retentionMs)).toISOString();
    const pruned = await store.prune({ before, rows: PRUNE_ROWS });
    // More may be due: come back with the next step, not in a loop that would hold up shipping.
    this.#pruneAt = performance.now() + (pruned >= PRUNE_ROWS ? 0 : PRUNE_EVERY_MS);
    if (pruned >= PRUNE_ROWS) this.#dirty = true;
  }

  /** Waits until `ms` have passed, or, when nothing has failed, until there is something to ship. */
  #pause(ms: number): Promise<void> {
    const failing = this.#lastError !== null;
    if (this.#abort.signal.aborted || (this.#dirty && !failing && ms > LINGER_MS)) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        // A failing ledger is not asked more often because more comes in.
        if (this.#stopping || !failing) done();
      };
      const done = (): void => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#wake = ms > LINGER_MS || this.#stopping ? wake : undefined;
    });
  }
}

function lastOf(rows: PendingBatch, stream: 'costs' | 'audit'): Record<string, number> {
  const last = rows[stream].at(-1);
  return last === undefined ? {} : { [stream]: last.id };
}

function oldestOf(rows: PendingBatch): number {
  const times = [rows.costs[0], rows.audit[0]].flatMap((row) =>
    row === undefined ? [] : [Date.parse(row.recorded_at)],
  );
  return Math.min(...times);
}
