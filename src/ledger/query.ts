import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { CostEvent } from './port.ts';
import { type AuditRecord, COST_COLUMNS, costBody } from './records.ts';

/** Columns by which costs can be grouped; `day` is the UTC date of `occurred_at`. */
export const GROUPS = ['agent', 'agent_version', 'team', 'model', 'provider', 'day'] as const;
export type Group = (typeof GROUPS)[number];

/** Equal to these, and `from <= time < to` (RFC 3339, UTC, milliseconds). */
export interface CostFilter {
  agent?: string | undefined;
  agent_version?: string | undefined;
  team?: string | undefined;
  model?: string | undefined;
  provider?: string | undefined;
  trace_id?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
}

export interface AuditFilter {
  event_type?: string | undefined;
  actor?: string | undefined;
  resource?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
}

/** Newest first; `cursor` is the `next_cursor` of the page before. */
export interface Paging {
  limit: number;
  cursor?: number | undefined;
}

export interface Page<T> {
  rows: T[];
  /** Null on the last page. */
  next_cursor: number | null;
}

export interface CostSums {
  events: bigint;
  input_tokens: bigint;
  output_tokens: bigint;
  /** Of the events that told them apart. */
  cached_input_tokens: bigint;
  cache_write_tokens: bigint;
  reasoning_tokens: bigint;
  /** Of the events whose price is known. */
  cost_nanos: bigint;
  unknown_cost_events: bigint;
  /** Events whose tokens are a lower bound, or not known. */
  incomplete_events: bigint;
}

export interface CostSummary {
  /** Dearest first, days in their order; `key` is null where the events say nothing. */
  groups: (CostSums & { key: string | null })[];
  total: CostSums;
  /** True when there are more groups than asked for; the total still counts them. */
  truncated: boolean;
}

type CostColumns = CostEvent & { id: number; recorded_at: string };
type AuditRow = AuditRecord & { id: number; recorded_at: string; hash: Uint8Array };

export function listCosts(db: DatabaseSync, { filter, page }: { filter: CostFilter; page: Paging }): Page<object> {
  const { where, values } = conditions(filter, 'occurred_at', 'id', page);
  const rows = db
    .prepare(`SELECT id, ${COST_COLUMNS}, recorded_at FROM costs ${where} ORDER BY id DESC LIMIT ?`)
    // The table is STRICT; the columns are those of the type, the integers below 2^53.
    .all(...values, page.limit) as unknown as CostColumns[];
  return paged(rows, page, ({ id: _id, recorded_at, ...event }) => ({ ...costBody(event), recorded_at }));
}

export function listAudit(db: DatabaseSync, { filter, page }: { filter: AuditFilter; page: Paging }): Page<object> {
  const { where, values } = conditions(filter, 'timestamp', 'seq', page);
  const rows = db
    .prepare(
      `SELECT seq AS id, event_id, event_type, actor, resource, metadata, timestamp, recorded_at, hash
         FROM audit_log ${where} ORDER BY seq DESC LIMIT ?`,
    )
    // As above.
    .all(...values, page.limit) as unknown as AuditRow[];
  return paged(rows, page, ({ id, metadata, hash, ...row }) => ({
    seq: id,
    ...row,
    metadata: JSON.parse(metadata) as unknown,
    hash: Buffer.from(hash).toString('hex'),
  }));
}

export function summarizeCosts(
  db: DatabaseSync,
  { filter, group, limit }: { filter: CostFilter; group: Group; limit: number },
): CostSummary {
  const { where, values } = conditions(filter, 'occurred_at', 'id');
  const key = group === 'day' ? 'substr(occurred_at, 1, 10)' : group;
  const order = group === 'day' ? 'key' : 'cost_high DESC, cost_low DESC, events DESC, key';
  const read = (sql: string, ...more: SQLInputValue[]): Record<string, unknown>[] => {
    const statement = db.prepare(sql);
    statement.setReadBigInts(true);
    return statement.all(...values, ...more);
  };
  const groups = read(
    `SELECT ${key} AS key, ${SUMS} FROM costs ${where} GROUP BY key ORDER BY ${order} LIMIT ?`,
    limit + 1,
  );
  const [total] = read(`SELECT ${SUMS} FROM costs ${where}`);
  return {
    // Grouped columns are TEXT.
    groups: groups.slice(0, limit).map((row) => Object.assign(sums(row), { key: row['key'] as string | null })),
    total: sums(total ?? {}),
    truncated: groups.length > limit,
  };
}

/**
 * SQLite's sum() fails beyond 2^63, which some thousand of the largest allowed prices reach. Halves of 32 bits cannot get there.
 * Both halves are normalised, so that they can be ordered by.
 */
const SUMS = `count(*) AS events, count(*) - count(cost_nanos) AS unknown_cost_events,
  coalesce(sum(usage IN ('partial', 'unknown')), 0) AS incomplete_events,
  ${halves('input_tokens', 'input')}, ${halves('output_tokens', 'output')}, ${halves('cost_nanos', 'cost')},
  ${halves('cached_input_tokens', 'cached')}, ${halves('cache_write_tokens', 'written')},
  ${halves('reasoning_tokens', 'reasoning')}`;

function halves(column: string, name: string): string {
  const low = `coalesce(sum(${column} & 4294967295), 0)`;
  return `coalesce(sum(${column} >> 32), 0) + (${low} >> 32) AS ${name}_high, ${low} & 4294967295 AS ${name}_low`;
}

function sums(row: Record<string, unknown>): CostSums {
  // Read with setReadBigInts, from counts and coalesced sums.
  const integer = (name: string): bigint => (row[name] as bigint | undefined) ?? 0n;
  const whole = (name: string): bigint => (integer(`${name}_high`) << 32n) + integer(`${name}_low`);
  return {
    events: integer('events'),
    input_tokens: whole('input'),
    output_tokens: whole('output'),
    cached_input_tokens: whole('cached'),
    cache_write_tokens: whole('written'),
    reasoning_tokens: whole('reasoning'),
    cost_nanos: whole('cost'),
    unknown_cost_events: integer('unknown_cost_events'),
    incomplete_events: integer('incomplete_events'),
  };
}

/** Column names come from the interfaces above, never from a caller. */
function conditions(
  { from, to, ...equal }: CostFilter | AuditFilter,
  time: string,
  id: string,
  page?: Paging,
): { where: string; values: SQLInputValue[] } {
  const terms: string[] = [];
  const values: SQLInputValue[] = [];
  const add = (term: string, value: SQLInputValue | undefined): void => {
    if (value === undefined) return;
    terms.push(term);
    values.push(value);
  };
  for (const [column, value] of Object.entries(equal)) add(`${column} = ?`, value);
  add(`${time} >= ?`, from);
  add(`${time} < ?`, to);
  add(`${id} < ?`, page?.cursor);
  return { where: terms.length === 0 ? '' : `WHERE ${terms.join(' AND ')}`, values };
}

function paged<R extends { id: number }>(rows: R[], page: Paging, convert: (row: R) => object): Page<object> {
  const last = rows.length === page.limit ? rows.at(-1) : undefined;
  return { rows: rows.map(convert), next_cursor: last?.id ?? null };
}
