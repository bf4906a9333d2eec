import { readBody } from '../body.ts';
import type { Call, Reply, Service } from '../call.ts';
import { OutriderError } from '../errors.ts';
import { getField } from '../fields.ts';
import { parseAuditQuery, parseCostsQuery, parseSummaryQuery } from './api-query.ts';
import { parseAuditEntry } from './audit-event.ts';
import { parseLedgerCost } from './cost-event.ts';
import { type Fault, parseJson, rejectFaults, unquoteKey } from './fields.ts';
import { nanosToDecimal } from './money.ts';
import { openapi } from './openapi.ts';
import type { CostSums } from './query.ts';
import type { LedgerReader } from './reader.ts';
import type { AppendOutcome, LedgerRecord } from './records.ts';

const MAX_BODY = 2 ** 20;
const MAX_BATCH_BODY = 8 * 2 ** 20;
/** Rows of one kind in a batch. */
const MAX_BATCH_ROWS = 1_000;

export interface LedgerApiOptions {
  readonly read: LedgerReader;
  /** Writes all records in one transaction. Absent: the API only reads. */
  readonly append?: (records: readonly LedgerRecord[]) => Promise<AppendOutcome[]>;
  /** False while the ledger cannot be written. */
  readonly healthy?: () => boolean;
  /** Says whether an `Authorization` header may pass. */
  readonly authorize: (authorization: string | undefined) => boolean;
  readonly version: string;
}

type Handler = (call: Call, search: URLSearchParams) => Promise<Reply>;
/** By path, then by method; a Map has no inherited members that a path could name. */
type Routes = Map<string, Map<string, Handler>>;

/**
 * The ledger's HTTP API. `POST /api/v1/costs` writes the costs row alone: other programs, and sidecars, post the audit row
 * themselves. Throws what its caller turns into problem replies: `unauthenticated`, `not_found`, `method_not_allowed`,
 * `bad_request` (`details.faults`), `body_too_large`, `storage_full`, `overloaded`.
 */
export function createLedgerApi(options: LedgerApiOptions): Service {
  const open = openRoutes(options);
  const guarded = merge(readRoutes(options), writeRoutes(options));
  return async (call) => {
    const [path, query] = splitTarget(call.target);
    const methods = open.get(path) ?? guarded.get(path);
    // An unknown path says so only to those who may know.
    if (!open.has(path) && !options.authorize(getField(call.headers, 'authorization'))) {
      throw new OutriderError('unauthenticated', 'a valid bearer token is needed');
    }
    if (methods === undefined) throw new OutriderError('not_found', 'there is nothing here');
    const handler = methods.get(call.method);
    if (handler === undefined) {
      const allow = [...methods.keys()];
      throw new OutriderError('method_not_allowed', `only ${allow.join(' and ')} here`, { details: { allow } });
    }
    return handler(call, new URLSearchParams(query));
  };
}

function openRoutes({ healthy = () => true, version }: LedgerApiOptions): Routes {
  const document = Buffer.from(JSON.stringify(openapi(version)));
  return routes({
    '/health': {
      GET: async () =>
        healthy() ? json(200, { status: 'ok', version }) : json(503, { status: 'unavailable', version }),
    },
    '/openapi.json': {
      GET: async () => ({ status: 200, headers: ['Content-Type', 'application/json'], body: document }),
    },
  });
}

function writeRoutes({ append }: LedgerApiOptions): Routes {
  if (append === undefined) return new Map();
  const write = async (record: LedgerRecord): Promise<Reply> => {
    const [outcome] = await append([record]);
    const event_id = record.kind === 'cost' ? record.event.event_id : record.entry.event_id;
    if (!outcome?.duplicate) return json(201, { event_id, status: 'recorded' });
    return json(200, { event_id, status: 'duplicate', ...(outcome.conflict && { conflict: true }) });
  };
  return routes({
    '/api/v1/costs': {
      POST: async (call) => {
        const faults: Fault[] = [];
        const event = parseLedgerCost(parseJson(await readBody(call.body, MAX_BODY)), { ...common(call), faults });
        rejectFaults(faults);
        if (event === undefined) throw new OutriderError('internal', 'a cost event without faults was not parsed');
        return write({ kind: 'cost', event, audited: false });
      },
    },
    '/api/v1/audit': {
      POST: async (call) => {
        const faults: Fault[] = [];
        const entry = parseAuditEntry(parseJson(await readBody(call.body, MAX_BODY)), { ...common(call), faults });
        rejectFaults(faults);
        if (entry === undefined) throw new OutriderError('internal', 'an audit entry without faults was not parsed');
        return write({ kind: 'audit', entry });
      },
    },
    '/api/v1/batch': {
      POST: async (call) => {
        const records = parseBatch(parseJson(await readBody(call.body, MAX_BATCH_BODY)));
        const outcomes = records.length === 0 ? [] : await append(records);
        const duplicates = outcomes.filter((outcome) => outcome.duplicate).length;
        return json(200, { accepted: records.length, recorded: records.length - duplicates, duplicates });
      },
    },
  });
}

