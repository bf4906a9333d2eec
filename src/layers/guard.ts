import { cancelBody, isStream, readBody } from '../body.ts';
import type { Call } from '../call.ts';
import { OutriderError } from '../errors.ts';
import { countField, type Fields, getField, withField, withoutFields } from '../fields.ts';
import { type Transcoded, transcode } from '../guardrails/charset.ts';
import type { Engine } from '../guardrails/engine.ts';
import { inspect } from '../guardrails/inspect.ts';
import { parseMediaType } from '../guardrails/media.ts';
import type { Action, Hit } from '../guardrails/rule.ts';
import type { AuditEntry, AuditSink } from '../ledger/port.ts';
import { type Layer, UNCHANGED } from '../stack.ts';
import { type Coding, decode, encode, readCodings } from './content-coding.ts';

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
}

/**
 * Runs the guardrails over the body of a call. A body that may be text is read whole, up to `bodyLimit`; one that is declared
 * to be binary streams through. What cannot be read is refused, not passed. A call that switches protocols passes.
 * Throws `blocked`, `body_too_large`, `unsupported_media_type` (content coding or charset), `bad_request` (malformed).
 */
export function guard<C extends Call>(options: GuardOptions<C>): Layer<C> {
  const { engine, bodyLimit } = options;
  return async (call, next) => {
    if (call.body === null || ('upgrade' in call && call.upgrade)) return next(UNCHANGED);
    let contentType: string | undefined;
    let codings: readonly Coding[];
    try {
      contentType = readContentType(call.headers);
      if (parseMediaType(contentType).reader === 'binary') return await next(UNCHANGED);
      codings = readCodings(call.headers);
      checkLength(call.headers, bodyLimit);
    } catch (error) {
      await cancelBody(call.body);
      throw error;
    }
    const original = await readBody(call.body, bodyLimit);
    const plain = await decode(original, codings, bodyLimit);
    const text = toUtf8(plain, contentType);
    const { bytes, hits, blockedBy, unreadable } = inspect(engine, text.utf8, contentType);
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
    if (bytes === text.utf8) return next(isStream(call.body) ? { body: original } : UNCHANGED);
    const body = await encode(text.encode(bytes), codings);
    return next({ body, headers: headersFor(call.headers, body) });
  };
}

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
  return getField(headers, 'content-type');
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
