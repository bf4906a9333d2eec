import { isUtf8 } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { OutriderError } from '../errors.ts';
import { looksLikeText } from '../guardrails/peek.ts';
import {
  applyMask,
  buildFrame,
  CLOSE,
  CONTROL_LIMIT,
  closeFrame,
  cutUtf8,
  type FramePart,
  FrameReader,
  isControl,
  OPCODE,
} from '../protocols/websocket.ts';
import { Outgoing } from './guard-websocket-bytes.ts';
import { type Conversation, closeFor } from './guard-websocket-conversation.ts';
import { HeldMessage, type Inspectable } from './guard-websocket-message.ts';
import type { Direction, Inspected, WebSocketGuardOptions } from './guard-websocket-options.ts';

interface Failure {
  readonly error: unknown;
  /** Else the source is still there, and is to be given up. */
  readonly bySource: boolean;
}

/**
 * One direction of a WebSocket: reads the next chunk only when it has nothing to give, and inspects one message at a time.
 * It is its own iterator, as it can be read only once.
 */
export class GuardedDirection implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array> {
  readonly #body: AsyncIterable<Uint8Array>;
  readonly #direction: Direction;
  readonly #conversation: Conversation;
  readonly #options: WebSocketGuardOptions;
  readonly #reader: FrameReader;
  readonly #out = new Outgoing();
  #source: AsyncIterator<Uint8Array> | undefined;
  #reading: Promise<void> | undefined;
  #wake: (() => void) | undefined;
  /** An inspection, or a turn for others, that comes before anything else is read. */
  #pending: Promise<void> | undefined;
  #message: HeldMessage | undefined;
  /** Frames go through until the end of the message. */
  #isPassing = false;
  /** Bytes to come of a frame whose beginning has left: nothing may leave in between. */
  #left = 0;
  #passesBinary: boolean | undefined;
  /** A Close frame has left: nothing may come after it. */
  #isClosed = false;
  #isExhausted = false;
  #isOver = false;
  #failure: Failure | undefined;
  #work = 0;

  constructor(
    body: AsyncIterable<Uint8Array>,
    direction: Direction,
    conversation: Conversation,
    options: WebSocketGuardOptions,
  ) {
    this.#body = body;
    this.#direction = direction;
    this.#conversation = conversation;
    this.#options = options;
    this.#reader = new FrameReader(direction === 'request' ? 'client' : 'server');
    conversation.join(() => this.#wake?.());
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    while (!this.#isOver) {
      const isEnding = this.#conversation.closing !== undefined && this.#left === 0;
      if (!isEnding && this.#pending === undefined && this.#failure === undefined && this.#advance()) continue;
      if (!this.#out.isEmpty) return { done: false, value: this.#out.take() };
      if (isEnding) return this.#end();
      if (this.#failure !== undefined) await this.#fail(this.#failure);
      else if (this.#pending !== undefined) await this.#pending;
      else if (this.#isExhausted) this.#finish();
      else await this.#read();
    }
    return DONE;
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#finish();
    await this.#open().return?.();
    return DONE;
  }

  #open(): AsyncIterator<Uint8Array> {
    this.#source ??= this.#body[Symbol.asyncIterator]();
    return this.#source;
  }

  /** Waits until something has come, or the conversation ends. */
  #read(): Promise<void> {
    const read = async (): Promise<void> => {
      try {
        const { done, value } = await this.#open().next();
        if (done) this.#isExhausted = true;
        // After a Close frame both sides have nothing more to say (§1.4); what is sent all the same is not passed on.
        else if (!this.#isClosed) this.#reader.push(value);
      } catch (error) {
        this.#failure = { error, bySource: true };
      }
      this.#reading = undefined;
      this.#wake?.();
    };
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#reading ??= read();
    });
  }

  /** Takes the next part of a frame, of those that have come. */
  #advance(): boolean {
    if (this.#isClosed) return false;
    const part = this.#reader.next();
    if (part === undefined) return false;
    if ('code' in part) {
      this.#conversation.end({ ...part, direction: this.#direction });
      return true;
    }
    if (isControl(part.frame.opcode)) this.#control(part);
    else if (this.#isPassing) this.#pass(part);
    else this.#hold(part);
    this.#count(FRAME_WORK + (part.raw.length >> 3));
    return true;
  }

  #pass({ frame, raw, left }: FramePart): void {
    this.#out.add(raw);
    this.#left = left;
    this.#isPassing = left > 0 || !frame.fin;
  }

  #hold(part: FramePart): void {
    try {
      this.#message ??= new HeldMessage(part.frame, this.#options.limit, this.#options.hold?.());
      this.#message.add(part);
    } catch (error) {
      this.#conversation.end(closeFor(error, this.#direction));
      return;
    }
    const message = this.#message;
    switch (message.state) {
      case 'held':
        return;
      case 'binary':
        this.#passesBinary ??= this.#options.unreadable('binary', this.#direction) === 'pass';
        if (this.#passesBinary) this.#release(message, part);
        else this.#close(CLOSE.unsupportedData, 'binary messages are not accepted');
        return;
      case 'too_large':
        if (this.#options.unreadable('too_large', this.#direction) === 'pass') this.#release(message, part);
        else this.#close(CLOSE.messageTooBig, `message larger than the ${this.#options.limit} bytes allowed here`);
        return;
      case 'complete':
        this.#message = undefined;
        this.#inspect(message.whole());
    }
  }

  /** What was held of it leaves, and the rest will as it comes. */
  #release(message: HeldMessage, part: FramePart): void {
    this.#message = undefined;
    this.#pass({ ...part, raw: message.raw });
    message.done();
  }

  #control({ frame, raw, payload }: FramePart): void {
    const { opcode, mask } = frame;
    const plain = applyMask(payload, mask);
    const isClose = opcode === OPCODE.close;
    const code = isClose ? plain.subarray(0, 2) : plain.subarray(0, 0);
    const text = plain.subarray(code.length);
    if (isClose || looksLikeText(text)) {
      const rebuild = (changed: Uint8Array): Uint8Array =>
        buildFrame(Buffer.concat([code, cutUtf8(changed, CONTROL_LIMIT - code.length)]), { opcode, mask });
      this.#inspect({ raw, text, kind: isClose ? 'text' : 'binary', rebuild }, isClose);
    } else {
      this.#out.add(raw);
    }
  }

  #inspect(what: Inspectable, isClose = false): void {
    if (what.text.length === 0) {
      this.#deliver(what, { bytes: what.text, blockedBy: undefined }, isClose);
      return;
    }
    if (what.kind === 'text' && !isUtf8(what.text)) {
      what.done?.();
      this.#close(CLOSE.invalidPayload, 'text that is not UTF-8');
      return;
    }
    try {
      const inspected = this.#options.inspect(what.text, this.#direction, what.kind);
      if (inspected instanceof Promise) this.#wait(this.#settle(what, inspected, isClose));
      else this.#deliver(what, inspected, isClose);
    } catch (error) {
      this.#refuse(what, error);
    }
    this.#count(MESSAGE_WORK + what.text.length);
  }

  /** Others have their turn between very many small messages, too. */
  #count(work: number): void {
    this.#work += work;
    if (this.#work < TURN_WORK || this.#pending !== undefined) return;
    this.#work = 0;
    this.#wait(new Promise((resolve) => setImmediate(resolve)));
  }

  async #settle(what: Inspectable, inspected: Promise<Inspected>, isClose: boolean): Promise<void> {
    try {
      this.#deliver(what, await inspected, isClose);
    } catch (error) {
      this.#refuse(what, error);
    }
  }

