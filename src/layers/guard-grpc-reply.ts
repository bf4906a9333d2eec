import { isStream, onBodyEnd } from '../body.ts';
import type { Reply } from '../call.ts';
import { toAgentError } from '../contract/agent-error.ts';
import { grpcErrorFields } from '../contract/grpc-error.ts';
import type { OutriderError } from '../errors.ts';
import { type Fields, getField, withoutFields } from '../fields.ts';
import { parseMediaType } from '../guardrails/media.ts';
import { Tally } from '../guardrails/tally.ts';
import { fieldsForStream } from './guard-changed.ts';
import { hasDigest, isDigest } from './guard-digest.ts';
import { plainFrames, type Unpacked } from './guard-grpc-frames.ts';
import { type Framing, messageCoding, wireOf } from './guard-grpc-protocol.ts';
import { JSON_HEAD, readMessages } from './guard-grpc-read.ts';
import type { Method } from './guard-grpc-shapes.ts';
import {
  type EndReader,
  hasStatusText,
  inspectConnectEnd,
  inspectStatus,
  inspectTrailerFrame,
} from './guard-grpc-status.ts';
import { MessageStream } from './guard-grpc-stream.ts';
import type { MessageForm } from './guard-grpc-text.ts';
import { atHand, hasRules, isEmpty, isOnlyFramed, isPlainlyClean, readingOf, whole } from './guard-grpc-whole.ts';
import { inOnePiece } from './guard-one-piece.ts';
import type { Side } from './guard-side.ts';
import { isSigned } from './guard-signed.ts';
import { GuardedStream } from './guard-stream.ts';
import type { Passed, ReadText } from './guard-whole.ts';
import { lastFrame } from './rpc-error.ts';

/**
 * Runs the rules over a reply to a call of the contract: while its messages flow, where there are several, else over all of it.
 * `standard`: how any other reply is inspected. Throws `blocked` and `unreadable`, as long as nothing has gone.
 */
export async function inspectMessagesReply(
  side: Side,
  came: Reply,
  method: Method,
  standard: Standard,
): Promise<Reply> {
  if (!hasRules(side)) return standard(came);
  const { body, status } = came;
  const wire = wireOf(came.headers);
  const headers = settledStatus(side, came.headers);
  const reply = headers === came.headers ? came : { ...came, headers };
  if (wire === undefined || isEmpty(body)) return otherReply(side, reply, standard);
  const { framing, isJson } = wire;
  if ((framing === 'unary' && isJson && status === 200) || !isOnlyFramed(side, headers, wire)) return standard(reply);
  const form = { shape: method.output, isJson };
  if (method.isStream && framing !== 'unary' && isStream(body) && mayFlow(side, headers)) {
    return flowing(side, reply, body, framing, form);
  }
  const end = endReader(framing);
  const read = await atHand(side, body);
  // Of errors in JSON, more has to be looked at.
  const isError = framing === 'unary' && isJson;
  if (!method.isStream && !isError && isPlainlyClean(side, headers, read, wire, form)) {
    return withEnd(side, reply, { body: read });
  }
  const passed = await whole(side, { headers, body: read }, wire, async (plain, hold) => {
    if (isError) return connectError(side, plain);
    const tally = new Tally();
    const text = await readMessages(side, plain, hold, {
      ...form,
      ...readingOf(headers, wire),
      isStream: method.isStream,
      end: (payload) => end(readerOf(side, tally, side.state.settings.headers), payload),
    });
    side.tallied(tally);
    return text;
  });
  return withEnd(side, reply, passed);
}

/** A reply without messages: what an HTTP server says, or how a call ended, in headers alone. */
async function otherReply(side: Side, reply: Reply, standard: Standard): Promise<Reply> {
  const { reader } = parseMediaType(getField(reply.headers, 'content-type'));
  if (!isEmpty(reply.body) && (reader === 'binary' || reader === 'sniff')) side.unreadable('binary');
  const passed = await standard(reply);
  return passed.trailers === undefined ? passed : { ...passed, trailers: laterEnd(side, passed.trailers) };
}

/** An error of Connect. */
async function connectError(side: Side, body: Uint8Array): Promise<ReadText> {
  const now = settled(side, (reader) => inspectConnectEnd(reader, body) ?? body);
  // What is no JSON, whoever inspects it says so.
  return { utf8: now, head: JSON_HEAD, encode: (utf8) => utf8, isChanged: now !== body };
}

