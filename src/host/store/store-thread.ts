import { OutriderError, toOutriderError } from '../../errors.ts';
import { CommitQueue, type QueueLimits, type QueueUnit } from '../../storage/commit-queue.ts';
import { fromMessage, type Thread } from '../../storage/thread.ts';
import { STORE_NAME } from './schema.ts';
import {
  type StoreMethods,
  startStoreThread,
  type ThreadData,
  type WriteMethods,
  type WriteOperation,
} from './thread.ts';

/** Something that an operator should read. */
export interface StoreNotice {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields?: Readonly<Record<string, unknown>>;
}

type ReadMethods = Omit<StoreMethods, 'write'>;

interface Unit extends QueueUnit<WriteOperation, unknown> {
  readonly settle: (outcome: unknown) => void;
  /** Times that the thread died while it was being written. */
  deaths: number;
}

const MAX_READS = 256;
const RESTART_FIRST_MS = 100;
const RESTART_MAX_MS = 10_000;
const CLOSE_MS = 10_000;

/**
 * The thread of the host's database, kept up. What waits to be written goes in one transaction while the next is gathered (group
 * commit). What was under way when the thread died is written again when it is back: every operation has the same answer twice.
 */
export class StoreThread {
  readonly #data: ThreadData;
  readonly #notice: (notice: StoreNotice) => void;
  readonly #queue: CommitQueue<Unit>;
  #thread: Thread<StoreMethods>;
  /** `down`: it could not be opened again, so that nobody should wait for it. */
  #state: 'starting' | 'up' | 'down' | 'closed' = 'starting';
  #busy = false;
  #scheduled = false;
  #closing = false;
  #reads = 0;
  #restartTimer: NodeJS.Timeout | undefined;
  #restartMs = RESTART_FIRST_MS;
  #restarts = 0;
  #idle: (() => void) | undefined;

  constructor(data: ThreadData, queue: QueueLimits, notice: (notice: StoreNotice) => void) {
    this.#data = data;
    this.#notice = notice;
    this.#queue = new CommitQueue(queue, 'too much waits to be written');
    this.#thread = this.#start();
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

  get status(): { writable: boolean; queued: number; restarts: number } {
    return { writable: this.#state === 'up', queued: this.#queue.records, restarts: this.#restarts };
  }

  /** Resolves when it is on disk. `bytes`: roughly, of the params. */
  write<K extends keyof WriteMethods>(
    method: K,
    params: Parameters<WriteMethods[K]>[0],
    bytes = 0,
  ): Promise<ReturnType<WriteMethods[K]>> {
    return new Promise((resolve, reject) => {
      if (this.#closing) throw new OutriderError('draining', `${STORE_NAME} is closing`);
      if (this.#state === 'down') throw restarting();
      // Of this pair the type says that it belongs together.
      const operation = { method, params } as unknown as WriteOperation;
      this.#queue.push({
        records: [operation],
        bytes: bytes + 500,
        deaths: 0,
        // The thread answers an operation with what its method returns.
        settle: (outcome) => (outcome instanceof OutriderError ? reject(outcome) : resolve(outcome as never)),
      });
      this.#schedule();
    });
  }

  /** Asks after everything that has been written when it is asked. */
  async read<K extends keyof ReadMethods>(
    method: K,
    params: Parameters<ReadMethods[K]>[0],
  ): Promise<ReturnType<ReadMethods[K]>> {
    if (this.#closing) throw new OutriderError('draining', `${STORE_NAME} is closing`);
    if (this.#reads >= MAX_READS) throw new OutriderError('overloaded', 'too many wait to read', { retryAfter: 1 });
    this.#reads++;
    try {
      return await this.#thread.call(method, params);
    } finally {
      this.#reads--;
    }
  }

  /** Refuses what comes, writes what waits, and closes the database. */
  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    if (this.#state !== 'down' && (this.#busy || this.#queue.records > 0)) {
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
    await this.#thread.close(CLOSE_MS);
    this.#state = 'closed';
    this.#refuse(this.#queue.takeAwaited(), restarting());
  }

  /** At the end of this turn of the event loop, so that what came in together is written together. */
  #schedule(): void {
    if (this.#scheduled || this.#busy || this.#state !== 'up') return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      if (!this.#busy && this.#state === 'up') void this.#commit();
    });
  }

  async #commit(): Promise<void> {
    const units = this.#queue.take();
    if (units.length > 0) {
      this.#busy = true;
      try {
        const answers = await this.#thread.call(
          'write',
          units.flatMap((unit) => unit.records),
        );
        this.#restartMs = RESTART_FIRST_MS;
        units.forEach((unit, index) => {
          const answer = answers[index];
          if (answer === undefined) unit.settle(new OutriderError('internal', `${STORE_NAME} gave no answer`));
          else unit.settle('error' in answer ? fromMessage(answer.error) : answer.value);
        });
      } catch (error) {
        this.#again(units, toOutriderError(error));
      }
      this.#busy = false;
    }
    if (this.#queue.records > 0) this.#schedule();
    else this.#idle?.();
  }

  /** Once more, if it was not these that the thread died of. */
  #again(units: readonly Unit[], reason: OutriderError): void {
    for (const unit of units) unit.deaths++;
    const retried = this.#state === 'up' ? [] : units.filter((unit) => unit.deaths < 2);
    this.#queue.unshift(retried);
    this.#refuse(
      units.filter((unit) => !retried.includes(unit)),
      reason,
    );
    if (this.#state === 'down') this.#refuse(this.#queue.takeAwaited(), reason);
  }

  #refuse(units: readonly Unit[], reason: OutriderError): void {
    for (const unit of units) unit.settle(reason);
  }

  #start(): Thread<StoreMethods> {
    let opened = false;
    const thread = startStoreThread(this.#data, (reason) => this.#onDeath(reason, opened));
    thread.ready.then(
      () => {
        opened = true;
        this.#state = 'up';
        this.#schedule();
      },
      () => undefined,
    );
    return thread;
  }

  #onDeath(reason: OutriderError, opened: boolean): void {
    // That it cannot be opened at all is told by `opened`.
    if (this.#closing) {
      this.#state = 'down';
      this.#idle?.();
      return;
    }
    this.#state = opened ? 'starting' : 'down';
    if (!opened) this.#refuse(this.#queue.takeAwaited(), reason);
    const { cause } = reason;
    this.#notice({
      level: 'error',
      message: `${STORE_NAME} ended; it starts again in ${this.#restartMs} ms`,
      fields: { code: reason.code, cause: cause instanceof Error ? cause.message : cause },
    });
    this.#restartTimer = setTimeout(() => {
      this.#restarts++;
      this.#thread = this.#start();
    }, this.#restartMs);
    this.#restartMs = Math.min(this.#restartMs * 2, RESTART_MAX_MS);
  }
}

function restarting(): OutriderError {
  return new OutriderError('overloaded', `${STORE_NAME} is restarting`, { retryAfter: 1 });
}
