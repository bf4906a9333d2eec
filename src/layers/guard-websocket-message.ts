import { looksLikeText, PEEK } from '../guardrails/peek.ts';
import { applyMask, buildFrame, type FrameHeader, type FramePart, OPCODE } from '../protocols/websocket.ts';
import type { Hold } from './body-budget.ts';
import { Gathered } from './guard-websocket-bytes.ts';

/** What is inspected: all of a message, or what a control frame says. */
export interface Inspectable {
  /** The frames as they came. */
  readonly raw: Uint8Array;
  readonly text: Uint8Array;
  readonly kind: 'text' | 'binary';
  /** One frame that says something else, masked with the key of the first one. */
  rebuild(text: Uint8Array): Uint8Array;
  /** It has left, or never will. */
  done?(): void;
}

/** Bytes of frame headers that are held whatever the limit is. */
const HEADER_ROOM = 65_536;

/**
 * A message that is held while its frames come in. `held`: more is needed. `complete`: all of it is here, to be inspected.
 * `binary`: it does not begin like text. `too_large`: it is, or will be, larger than the limit.
 */
export class HeldMessage {
  readonly #kind: 'text' | 'binary';
  readonly #frame: FrameHeader;
  readonly #limit: number;
  readonly #share: Hold | undefined;
  readonly #raw = new Gathered();
  readonly #payload = new Gathered();
  /** Bytes of all frames that have begun. */
  #declared = 0;
  #headers = 0;
  #isText: boolean;
  #state: 'held' | 'complete' | 'binary' | 'too_large' = 'held';

  /** `frame` is the first one. */
  constructor(frame: FrameHeader, limit: number, share: Hold | undefined) {
    this.#kind = frame.opcode === OPCODE.binary ? 'binary' : 'text';
    this.#frame = frame;
    this.#limit = limit;
    this.#share = share;
    this.#isText = this.#kind === 'text';
  }

  get state(): 'held' | 'complete' | 'binary' | 'too_large' {
    return this.#state;
  }

  /** The frames, as they came. */
  get raw(): Uint8Array {
    return this.#raw.bytes;
  }

  /** Once it is complete. */
  whole(): Inspectable {
    const { opcode, mask } = this.#frame;
    return {
      raw: this.#raw.bytes,
      text: this.#payload.bytes,
      kind: this.#kind,
      rebuild: (text) => buildFrame(text, { opcode, mask }),
      done: () => this.done(),
    };
  }

  /**
   * The state after it depends on the bytes that have come, and not on how they were cut into chunks. Throws what the bound on
   * all that is held throws.
   */
  add({ frame, raw, payload, isFirst, offset, left }: FramePart): void {
    if (isFirst) {
      // Frames without a payload are not to be held for ever; whole frames are the same in any chunks.
      if (!this.#isText && this.#headers > PEEK) this.#judge();
      this.#declared += frame.length;
      this.#headers += raw.length - payload.length;
    }
    this.#raw.add(raw);
    this.#payload.add(applyMask(payload, frame.mask, offset));
    const isComplete = left === 0 && frame.fin;
    if (!this.#isText && this.#state === 'held' && (isComplete || this.#payload.size >= PEEK)) this.#judge();
    if (this.#isText && this.#isTooLarge) this.#state = 'too_large';
    else if (this.#isText && isComplete) this.#state = 'complete';
    if (this.#state === 'held') this.#share?.take(raw.length + payload.length);
  }

  /** Gives back its share of what may be held. */
  done(): void {
    this.#share?.release();
  }

  #judge(): void {
    if (looksLikeText(this.#payload.bytes)) this.#isText = true;
    else this.#state = 'binary';
  }

  get #isTooLarge(): boolean {
    return this.#declared > this.#limit || this.#headers > Math.max(this.#limit, HEADER_ROOM);
  }
}
