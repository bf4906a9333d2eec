import { type Body, cancelBody } from '../body.ts';
import type { Call, Reply } from '../call.ts';
import { OutriderError } from '../errors.ts';
import { type Fields, getField, withoutFields } from '../fields.ts';
import { Conversation } from './guard-websocket-conversation.ts';
import { GuardedDirection } from './guard-websocket-direction.ts';
import type { WebSocketGuardOptions } from './guard-websocket-options.ts';

export interface WebSocketGuard {
  /** The guarded bytes from the caller to the agent. */
  readonly request: (body: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>;
  /** The guarded bytes from the agent to the caller. */
  readonly response: (body: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>;
}

/**
 * Guards one WebSocket (RFC 6455). Text messages are put together from their frames, inspected one by one, and leave as the
 * frames that came; one that was changed leaves as a single frame. A match that is split over the frames of a message is
 * found, one over two messages is not. Binary messages that begin like text are read as text, others pass frame by frame.
 * Pings, pongs and Close frames pass at once, also between the frames of a message that is being held; text in them is read.
 *
 * A block, or bytes that are not WebSocket, ends the conversation: each side gets a Close frame with the code and the reason
 * (unless a Close frame has gone there already), then both streams end, and what still comes is thrown away. A binary frame
 * that is on its way at that moment is finished first. Never rejects on account of what a message is.
 */
export function guardWebSocket(options: WebSocketGuardOptions): WebSocketGuard {
  const conversation = new Conversation(options.onClose);
  return {
    request: (body) => new GuardedDirection(body, 'request', conversation, options),
    response: (body) => new GuardedDirection(body, 'response', conversation, options),
  };
}

/**
 * Sends on a call that asks for a WebSocket, without extensions, and guards both directions once the agent has agreed. Any
 * other reply than 101 is given back as it came. Throws `unreachable` when the agent switches to something else, or to an
 * extension: compressed messages could not be read.
 */
export async function guardUpgrade(
  call: Call,
  next: (patch: Partial<Call>) => Promise<Reply>,
  options: WebSocketGuardOptions,
): Promise<Reply> {
  const { request, response } = guardWebSocket(options);
  const reply = await next({ headers: withoutExtensions(call.headers), body: guarded(call.body, request) });
  if (reply.status !== 101) return reply;
  const fault = faultOf(reply.headers);
  if (fault === undefined) return { ...reply, body: guarded(reply.body, response) };
  await cancelBody(reply.body);
  throw new OutriderError('unreachable', fault);
}

/** Whether a call asks for this protocol, or a 101 reply switches to it. */
export function isWebSocket(headers: Fields): boolean {
  return getField(headers, 'upgrade')?.toLowerCase() === 'websocket';
}

/** Headers that offer no extension, so that none is negotiated (RFC 6455 §9.1). */
export function withoutExtensions(headers: Fields): Fields {
  if (getField(headers, EXTENSIONS) === undefined) return headers;
  return withoutFields(headers, (name) => name === EXTENSIONS);
}

const EXTENSIONS = 'sec-websocket-extensions';

function faultOf(headers: Fields): string | undefined {
  if (!isWebSocket(headers)) return 'the agent switched to another protocol than WebSocket';
  return getField(headers, EXTENSIONS) === undefined
    ? undefined
    : 'the agent chose a WebSocket extension that was not offered';
}

function guarded(body: Body, guard: (body: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>): Body {
  if (body === null) return body;
  return guard(body instanceof Uint8Array ? once(body) : body);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
