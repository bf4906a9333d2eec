import { type Body, isStream } from '../body.ts';
import { countField, type Fields, withoutFields } from '../fields.ts';
import { type Hold, held } from './body-budget.ts';
import { knownCodings } from './content-coding.ts';
import { messageCoding, type Wire } from './guard-grpc-protocol.ts';
import { isCleanMessage, JSON_HEAD, onlyMessage, type ReadOptions } from './guard-grpc-read.ts';
import type { MessageForm } from './guard-grpc-text.ts';
import { isSmall } from './guard-inspect.ts';
import type { Side } from './guard-side.ts';
import { inspectWhole, type Message, type Passed, type ReadText, readUpTo } from './guard-whole.ts';

/** Reads a body whole, as messages. */
export async function whole(
  side: Side,
  message: Message,
  { framing }: Wire,
  read: (plain: Uint8Array, hold: Hold) => Promise<ReadText>,
): Promise<Passed> {
  // Both are known by now.
  const codings = framing === 'unary' ? (knownCodings(message.headers) ?? []) : [];
  const passed = await inspectWhole(side, message, { ...JSON_HEAD, codings }, { read });
  const hadLength = countField(message.headers, 'content-length') > 0;
  // Messages in envelopes say their length themselves.
  if (passed.headers === undefined || hadLength || framing === 'unary') return passed;
  return { ...passed, headers: withoutFields(passed.headers, (name) => name === 'content-length') };
}

/** All bytes of a body; when there are more than the limit, the same body again. */
export async function atHand(side: Side, body: Body): Promise<Body> {
  if (!isStream(body)) return body;
  const hold = side.shared.budget.hold();
  try {
    return await readUpTo(held(body, hold), side.limit);
  } finally {
    hold.release();
  }
}

/** Most bodies are one small message, and clean: nothing is awaited for them. */
export function isPlainlyClean(side: Side, headers: Fields, body: Body, { framing }: Wire, form: MessageForm): boolean {
  if (!(body instanceof Uint8Array) || !isSmall(side.engine, body)) return false;
  if (side.state.webhooks(side.surface).length > 0) return false;
  if (framing === 'unary') return knownCodings(headers)?.length === 0 && isCleanMessage(side.engine, body, form);
  const payload = onlyMessage(body);
  return payload !== undefined && isCleanMessage(side.engine, payload, form);
}

/** Whether nothing hides the envelopes, or what is in place of them can be undone. */
export function isOnlyFramed(side: Side, headers: Fields, { framing }: Wire): boolean {
  const codings = knownCodings(headers);
  if (codings !== undefined && (codings.length === 0 || framing === 'unary')) return true;
  side.unreadable('unknown_encoding');
  return false;
}

export function readingOf(headers: Fields, { framing }: Wire): Pick<ReadOptions, 'framing' | 'coding'> {
  return { framing, coding: messageCoding(headers, framing) };
}

export function isEmpty(body: Body): boolean {
  return body === null || (body instanceof Uint8Array && body.length === 0);
}

export function hasRules(side: Side): boolean {
  return side.engine.rules.length > 0 || side.state.webhooks(side.surface).length > 0;
}
