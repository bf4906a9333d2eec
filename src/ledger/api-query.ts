import { type Fault, rejectFaults } from './fields.ts';
import { type AuditFilter, type CostFilter, GROUPS, type Group, type Paging } from './query.ts';
import { parseTimestamp } from './timestamp.ts';

export const COST_FILTERS = ['agent', 'agent_version', 'team', 'model', 'provider', 'trace_id', 'from', 'to'] as const;
export const AUDIT_FILTERS = ['event_type', 'actor', 'resource', 'from', 'to'] as const;
export const MAX_LIMIT = 1_000;
const DEFAULT_LIMIT = 100;

export interface CostsQuery {
  filter: CostFilter;
  page: Paging;
}

export interface SummaryQuery {
  filter: CostFilter;
  group: Group;
  limit: number;
}

export interface AuditQuery {
  filter: AuditFilter;
  page: Paging;
}

/** `GET /api/v1/costs?…`. All three throw `bad_request` that names every parameter that is unknown, repeated or wrong. */
export function parseCostsQuery(search: URLSearchParams): CostsQuery {
  const read = reader(search, [...COST_FILTERS, 'limit', 'cursor']);
  const query = { filter: costFilter(read), page: page(read) };
  rejectFaults(read.faults);
  return query;
}

/** `GET /api/v1/costs/summary?group_by=…`. */
export function parseSummaryQuery(search: URLSearchParams): SummaryQuery {
  const read = reader(search, [...COST_FILTERS, 'group_by', 'limit']);
  const group = read.text('group_by') ?? 'agent';
  if (!isGroup(group)) read.faults.push({ path: 'group_by', message: `expected one of ${GROUPS.join(', ')}` });
  const query = { filter: costFilter(read), group: isGroup(group) ? group : 'agent', limit: limit(read, MAX_LIMIT) };
  rejectFaults(read.faults);
  return query;
}

/** `GET /api/v1/audit?…`. */
export function parseAuditQuery(search: URLSearchParams): AuditQuery {
  const read = reader(search, [...AUDIT_FILTERS, 'limit', 'cursor']);
  const filter = {
    event_type: read.text('event_type'),
    actor: read.text('actor'),
    resource: read.text('resource'),
    from: read.time('from'),
    to: read.time('to'),
  };
  const query = { filter, page: page(read) };
  rejectFaults(read.faults);
  return query;
}

interface Reader {
  readonly faults: Fault[];
  text(name: string): string | undefined;
  time(name: string): string | undefined;
  integer(name: string, min: number, max: number): number | undefined;
}

function reader(search: URLSearchParams, known: readonly string[]): Reader {
  const faults: Fault[] = [];
  const names = [...search.keys()];
  for (const name of new Set(names)) {
    // What the caller sent as a name is not repeated to its full length.
    if (!known.includes(name)) faults.push({ path: name.slice(0, 64), message: 'unknown parameter' });
    else if (names.indexOf(name) !== names.lastIndexOf(name))
      faults.push({ path: name, message: 'given more than once' });
  }
  const text = (name: string): string | undefined => search.get(name) ?? undefined;
  return {
    faults,
    text,
    time(name) {
      const value = text(name);
      const time = value === undefined ? undefined : parseTimestamp(value);
      if (value !== undefined && time === undefined)
        faults.push({ path: name, message: 'expected an RFC 3339 timestamp' });
      return time;
    },
    integer(name, min, max) {
      const value = text(name);
      if (value === undefined) return undefined;
      const number = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
      if (number >= min && number <= max) return number;
      faults.push({ path: name, message: `expected a whole number from ${min} to ${max}` });
      return undefined;
    },
  };
}

function costFilter(read: Reader): CostFilter {
  return {
    agent: read.text('agent'),
    agent_version: read.text('agent_version'),
    team: read.text('team'),
    model: read.text('model'),
    provider: read.text('provider'),
    trace_id: read.text('trace_id'),
    from: read.time('from'),
    to: read.time('to'),
  };
}

function page(read: Reader): Paging {
  return { limit: limit(read, DEFAULT_LIMIT), cursor: read.integer('cursor', 1, Number.MAX_SAFE_INTEGER) };
}

function limit(read: Reader, otherwise: number): number {
  return read.integer('limit', 1, MAX_LIMIT) ?? otherwise;
}

function isGroup(name: string): name is Group {
  // `includes` asks for a Group; that is the question.
  return GROUPS.includes(name as Group);
}
