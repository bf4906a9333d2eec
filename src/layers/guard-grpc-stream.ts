import { asBuffer } from '../guardrails/bytes.ts';
import type { Engine } from '../guardrails/engine.ts';
import { EventStream } from '../guardrails/event-stream.ts';
import { inspectInSteps } from '../guardrails/inspect.ts';
import { finish, type Steps } from '../guardrails/steps.ts';
import type { StreamInspector } from '../guardrails/stream.ts';
import type { Tally } from '../guardrails/tally.ts';
import { TextStream } from '../guardrails/text-stream.ts';
import type { Unreadable } from '../guardrails/unreadable.ts';
import { COMPRESSED, EnvelopeReader, envelope, type Frame } from '../protocols/envelope.ts';
import type { Unpacked } from './guard-grpc-frames.ts';
import { type Framing, frameKind } from './guard-grpc-protocol.ts';
import { UNKNOWN } from './guard-grpc-shapes.ts';
import {
  END,
  eventOf,
  eventOfBinary,
  jsonOfEvent,
  type MessageEvent,
  type MessageForm,
  payloadOf,
  textOf,
} from './guard-grpc-text.ts';
import { WireFault } from './guard-grpc-wire.ts';

export interface MessageStreamOptions extends MessageForm {
  readonly framing: Framing;
  readonly limit: number;
  /** Whether what cannot be read may pass. */
  readonly mayPass: boolean;
  /** Those of the messages that came compressed, by their place in the stream. */
  readonly unpacked: Map<number, Unpacked>;
  /** Whether the source has failed: that a message is not complete is then no news. */
  readonly isBroken: () => boolean;
  /** The last message, which says how the stream ended, as it may go on. Undefined: it cannot be read. */
  readonly end: (payload: Uint8Array) => Uint8Array | undefined;
}

/** A message that was read and has not gone: waiting for its event, or ready. */
type Waiting =
  | { readonly bytes: Uint8Array; readonly payload: Uint8Array; readonly event: MessageEvent }
  | { readonly bytes: Uint8Array; readonly event?: never };

/**
 * Runs the rules over a stream of messages in envelopes. Each is, for the rules, the server-sent event that it would be on HTTP:
 * texts run through the messages, and a message leaves, as the bytes that came, once all of it is decided. A message that was changed
 * leaves without compression.
 */
export class MessageStream implements StreamInspector {
  readonly #engine: Engine;
  readonly #tally: Tally;
  readonly #options: MessageStreamOptions;
  readonly #reader: EnvelopeReader;
  readonly #events: EventStream;
  #queue: Waiting[] = [];
  #place = 0;
  #unreadable: Unreadable | undefined;
  #isEnded = false;
  /** What nobody can tell apart any more, where it may pass: it is text. */
  #rest: TextStream | undefined;

  constructor(engine: Engine, tally: Tally, options: MessageStreamOptions) {
    this.#engine = engine;
    this.#tally = tally;
    this.#options = options;
    this.#reader = new EnvelopeReader(options.limit);
    // Of a message within the limit, the JSON may be larger.
    this.#events = new EventStream(engine, tally, { limit: JSON_GROWTH * options.limit, lines: 'sse' });
  }

  get holds(): boolean {
    return this.#reader.size > 0 || this.#queue.length > 0 || this.#rest?.holds === true;
  }

  get mark(): number {
    return this.#events.mark;
  }

  get unreadable(): Unreadable | undefined {
    return this.#unreadable ?? this.#events.unreadable;
  }

  push(chunk: Uint8Array): Uint8Array {
    return finish(this.pushInSteps(chunk));
  }

  end(): Uint8Array {
    return finish(this.endInSteps());
  }

