import { type Body, cancelBody } from '../body.ts';
import type { ContractGuard } from './guard-contract.ts';
import { wireOf } from './guard-grpc-protocol.ts';
import { readMessages } from './guard-grpc-read.ts';
import { inspectMessagesReply } from './guard-grpc-reply.ts';
import { type Method, methodOf } from './guard-grpc-shapes.ts';
import { atHand, hasRules, isEmpty, isOnlyFramed, isPlainlyClean, readingOf, whole } from './guard-grpc-whole.ts';
import type { Side } from './guard-side.ts';
import type { Message, Passed } from './guard-whole.ts';

/** `method`: lower-case name of a method of the contract's service; one that is not known counts as well. */
export function contractGuard(method: string): ContractGuard {
  const known = methodOf(method);
  return {
    target: inspectGet,
    request: (side, message, standard) => givenUp(message.body, () => request(side, message, known, standard)),
    reply: (side, reply, standard) => givenUp(reply.body, () => inspectMessagesReply(side, reply, known, standard)),
  };
}

/** Who throws has no more use for the body. */
async function givenUp<T>(body: Body, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await cancelBody(body);
    throw error;
  }
}

/** Connect has a form of calls with the message in the query. No method of the contract allows it. */
function inspectGet(side: Side): void {
  const { method, target } = side.call;
  const mark = target.indexOf('?');
  if (method === 'POST' || mark < 0 || !hasRules(side)) return;
  if (new URLSearchParams(target.slice(mark)).has('message')) side.unreadable('binary');
}

async function request(
  side: Side,
  message: Message,
  method: Method,
  standard: () => Promise<Passed | undefined>,
): Promise<Passed | undefined> {
  const wire = wireOf(message.headers);
  if (!hasRules(side) || isEmpty(message.body) || (wire?.framing === 'unary' && wire.isJson)) return standard();
  // There are receivers that take such a call for gRPC all the same.
  if (wire === undefined) side.unreadable('binary');
  if (wire === undefined || !isOnlyFramed(side, message.headers, wire)) return standard();
  const form = { shape: method.input, isJson: wire.isJson };
  const { headers } = message;
  const body = await atHand(side, message.body);
  if (isPlainlyClean(side, headers, body, wire, form)) return body === message.body ? undefined : { body };
  const passed = await whole(side, { headers, body }, wire, (plain, hold) =>
    readMessages(side, plain, hold, { ...form, ...readingOf(headers, wire), isStream: false }),
  );
  return passed.headers === undefined && passed.body === message.body ? undefined : passed;
}
