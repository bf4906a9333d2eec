import { cancelBody, isStream } from '../body.ts';
import type { Reply } from '../call.ts';
import { type Fields, withoutFields } from '../fields.ts';
import { Tally } from '../guardrails/tally.ts';
import { inspectBody } from './guard-body.ts';
import { trailersForStream } from './guard-changed.ts';
import type { ContractGuard } from './guard-contract.ts';
import { isDigest } from './guard-digest.ts';
import { inspectFields, inspectTrailers } from './guard-headers.ts';
import { inOnePiece } from './guard-one-piece.ts';
import type { RpcId } from './guard-rpc.ts';
import type { Side } from './guard-side.ts';
import type { Passed } from './guard-whole.ts';

/**
 * Runs the rules over a reply: the same object when it goes on as it came. A reply that is refused is given up. Throws
 * `blocked` and `unreadable`.
 */
export async function inspectReply(
  side: Side,
  reply: Reply,
  rpc: RpcId | undefined,
  contract: ContractGuard | undefined,
): Promise<Reply> {
  const checked = await inspectedHead(side, reply);
  const standard = (reply: Reply): Promise<Reply> => inspectContent(side, reply, rpc);
  return contract === undefined ? standard(checked) : contract.reply(side, checked, standard);
}

async function inspectContent(side: Side, checked: Reply, rpc: RpcId | undefined): Promise<Reply> {
  const { voice } = side.shared.options;
  const id = (): string => rpc?.text ?? 'null';
  const { status } = checked;
  const isEmpty = checked.body === null || side.call.method === 'HEAD' || status === 204 || status === 304;
  const passed = isEmpty
    ? undefined
    : await inspectBody(side, checked, {
        status,
        last: (error, type) => lastBytes(voice.document(error, id), voice.eventName, type),
      });
  const isFlowing = passed !== undefined && isStream(passed.body) && passed.headers !== undefined;
  // Of what flows, the findings are recorded when it is over; what the headers had, with them.
  if (!isFlowing) side.findings.record();
  const result = passed === undefined ? checked : await withBody(checked, passed);
  const body = rpc?.restoredBody(result.body);
  if (body === undefined) return result;
  return { ...result, body, headers: withoutFields(result.headers, (name) => name === 'content-length') };
}

/** The last event, or line, of a stream that was broken off. Other text has no form for it: it fails. */
function lastBytes(document: string, eventName: string | undefined, type: string): Uint8Array | undefined {
  if (type === 'text/event-stream') {
    return Buffer.from(`${eventName === undefined ? '' : `event: ${eventName}\n`}data: ${document}\n\n`);
  }
  if (!type.includes('json')) return undefined;
  // A record of RFC 7464 begins with this character.
  return Buffer.from(`${type.endsWith('json-seq') ? '\u001e' : ''}{"error":${document}}\n`);
}

/** Headers and trailers. */
async function inspectedHead(side: Side, reply: Reply): Promise<Reply> {
  const { headers: names } = side.state.settings;
  if (names.length === 0) return reply;
  const tally = new Tally();
  const { fields, signed } = inspectFields(side.engine, reply.headers, names, tally);
  try {
    if (signed !== undefined && tally.blockedBy === undefined) throw side.refuse(tally.hits, 'signed');
    side.tallied(tally);
  } catch (error) {
    await cancelBody(reply.body);
    throw error;
  }
  const trailers = reply.trailers && inspectTrailers(side, reply.trailers);
  if (fields === reply.headers && trailers === undefined) return reply;
  return { ...reply, headers: fields, ...(trailers !== undefined && { trailers }) };
}

/** The reply with this body. Behind one that was read whole there may be trailers all the same. */
async function withBody(reply: Reply, { headers = reply.headers, body, hasChanged }: Passed): Promise<Reply> {
  if (hasChanged !== undefined && reply.trailers !== undefined) {
    return { ...reply, headers, body, trailers: trailersForStream(reply.trailers, hasChanged) };
  }
  const isRead = isStream(reply.body) && body instanceof Uint8Array;
  const trailers = isRead ? await reply.trailers : undefined;
  if (trailers === undefined || trailers.length === 0) return { ...reply, headers, body };
  const isChanged = headers !== reply.headers;
  const fields: Fields = isChanged ? withoutFields(trailers, isDigest) : trailers;
  return {
    ...reply,
    headers: withoutFields(headers, (name) => name === 'content-length'),
    body: inOnePiece(body),
    trailers: Promise.resolve(fields),
  };
}
