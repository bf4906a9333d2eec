import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { EVENT_ID, type Fault, faultsOf, rejectFaults, text, timestamp } from './fields.ts';
import type { AuditEntry } from './port.ts';
import type { AuditRecord } from './records.ts';

/** Bounds of an audit row. Metadata is measured as JSON text. */
const AUDIT_LIMITS = { event_type: 128, actor: 256, resource: 1024, metadata: 65_536, depth: 32 } as const;

/** The ids that a ledger makes for `cost.recorded` rows are longer than those of the events. */
const AUDIT_ID = /^[\x20-\x7e]{1,192}$/;

/** The body of `POST /api/v1/audit`. Members that it does not know are ignored. */
export const auditBodySchema = z.object({
  event_type: text(AUDIT_LIMITS.event_type).describe('What happened, such as `agent.deployed`'),
  actor: text(AUDIT_LIMITS.actor).describe('Who did it'),
  resource: text(AUDIT_LIMITS.resource).describe('What it was done to'),
  metadata: z.record(z.string(), z.unknown()).default({}).describe('Further facts, at most 64 KiB as JSON'),
  timestamp: timestamp.nullish().describe('When it happened, RFC 3339; default: now'),
  event_id: z
    .string()
    .regex(AUDIT_ID, 'expected 1 to 192 printable ASCII characters')
    .nullish()
    .describe('Identity: the same id is recorded once'),
});

/** Parses one posted entry; adds its faults to `faults`, and returns undefined when there are any. */
export function parseAuditEntry(
  body: unknown,
  options: { now: string; idempotencyKey?: string | undefined; path?: string; faults: Fault[] },
): AuditRecord | undefined {
  const path = options.path ?? '';
  // First the depth: what follows it may recurse.
  const tooDeep = isDeeperThan(body, AUDIT_LIMITS.depth);
  const parsed = tooDeep ? undefined : auditBodySchema.safeParse(body);
  if (parsed === undefined || !parsed.success) {
    options.faults.push(
      ...(parsed === undefined
        ? [{ path: path || 'body', message: `nested deeper than ${AUDIT_LIMITS.depth} levels` }]
        : faultsOf(parsed.error, path)),
    );
    return undefined;
  }
  const { metadata, timestamp, event_id, ...rest } = parsed.data;
  const json = JSON.stringify(metadata);
  if (Buffer.byteLength(json) > AUDIT_LIMITS.metadata) {
    options.faults.push({ path: `${path && `${path}.`}metadata`, message: 'larger than 64 KiB as JSON' });
    return undefined;
  }
  return {
    ...rest,
    metadata: json,
    timestamp: timestamp ?? options.now,
    event_id: event_id ?? keyOf(options.idempotencyKey) ?? randomUUID(),
  };
}

function keyOf(key: string | undefined): string | undefined {
  if (key !== undefined && !EVENT_ID.test(key)) {
    rejectFaults([{ path: 'Idempotency-Key', message: 'expected 1 to 128 printable ASCII characters' }]);
  }
  return key;
}

/**
 * An entry of our own as it is stored. Layers are trusted, but what they speak of came from outside: over-long text is cut, and
 * metadata that is too large is replaced by a note that says so, because a lost row would be worse.
 */
export function toAuditRecord(entry: AuditEntry): AuditRecord {
  const metadata = safeJson(entry.metadata);
  return {
    event_id: entry.event_id ?? randomUUID(),
    event_type: cut(entry.event_type, AUDIT_LIMITS.event_type),
    actor: cut(entry.actor, AUDIT_LIMITS.actor),
    resource: cut(entry.resource, AUDIT_LIMITS.resource),
    metadata: metadata ?? '{"metadata_dropped":"too large"}',
    timestamp: entry.timestamp,
  };
}

function safeJson(metadata: AuditEntry['metadata']): string | undefined {
  if (isDeeperThan(metadata, AUDIT_LIMITS.depth - 1)) return undefined;
  try {
    const json = JSON.stringify(metadata);
    return Buffer.byteLength(json) > AUDIT_LIMITS.metadata ? undefined : json;
  } catch {
    return undefined;
  }
}

/** Control characters would be refused by the ledger, an empty string as well. */
function cut(value: string, length: number): string {
  return (
    value
      .slice(0, length)
      .toWellFormed()
      .replace(/\p{Cc}/gu, ' ') || '-'
  );
}

/** Level by level, without recursion, so that hostile nesting cannot exhaust the stack. */
function isDeeperThan(value: unknown, depth: number): boolean {
  let level: unknown[] = [value];
  for (let i = 0; i <= depth; i++) {
    level = level.flatMap((item) => (typeof item === 'object' && item !== null ? Object.values(item) : []));
    if (level.length === 0) return false;
  }
  return true;
}