function readRoutes({ read }: LedgerApiOptions): Routes {
  return routes({
    '/api/v1/costs': {
      GET: async (_call, search) => {
        const { rows, next_cursor } = await read.costs(parseCostsQuery(search));
        return json(200, { costs: rows, next_cursor: cursor(next_cursor) });
      },
    },
    '/api/v1/costs/summary': {
      GET: async (_call, search) => {
        const query = parseSummaryQuery(search);
        const { groups, total, truncated } = await read.summary(query);
        const list = groups.map((group) => `{"key":${JSON.stringify(group.key)},${sumsJson(group)}}`);
        return jsonText(
          `{"group_by":"${query.group}","groups":[${list.join(',')}],"total":{${sumsJson(total)}},"truncated":${truncated}}`,
        );
      },
    },
    '/api/v1/audit': {
      GET: async (_call, search) => {
        const { rows, next_cursor } = await read.audit(parseAuditQuery(search));
        return json(200, { audit: rows, next_cursor: cursor(next_cursor) });
      },
    },
    '/api/v1/audit/verify': { GET: async () => json(200, await read.verify()) },
  });
}

function parseBatch(body: unknown): LedgerRecord[] {
  const faults: Fault[] = [];
  const now = new Date().toISOString();
  const list = (name: 'costs' | 'audit'): unknown[] => {
    // Any value that is not null may be asked for a member.
    const value = (body as Record<string, unknown> | null)?.[name] ?? [];
    if (Array.isArray(value) && value.length <= MAX_BATCH_ROWS) return value;
    faults.push({ path: name, message: `expected an array of at most ${MAX_BATCH_ROWS} rows` });
    return [];
  };
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    rejectFaults([{ path: 'body', message: 'expected an object with costs and audit' }]);
  }
  const costs = list('costs').map((item, index) => parseLedgerCost(item, { now, faults, path: `costs[${index}]` }));
  const audit = list('audit').map((item, index) => parseAuditEntry(item, { now, faults, path: `audit[${index}]` }));
  rejectFaults(faults);
  return [
    ...costs.flatMap((event): LedgerRecord[] => (event === undefined ? [] : [{ kind: 'cost', event, audited: false }])),
    ...audit.flatMap((entry): LedgerRecord[] => (entry === undefined ? [] : [{ kind: 'audit', entry }])),
  ];
}

function common(call: Call): { now: string; idempotencyKey: string | undefined } {
  return { now: new Date().toISOString(), idempotencyKey: unquoteKey(getField(call.headers, 'idempotency-key')) };
}

/** Sums as JSON numbers with all their digits; beyond 2^53 a double could not carry them. */
function sumsJson(sums: CostSums): string {
  return (
    `"events":${sums.events},"input_tokens":${sums.input_tokens},"output_tokens":${sums.output_tokens},` +
    `"cached_input_tokens":${sums.cached_input_tokens},"cache_write_tokens":${sums.cache_write_tokens},` +
    `"reasoning_tokens":${sums.reasoning_tokens},"cost_usd":${nanosToDecimal(sums.cost_nanos)},` +
    `"unknown_cost_events":${sums.unknown_cost_events},"incomplete_events":${sums.incomplete_events}`
  );
}

/** Opaque to callers, so that it may one day be more than a number. */
function cursor(next: number | null): string | null {
  return next === null ? null : String(next);
}

function splitTarget(target: string): [string, string] {
  const mark = target.indexOf('?');
  return mark < 0 ? [target, ''] : [target.slice(0, mark), target.slice(mark + 1)];
}

function merge(a: Routes, b: Routes): Routes {
  const out = new Map(a);
  for (const [path, methods] of b) out.set(path, new Map([...(out.get(path) ?? []), ...methods]));
  return out;
}

/** Written as an object for the eye. */
function routes(table: Record<string, Record<string, Handler>>): Routes {
  return new Map(Object.entries(table).map(([path, methods]) => [path, new Map(Object.entries(methods))]));
}

function json(status: number, value: unknown): Reply {
  return { status, headers: ['Content-Type', 'application/json'], body: Buffer.from(JSON.stringify(value)) };
}

function jsonText(text: string): Reply {
  return { status: 200, headers: ['Content-Type', 'application/json'], body: Buffer.from(text) };
}