  /** Nothing leaves of a message once the conversation has ended, even if it was inspected when that came about. */
  #deliver(what: Inspectable, { bytes, blockedBy }: Inspected, isClose: boolean): void {
    what.done?.();
    if (this.#conversation.closing !== undefined || this.#isOver) return;
    if (blockedBy !== undefined) {
      this.#close(CLOSE.policyViolation, `blocked by guardrail ${blockedBy}`);
      return;
    }
    this.#out.add(bytes === what.text ? what.raw : what.rebuild(bytes));
    if (!isClose) return;
    this.#isClosed = true;
    this.#dropMessage();
  }

  #refuse(what: Inspectable, error: unknown): void {
    what.done?.();
    if (error instanceof OutriderError && error.code === 'cancelled') this.#failure = { error, bySource: false };
    else this.#conversation.end(closeFor(error, this.#direction));
  }

  #wait(promise: Promise<void>): void {
    this.#pending = promise.then(() => {
      this.#pending = undefined;
    });
  }

  #close(code: number, reason: string): void {
    this.#conversation.end({ code, reason, direction: this.#direction });
  }

  /** The last frame of an ended conversation. */
  #end(): IteratorResult<Uint8Array, undefined> {
    const { closing } = this.#conversation;
    const isSilent = this.#isClosed || closing === undefined;
    this.#finish();
    void this.#drain();
    if (isSilent) return DONE;
    const mask = this.#direction === 'request' ? randomBytes(4).readUInt32BE() : undefined;
    return { done: false, value: closeFrame(closing.code, closing.reason, mask) };
  }

  /**
   * Reads on without looking: a socket with unread bytes would be reset when it is closed, and the other side lose the Close
   * frame; giving the source up would close it at once. Whoever owns the sockets ends them after a while.
   */
  async #drain(): Promise<void> {
    try {
      await this.#reading;
      while (!this.#isExhausted && this.#failure === undefined) {
        await new Promise((resolve) => setImmediate(resolve));
        this.#isExhausted = (await this.#open().next()).done === true;
      }
    } catch {
      // It is gone, as it was about to be.
    }
  }

  #finish(): void {
    this.#isOver = true;
    this.#dropMessage();
    this.#wake?.();
  }

  #dropMessage(): void {
    this.#message?.done();
    this.#message = undefined;
  }

  async #fail({ error, bySource }: Failure): Promise<never> {
    this.#finish();
    // The reader does not give up what has thrown.
    if (!bySource) await this.#open().return?.();
    throw error;
  }
}

/** What the event loop is held for at most, in bytes of text that is inspected; under 5 ms when it is full of matches. */
const TURN_WORK = 65_536;
/** What a message, and a frame, costs however short it is. */
const MESSAGE_WORK = 512;
const FRAME_WORK = 64;

const DONE: IteratorReturnResult<undefined> = Object.freeze({ done: true, value: undefined });
