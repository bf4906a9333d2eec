/** Retries that may come at once. */
const MOST = 10;
/** What each call adds: in the long run there is one retry for ten calls. */
const PER_CALL = 0.1;

/**
 * Bounds the retries to one address, so that an address that fails is not made to fail by retries alone: a token bucket that calls
 * fill and retries empty.
 */
export class RetryBudget {
  #tokens = MOST;

  called(): void {
    if (this.#tokens < MOST) this.#tokens = Math.min(MOST, this.#tokens + PER_CALL);
  }

  /** Whether there may be a retry now; it is then counted. */
  take(): boolean {
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}