  *pushInSteps(chunk: Uint8Array): Steps<Uint8Array> {
    if (this.#rest !== undefined) return yield* this.#rest.pushInSteps(chunk);
    const out: Uint8Array[] = [];
    this.#reader.push(chunk);
    while (!this.#isOver()) {
      const frame = this.#reader.next();
      if (frame === undefined) break;
      if (frame === 'too_large') {
        this.#unreadable = frame;
        break;
      }
      if (!(yield* this.#take(frame, out))) {
        yield* this.#giveUp(frame.bytes, out);
        break;
      }
    }
    return joined(out);
  }

  *endInSteps(): Steps<Uint8Array> {
    if (this.#rest !== undefined) return yield* this.#endRest([]);
    const out: Uint8Array[] = [];
    if (!this.#isEnded && !this.#isOver()) yield* this.#drain(yield* this.#events.endInSteps(), out);
    if (this.#reader.size > 0 && !this.#isOver() && !this.#options.isBroken()) {
      yield* this.#giveUp(NOTHING, out);
      return yield* this.#endRest(out);
    }
    return joined(out);
  }

  release(before?: number): Uint8Array {
    if (this.#rest !== undefined) return this.#rest.release();
    const out: Uint8Array[] = [];
    finish(this.#drain(this.#events.release(before), out));
    return joined(out);
  }

  #isOver(): boolean {
    return this.#tally.blockedBy !== undefined || this.#unreadable === 'too_large';
  }

  /** False: from here on, the bytes cannot be told apart. */
  *#take(frame: Frame, out: Uint8Array[]): Steps<boolean> {
    const { framing, unpacked } = this.#options;
    const place = this.#place++;
    const packed = unpacked.get(place);
    unpacked.delete(place);
    const kind = frameKind(frame.flags, framing, true);
    if (kind === undefined || this.#isEnded) return false;
    const bytes = packed?.bytes ?? frame.bytes;
    if (packed?.fault !== undefined || (frame.flags & COMPRESSED) !== 0) {
      yield* this.#bad(frame, packed?.fault ?? 'unknown_encoding');
    } else if (kind === 'end') {
      this.#isEnded = true;
      yield* this.#drain(yield* this.#events.endInSteps(), out);
      if (this.#isOver()) return true;
      const end = this.#options.end(frame.payload);
      if (this.#isOver()) return true;
      if (end === undefined) yield* this.#bad(frame, 'invalid_message');
      else this.#queue.push({ bytes: end === frame.payload ? bytes : envelope(frame.flags, end) });
    } else {
      const event = yield* this.#event(frame);
      if (event === undefined) yield* this.#bad(frame, 'invalid_message');
      else {
        this.#queue.push({ bytes, payload: frame.payload, event });
        yield* this.#drain(yield* this.#events.pushInSteps(event.bytes), out);
        return true;
      }
    }
    yield* this.#drain(NOTHING, out);
    return true;
  }

  *#event(frame: Frame): Steps<MessageEvent | undefined> {
    try {
      const json = yield* textOf(frame.payload, this.#options);
      const { isJson, shape } = this.#options;
      return isJson || shape === UNKNOWN ? eventOf(json) : eventOfBinary(frame.payload, json);
    } catch (error) {
      if (error instanceof WireFault) return undefined;
      throw error;
    }
  }

  /** A message that cannot be read: should it pass, what is text in it was read. */
  *#bad({ flags, payload }: Frame, reason: Unreadable): Steps<void> {
    this.#unreadable = reason;
    if (!this.#options.mayPass) return;
    const { bytes } = yield* inspectInSteps(this.#engine, payload, 'text/plain', this.#tally);
    this.#queue.push({ bytes: envelope(flags, bytes) });
  }

  *#giveUp(bytes: Uint8Array, out: Uint8Array[]): Steps<void> {
    this.#unreadable = 'invalid_message';
    yield* this.#drain(this.#isEnded ? NOTHING : yield* this.#events.endInSteps(), out);
    if (!this.#options.mayPass) return;
    this.#rest = new TextStream(this.#engine, this.#tally, { limit: this.#options.limit });
    out.push(yield* this.#rest.pushInSteps(Buffer.concat([bytes, this.#reader.takeRest()])));
  }

  *#endRest(out: Uint8Array[]): Steps<Uint8Array> {
    if (this.#rest !== undefined && !this.#isOver()) out.push(yield* this.#rest.endInSteps());
    return joined(out);
  }

  /** Lets go of the messages whose events these are, and of those that waited for nothing but their turn. */
  *#drain(events: Uint8Array, out: Uint8Array[]): Steps<void> {
    const bytes = asBuffer(events);
    const queue = this.#queue;
    let gone = 0;
    for (let at = 0; gone < queue.length; gone++) {
      const waiting = queue[gone] as Waiting;
      if (waiting.event === undefined) {
        if (this.#isOver()) break;
        out.push(waiting.bytes);
        continue;
      }
      if (at >= bytes.length) break;
      const { event, payload } = waiting;
      const to = bytes.indexOf(END, at) + END.length;
      const now = bytes.subarray(at, to);
      at = to;
      if (now.equals(event.bytes)) out.push(waiting.bytes);
      else out.push(envelope(0, yield* payloadOf(payload, event.json, jsonOfEvent(event, now), this.#options)));
    }
    if (gone === queue.length) queue.length = 0;
    else if (gone > 0) queue.splice(0, gone);
  }
}

/** JSON of a message is rarely so much larger. */
const JSON_GROWTH = 2;
const NOTHING: Uint8Array = new Uint8Array(0);

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts;
  return first !== undefined && parts.length === 1 ? first : Buffer.concat(parts);
}