/** The reply whose messages are these. Its trailers are there when its body is; they may still make an error of it. */
async function withEnd(side: Side, reply: Reply, { headers = reply.headers, body }: Passed): Promise<Reply> {
  const { trailers } = reply;
  if (trailers === undefined || isStream(body)) {
    side.findings.record();
    return { ...reply, headers, body, ...(trailers !== undefined && { trailers: laterEnd(side, trailers) }) };
  }
  const came = await trailers;
  const fields = settledStatus(side, came);
  side.findings.record();
  const isChanged = headers !== reply.headers;
  return {
    ...reply,
    headers: withoutFields(headers, (name) => name === 'content-length'),
    body: inOnePiece(body),
    trailers: Promise.resolve(isChanged ? withoutFields(fields, isDigest) : fields),
  };
}

/** A reply whose messages go on while others are still to come. */
function flowing(
  side: Side,
  reply: Reply,
  body: AsyncIterable<Uint8Array>,
  framing: Enveloped,
  form: MessageForm,
): Reply {
  const tally = new Tally();
  const over = Promise.withResolvers<void>();
  let failure: OutriderError | undefined;
  let isBroken = false;
  const source = onBodyEnd(body, (end) => {
    isBroken = end === 'failed';
  }) as AsyncIterable<Uint8Array>;
  const unpacked = new Map<number, Unpacked>();
  const coding = messageCoding(reply.headers, framing);
  const { limit, shared, state, engine } = side;
  const end = endReader(framing);
  const inspector = new MessageStream(engine, tally, {
    ...form,
    framing,
    limit,
    unpacked,
    mayPass: state.settings.onUnreadable === 'pass',
    isBroken: () => isBroken,
    end: (payload) => end(readerOf(side, tally, state.settings.headers), payload),
  });
  const unpacking = shared.budget.hold();
  const frames = coding === undefined ? source : plainFrames(source, { coding, limit, unpacked, hold: unpacking });
  const stream = new GuardedStream(frames, {
    inspector,
    tally,
    codings: [],
    limit,
    holdMs: state.settings.streamHoldMs,
    signal: side.call.signal,
    hold: shared.budget.hold(),
    onUnreadable: (reason) => side.unreadableInStream(reason),
    onEnd() {
      over.resolve();
      unpacking.release();
      side.ended(tally);
    },
    blocked: () => side.blocked(tally),
    last(error) {
      failure = error;
      return lastFrame(toAgentError(error), framing);
    },
  });
  const trailers = async (came: Promise<Fields>): Promise<Fields> => {
    await over.promise;
    if (failure !== undefined) return framing === 'grpc' ? grpcErrorFields(toAgentError(failure)) : [];
    const fields = await laterEnd(side, came);
    return tally.allHits.some(({ action }) => action === 'redact') ? withoutFields(fields, isDigest) : fields;
  };
  const hasTrailers = framing === 'grpc' || reply.trailers !== undefined;
  return {
    ...reply,
    headers: fieldsForStream(reply.headers),
    body: stream,
    ...(hasTrailers && { trailers: trailers(reply.trailers ?? Promise.resolve([])) }),
  };
}

/** Trailers that come when all else has gone: what a rule blocks in there makes an error of the call. */
async function laterEnd(side: Side, trailers: Promise<Fields>): Promise<Fields> {
  const came = await trailers;
  if (!hasStatusText(came)) return came;
  const tally = new Tally();
  const fields = inspectStatus(readerOf(side, tally, []), came);
  side.findings.add(tally.hits);
  side.findings.record();
  return tally.blockedBy === undefined ? fields : grpcErrorFields(toAgentError(side.blocked(tally)));
}

function settledStatus(side: Side, fields: Fields): Fields {
  return hasStatusText(fields) ? settled(side, (reader) => inspectStatus(reader, fields)) : fields;
}

/** What an inspection gives, when no rule has blocked. */
function settled<T>(side: Side, inspect: (reader: EndReader) => T): T {
  const tally = new Tally();
  const found = inspect(readerOf(side, tally, []));
  side.tallied(tally);
  return found;
}

function readerOf(side: Side, tally: Tally, names: readonly string[]): EndReader {
  const mayPass = (): boolean => {
    try {
      side.unreadable('invalid_message');
      return true;
    } catch {
      return false;
    }
  };
  return { engine: side.engine, tally, names, mayPass };
}

function endReader(framing: Framing): (reader: EndReader, payload: Uint8Array) => Uint8Array | undefined {
  return framing === 'grpc-web' ? inspectTrailerFrame : inspectConnectEnd;
}

/** A signature, or a webhook, is of the whole. */
function mayFlow(side: Side, headers: Fields): boolean {
  return side.state.webhooks(side.surface).length === 0 && !isSigned(headers, 'body') && !hasDigest(headers);
}

type Enveloped = Exclude<Framing, 'unary'>;

type Standard = (reply: Reply) => Promise<Reply>;
