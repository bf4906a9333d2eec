/**
 * One model call, as `POST /cost` takes it: docs/ledger.md. What it does not say is filled in by the sidecar: agent, version and team
 * from its configuration, the trace from the call, the time from its clock.
 */
export interface CostReport {
  readonly model: string;
  /** All input, with what was read from a cache and what was written to one. */
  readonly input_tokens: number;
  /** All output, with reasoning. */
  readonly output_tokens: number;
  /** US dollars; null when the price is not known. */
  readonly cost_usd: number | null;
  readonly provider?: string | null | undefined;
  /** Of the input, what was read from a cache. */
  readonly cached_input_tokens?: number | null | undefined;
  /** Of the input, what was written to a cache. */
  readonly cache_write_tokens?: number | null | undefined;
  /** Of the output, what was reasoning. */
  readonly reasoning_tokens?: number | null | undefined;
  /**
   * `complete`: the tokens are all of the call. `partial`: the call broke off; tokens and price are a lower bound. `unknown`: the
   * tokens are zeros that say nothing.
   */
  readonly usage?: 'complete' | 'partial' | 'unknown' | null | undefined;
  readonly trace_id?: string | null | undefined;
  readonly agent?: string | null | undefined;
  readonly agent_version?: string | null | undefined;
  readonly team?: string | null | undefined;
  /** RFC 3339. */
  readonly occurred_at?: string | null | undefined;
  /** Identity: the same id is recorded once, however often it is sent. Made when absent. */
  readonly event_id?: string | null | undefined;
}
