import type { Hold } from './body-budget.ts';

/** `request`: from the caller to the agent. */
export type Direction = 'request' | 'response';

/** What the rules say of one message. */
export interface Inspected {
  /** The message to pass on; the same object when nothing was changed. */
  readonly bytes: Uint8Array;
  /** Name of the rule that says no. */
  readonly blockedBy: string | undefined;
}

/** Why the guard, and neither of the two sides, has ended a conversation. */
export interface GuardClose {
  /** Status code of the Close frames. */
  readonly code: number;
  readonly reason: string;
  /** Where the cause of it came from. */
  readonly direction: Direction;
  /** What was thrown by the inspection, if that is why. */
  readonly cause?: unknown;
}

export interface WebSocketGuardOptions {
  /**
   * Runs the rules over a whole message, the reason of a Close frame, or the text in a ping. `text` is valid UTF-8; `binary`
   * is what was declared binary and looks like text, in any charset. May throw an `OutriderError`: `blocked` closes with 1008,
   * `body_too_large` 1009, `bad_request` and `unsupported_media_type` 1007, `overloaded` and `draining` 1013; with `cancelled`
   * the stream breaks off; all others close with 1011.
   */
  readonly inspect: (
    bytes: Uint8Array,
    direction: Direction,
    kind: 'text' | 'binary',
  ) => Inspected | Promise<Inspected>;
  /** Bytes of a message that is read. */
  readonly limit: number;
  /**
   * Whether what is not read may pass; counts it. `too_large`: asked for each such message; `block` closes with 1009. `binary`:
   * asked once for each direction, for all of its binary messages; `block` closes with 1003.
   */
  readonly unreadable: (reason: 'too_large' | 'binary', direction: Direction) => 'block' | 'pass';
  /** A share of the bound on what all readers hold, for one message. */
  readonly hold?: () => Hold;
  /** Told once, when the guard ends the conversation. */
  readonly onClose?: (close: GuardClose) => void;
}
