import type { Body } from './body.ts';
import type { Fields } from './fields.ts';

/** One request, on any path and over any transport. */
export interface Call {
  readonly method: string;
  /** Origin-form request target as it came: path and query, not decoded. */
  readonly target: string;
  readonly headers: Fields;
  readonly body: Body;
  /** Aborts when the caller has left before its reply was complete. */
  readonly signal: AbortSignal;
  /** True when the caller asks to switch protocols: the body is then the raw caller-to-peer bytes. */
  readonly upgrade?: boolean;
  /** True for HTTP/2: it came so, or is to be sent so. */
  readonly http2?: boolean;
  /** Set when the request announces trailers. Settles after the body has ended, never rejects. */
  readonly trailers?: Promise<Fields>;
}

/** A call that came in through one of our own listeners. */
export interface InboundCall extends Call {
  /** IP address of the connected client; a proxy's, when one stands before us. */
  readonly remote: string;
}

/** The answer to a call. For a switched protocol the status is 101 and the body the raw agent-to-client bytes. */
export interface Reply {
  readonly status: number;
  readonly headers: Fields;
  readonly body: Body;
  /** Settles after the body has ended, never rejects. */
  readonly trailers?: Promise<Fields>;
}

export type Service<C extends Call = Call> = (call: C) => Promise<Reply>;
