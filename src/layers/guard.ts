import { type Body, cancelBody, isStream, readBody } from '../body.ts';
import type { Call } from '../call.ts';
import { OutriderError } from '../errors.ts';
import { countField, type Fields, getField, withField, withoutFields } from '../fields.ts';
import { type Transcoded, transcode } from '../guardrails/charset.ts';
import type { Engine } from '../guardrails/engine.ts';
import { inspect, inspectInSteps } from '../guardrails/inspect.ts';
import { parseMediaType } from '../guardrails/media.ts';
import type { Action, Hit } from '../guardrails/rule.ts';
import type { AuditEntry, AuditSink } from '../ledger/port.ts';
import { type Layer, UNCHANGED } from '../stack.ts';
import { type Coding, decode, encode, readCodings } from './content-coding.ts';
import { Budget, type Hold, held } from './guard-budget.ts';
import { peek } from './guard-peek.ts';
import { Turns } from './guard-turns.ts';

export interface GuardOptions<C extends Call> {
  readonly engine: Engine;
  /** Bytes of a body that is read, before and after its content coding is undone. */
  readonly bodyLimit: number;
  /** Where the rules are applied; in audit rows. */
  readonly surface: 'request' | 'a2a' | 'mcp';
  /** On whose behalf; in audit rows. */
  readonly actor: string;
  readonly audit: AuditSink;
  /** Told of each rule that found something in a call, with the audit row. */
  readonly onHit?: (hit: Hit, call: C) => void;
  readonly now: () => Date;
  /** Bytes of all large bodies that are held at the same time, as sent and decoded; 64 MiB unless told. */
  readonly heldLimit?: number;
}

/**
 * Runs the guardrails over the body of a call. A body that may be text is read whole, up to `bodyLimit`; one that is declared
 * to be binary, and does not begin like text, streams through. What cannot be read is refused, not passed. A call that
 * switches protocols passes. Large bodies are inspected in short turns, and share a bound on what is held.
 * Throws `blocked`, `body_too_large`, `unsupported_media_type` (content coding or charset), `bad_request` (malformed or
 * ambiguous), `overloaded` (too much held already), `cancelled`.
 */
export function guard<C extends Call>(options: GuardOptions<C>): Layer<C> {
  const { engine, bodyLimit } = options;
  const budget = new Budget(options.heldLimit ?? HELD_LIMIT);
  const turns = new Turns();
  return async (call, next) => {
    if (call.body === null || ('upgrade' in call && call.upgrade)) return next(UNCHANGED);
    let body: Body = call.body;
    let contentType: string | undefined;
    let codings: readonly Coding[];
    try {
      contentType = readContentType(call.headers);
      codings = readCodings(call.headers);
      if (parseMediaType(contentType).reader === 'binary') {
        const peeked = await peek(body, codings);
        if (!peeked.isText) return next(peeked.body === body ? UNCHANGED : { body: peeked.body });
        body = peeked.body;
      }
      checkLength(call.headers, bodyLimit);
    } catch (error) {
      await cancelBody(body);
      throw error;
    }
    const hold = budget.hold();
    let patch: Partial<Call>;
    try {
      patch = await read(body, contentType, codings, hold, call);
    } finally {
      hold.release();
    }
    return next(patch);
  };

  async function read(
    body: Body,
    contentType: string | undefined,
    codings: readonly Coding[],
    hold: Hold,
    call: C,
  ): Promise<Partial<Call>> {
    const original = await readBody(held(body, hold), bodyLimit);
    const plain = await decode(original, codings, bodyLimit, hold.take);
    const text = toUtf8(plain, contentType);
    if (text.utf8 !== plain) hold.take(text.utf8.length);
    const { bytes, hits, blockedBy, unreadable } =
      text.utf8.length <= SMALL
        ? inspect(engine, text.utf8, contentType)
        : await turns.run(inspectInSteps(engine, text.utf8, contentType), text.utf8.length, call.signal);
    for (const hit of hits) {
      options.audit.audit(auditEntry(hit, options));
      options.onHit?.(hit, call);
    }
    if (blockedBy !== undefined) {
      throw new OutriderError('blocked', `blocked by guardrail ${blockedBy}`, { details: { rule: blockedBy } });
    }
    if (unreadable === 'encoded_part') {
      throw new OutriderError('unsupported_media_type', 'a part of the body has an encoding that cannot be inspected');
    }
    if (unreadable === 'ambiguous_part') {
      throw new OutriderError('bad_request', 'a part of the body says twice what it is');
    }
    if (bytes === text.utf8) return isStream(body) ? { body: original } : UNCHANGED;
    const changed = await encode(text.encode(bytes), codings);
    return { body: changed, headers: headersFor(call.headers, changed) };
  }
}

/** Bytes up to which a body is inspected at once; beyond, in turns. */
const SMALL = 65_536;

/** Bytes of large bodies, as sent and decoded, that are held at the same time. */
const HELD_LIMIT = 64 * 2 ** 20;

const PAST: Readonly<Record<Action, string>> = { block: 'blocked', redact: 'redacted', warn: 'warned' };

function auditEntry({ rule, action, count, path }: Hit, { surface, actor, now }: GuardOptions<never>): AuditEntry {
  return {
    event_type: `guardrail.${PAST[action]}`,
    actor,
    resource: `guardrail/${rule}`,
    metadata: { rule, action, surface, count, ...(path !== undefined && { path }) },
    timestamp: now().toISOString(),
  };
}

/** Two of them could be one for us and the other for the agent. */
function readContentType(headers: Fields): string | undefined {
  if (countField(headers, 'content-type') > 1) {
    throw new OutriderError('bad_request', 'the request has more than one Content-Type');
  }
  const contentType = getField(headers, 'content-type');
  if (parseMediaType(contentType).isAmbiguous) {
    throw new OutriderError('bad_request', 'the Content-Type says twice, or in extended form, what counts once');
  }
  return contentType;
}

function checkLength(headers: Fields, limit: number): void {
  if (Number(getField(headers, 'content-length') ?? 0) > limit) {
    throw new OutriderError('body_too_large', `the body is larger than the ${limit} bytes allowed here`);
  }
}

function toUtf8(bytes: Uint8Array, contentType: string | undefined): Transcoded {
  const { reader, charset } = parseMediaType(contentType);
  // Each part of a multipart body has its own charset.
  const text = transcode(bytes, reader === 'multipart' ? 'utf-8' : charset);
  if (text === 'unknown')
    throw new OutriderError('unsupported_media_type', 'the charset of the body cannot be inspected');
  if (text === 'malformed')
    throw new OutriderError('bad_request', 'the body is not text in the charset that it declares');
  return text;
}

/** Fields that describe the bytes of the body as they were, or announce such a field. */
const STALE = new Set(['transfer-encoding', 'trailer', 'content-md5', 'digest', 'content-digest', 'repr-digest']);

function headersFor(headers: Fields, body: Uint8Array): Fields {
  return withField(
    withoutFields(headers, (name) => STALE.has(name)),
    'Content-Length',
    String(body.length),
  );
}
