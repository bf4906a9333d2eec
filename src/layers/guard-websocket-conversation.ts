import { OutriderError } from '../errors.ts';
import { CLOSE } from '../protocols/websocket.ts';
import type { Direction, GuardClose } from './guard-websocket-options.ts';

/** What the two directions of one WebSocket have in common: how the guard has ended them. */
export class Conversation {
  readonly #onClose: ((close: GuardClose) => void) | undefined;
  readonly #wakes: (() => void)[] = [];
  #closing: GuardClose | undefined;

  constructor(onClose: ((close: GuardClose) => void) | undefined) {
    this.#onClose = onClose;
  }

  /** Set once the guard has ended the conversation. */
  get closing(): GuardClose | undefined {
    return this.#closing;
  }

  /** To be told when it ends. */
  join(wake: () => void): void {
    this.#wakes.push(wake);
  }

  /** The first one counts. */
  end(close: GuardClose): void {
    if (this.#closing !== undefined) return;
    this.#closing = close;
    this.#onClose?.(close);
    for (const wake of this.#wakes) wake();
  }
}

/** Messages of these errors are meant for callers; the others could tell too much. */
const CODE_OF: Partial<Record<OutriderError['code'], number>> = {
  blocked: CLOSE.policyViolation,
  body_too_large: CLOSE.messageTooBig,
  bad_request: CLOSE.invalidPayload,
  unsupported_media_type: CLOSE.invalidPayload,
  overloaded: CLOSE.tryAgainLater,
  draining: CLOSE.tryAgainLater,
};

/** How a conversation ends whose message could not be inspected. */
export function closeFor(cause: unknown, direction: Direction): GuardClose {
  const code = cause instanceof OutriderError ? CODE_OF[cause.code] : undefined;
  return cause instanceof OutriderError && code !== undefined
    ? { code, reason: cause.message, direction, cause }
    : { code: CLOSE.internalError, reason: 'the message could not be inspected', direction, cause };
}
