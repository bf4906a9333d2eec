import type { DescMessage } from '@bufbuild/protobuf';
import { type ContextValues, createContextValues } from '@connectrpc/connect';
import type { UniversalHandler, UniversalServerResponse } from '@connectrpc/connect/protocol';
import { type Body, cancelBody, isStream, onBodyEnd, readBody } from '../body.ts';
import type { Call, Reply } from '../call.ts';
import { AgentError } from '../contract/agent-error.ts';
import { type Fields, getField } from '../fields.ts';
import { toHostError } from './envelope.ts';
import { toConnectError } from './grpc-error.ts';
import { boundBody, readWhole } from './grpc-whole.ts';
import { leaveOf } from './leave.ts';

/**
 * What Connect's handlers look at. Nothing else is handed to them: deadlines are kept here, on a clock that is never set, and who
 * calls has been found out before.
 */
const PROTOCOL_FIELDS = [
  'accept-encoding',
  'connect-accept-encoding',
  'connect-content-encoding',
  'connect-protocol-version',
  'content-encoding',
  'content-length',
  'content-type',
  'grpc-accept-encoding',
  'grpc-encoding',
];

/**
 * Asks a handler of Connect. `valuesFor`: what the handler is to know of the call, whose signal aborts when the caller leaves or
 * gives up the reply.
 */
export async function callHandler(
  handler: UniversalHandler,
  call: Call,
  maxBytes: number,
  valuesFor: (signal: AbortSignal) => ContextValues = createContextValues,
): Promise<Reply> {
  const { signal, leave } = leaveOf(call.signal);
  const single = handler.method.methodKind === 'unary' || handler.method.methodKind === 'server_streaming';
  const response = await handler({
    httpVersion: call.http2 === true ? '2.0' : '1.1',
    url: `http://localhost${call.target}`,
    method: call.method,
    header: protocolHeaders(call.headers),
    body: single ? wholeBody(call, handler.method.input, maxBytes) : pieces(call.body),
    signal,
    contextValues: valuesFor(signal),
  });
  if (response.body === undefined) return refused(response, handler, call);
  return handler.method.methodKind === 'unary' && call.http2 === true
    ? wholeReply(response)
    : streamedReply(response, leave);
}

function protocolHeaders(fields: Fields): Headers {
  const headers = new Headers();
  for (const name of PROTOCOL_FIELDS) {
    const value = getField(fields, name);
    if (value !== undefined) headers.set(name, value);
  }
  return headers;
}

/**
 * The body in one piece, which is read when it is first asked for. Whoever sends a message in a million pieces would make Connect
 * count them all again with each one, and an announced size would be set aside before anything of it has come.
 */
async function* wholeBody(call: Call, input: DescMessage, maxBytes: number): AsyncGenerator<Uint8Array> {
  try {
    yield await boundBody(await readWhole(call, maxBytes), call, { input, maxBytes });
  } catch (thrown) {
    throw toConnectError(toHostError(thrown));
  }
}

async function* pieces(body: Body): AsyncGenerator<Uint8Array> {
  if (isStream(body)) yield* body;
  else if (body !== null) yield body;
}

/** What Connect answers without a word: no such method, another media type. */
async function refused(
  { status }: UniversalServerResponse,
  { allowedMethods }: UniversalHandler,
  { body }: Call,
): Promise<Reply> {
  await cancelBody(body).catch(() => undefined);
  if (status === 405) {
    throw new AgentError('method_not_allowed', 'not served with this method', { details: { allow: allowedMethods } });
  }
  if (status === 415) throw new AgentError('unsupported_media_type', 'send it as gRPC, gRPC-Web or Connect');
  throw new AgentError('bad_request', 'this cannot be called so: it needs HTTP/2');
}

/** One message at most, so that it goes out with the headers; a failure has none, and is said in the headers alone. */
async function wholeReply({ status, header, body, trailer }: UniversalServerResponse): Promise<Reply> {
  const bytes = await readBody(body ?? null, Number.POSITIVE_INFINITY);
  const headers = fieldsOf(header);
  if (bytes.length === 0) return { status, headers: [...headers, ...fieldsOf(trailer)], body: null };
  if (trailer === undefined) return { status, headers, body: bytes };
  return { status, headers, body: bytes, trailers: Promise.resolve(fieldsOf(trailer)) };
}

function streamedReply({ status, header, body = none(), trailer }: UniversalServerResponse, leave: () => void): Reply {
  const { promise: trailers, resolve } = Promise.withResolvers<Fields>();
  const reading = onBodyEnd(leavable(body, leave), () => resolve(fieldsOf(trailer)));
  const reply = { status, headers: fieldsOf(header), body: reading };
  return trailer === undefined ? reply : { ...reply, trailers };
}

/** A generator that waits would not be left until it yields: its call is broken off first. */
function leavable(body: AsyncIterable<Uint8Array>, leave: () => void): AsyncIterable<Uint8Array> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = body[Symbol.asyncIterator]();
      let over = false;
      return {
        async next() {
          const result = await iterator.next();
          over ||= result.done === true;
          return result;
        },
        async return() {
          if (!over) leave();
          over = true;
          iterator.return?.()?.catch(() => undefined);
          return { done: true, value: undefined };
        },
      };
    },
  };
}

async function* none(): AsyncGenerator<Uint8Array> {}

function fieldsOf(headers: Headers | undefined): string[] {
  const fields: string[] = [];
  headers?.forEach((value, name) => fields.push(name, value));
  return fields;
}
