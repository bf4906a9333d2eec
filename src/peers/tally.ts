import type { ErrorCode } from '../errors.ts';

/** How it went with one peer or server since the start, for `/health` and `/metrics`. Times are milliseconds since 1970. */
export interface TallySnapshot {
  readonly requests: number;
  readonly errors: number;
  readonly last_ok_at: number | null;
  readonly last_error_at: number | null;
  readonly last_error: ErrorCode | null;
}

export class Tally {
  #requests = 0;
  #errors = 0;
  #lastOk: number | null = null;
  #lastErrorAt: number | null = null;
  #lastError: ErrorCode | null = null;

  ok(): void {
    this.#requests++;
    this.#lastOk = Date.now();
  }

  failed(code: ErrorCode): void {
    this.#requests++;
    this.broken(code);
  }

  /** For a request that was counted already: its stream broke off later. A caller that left says nothing about the peer. */
  broken(code: ErrorCode): void {
    if (code === 'cancelled') return;
    this.#errors++;
    this.#lastErrorAt = Date.now();
    this.#lastError = code;
  }

  snapshot(): TallySnapshot {
    return {
      requests: this.#requests,
      errors: this.#errors,
      last_ok_at: this.#lastOk,
      last_error_at: this.#lastErrorAt,
      last_error: this.#lastError,
    };
  }
}
