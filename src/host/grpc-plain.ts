import type { Call, Reply } from '../call.ts';
import { AgentError } from '../contract/agent-error.ts';
import type { Codec } from '../contract/codec.ts';
import { grpcErrorFields } from '../contract/grpc-error.ts';
import { type Fields, getField } from '../fields.ts';
import { COMPRESSED, ENVELOPE_HEAD, envelope, firstFrame } from '../protocols/envelope.ts';
import { toHostError } from './envelope.ts';
import { readWhole, tooLarge } from './grpc-whole.ts';
import { leaveOf } from './leave.ts';

/**
 * gRPC in its plain form: binary messages over HTTP/2, not compressed, one in and one or many out. Nearly every call is of that
 * form, and this is the short way for it: Connect, which serves all other forms, takes several times as long.
 * https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
export function isPlainGrpc({ http2, method, headers }: Call): boolean {
  if (http2 !== true || method !== 'POST') return false;
  const type = getField(headers, 'content-type');
  if (type !== 'application/grpc' && type !== 'application/grpc+proto') return false;
  const coding = getField(headers, 'grpc-encoding');
  return coding === undefined || coding === 'identity';
}

const HEADERS: Fields = ['Content-Type', 'application/grpc+proto'];
const OK: Fields = ['grpc-status', '0'];
const OK_TRAILERS: Promise<Fields> = Promise.resolve(OK);
const END: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** The message that a call brings, at once when it has come with the call. Throws and rejects with `AgentError`s. */
export function readPlain<T extends object>(call: Call, codec: Codec<T>, maxBytes: number): T | Promise<T> {
  const { body } = call;
  if (body instanceof Uint8Array) return messageOf(body, codec, maxBytes);
  return readWhole(call, maxBytes).then((bytes) => messageOf(bytes, codec, maxBytes));
}

function messageOf<T extends object>(bytes: Uint8Array, codec: Codec<T>, maxBytes: number): T {
  if (bytes.length === 0) throw new AgentError('method_not_allowed', 'the call needs a message');
  if (bytes.length > maxBytes + ENVELOPE_HEAD) throw tooLarge(maxBytes);
  const first = firstFrame(bytes, maxBytes);
  if (first === 'too_large') throw tooLarge(maxBytes);
  if (first === undefined) throw new AgentError('bad_request', 'the message is not complete');
  const rest = bytes.subarray(first.bytes.length);
  if (rest.length > 0) {
    throw firstFrame(rest, maxBytes) === undefined
      ? new AgentError('bad_request', 'what follows the message is not complete')
      : new AgentError('method_not_allowed', 'the call takes one message');
  }
  if ((first.flags & COMPRESSED) !== 0) {
    throw new AgentError('internal', 'the message is compressed in a way that was not said');
  }
  return codec.decode(first.payload);
}

export function plainReply<T extends object>(message: T, codec: Codec<T>): Reply {
  return { status: 200, headers: HEADERS, body: envelope(0, codec.encode(message)), trailers: OK_TRAILERS };
}

/**
 * The reply that streams messages, one for each pull. How it ended stands in its trailers. `events` is given the signal that aborts
 * when the caller leaves or gives up the reply.
 */
export function plainStream<T extends object>(
  call: Call,
  codec: Codec<T>,
  events: (signal: AbortSignal) => AsyncIterable<T>,
): Reply {
  const { signal, leave } = leaveOf(call.signal);
  const source = events(signal)[Symbol.asyncIterator]();
  const { promise: trailers, resolve } = Promise.withResolvers<Fields>();
  let over = false;
  const end = (fields: Fields): typeof END => {
    over = true;
    resolve(fields);
    return END;
  };
  const iterator: AsyncIterator<Uint8Array> = {
    async next() {
      if (over) return END;
      try {
        const { done, value } = await source.next();
        return done === true ? end(OK) : { done: false, value: envelope(0, codec.encode(value)) };
      } catch (thrown) {
        return end(grpcErrorFields(toHostError(thrown)));
      }
    },
    async return() {
      if (!over) leave();
      // Whatever its end says, nobody reads it any more.
      source.return?.()?.catch(() => undefined);
      return end(OK);
    },
  };
  return { status: 200, headers: HEADERS, body: { [Symbol.asyncIterator]: () => iterator }, trailers };
}
