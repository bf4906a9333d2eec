import { Command, Option } from 'commander';
import { GROUPS } from '../../ledger/query.ts';
import {
  addSourceOptions,
  allRows,
  type LedgerSource,
  openSource,
  parseLimit,
  parseMoment,
  type ReadCommandDeps,
  type SourceOptions,
} from './ledger-source.ts';
import { type Column, formatTable } from './table.ts';

interface CostsOptions extends SourceOptions {
  agent?: string;
  agentVersion?: string;
  team?: string;
  model?: string;
  provider?: string;
  trace?: string;
  since?: string;
  until?: string;
  groupBy?: string;
  limit: number;
  json?: boolean;
}

type Row = Record<string, unknown>;

/** `outrider costs`: cost events, or with `--group-by` their sums; a table on a terminal, JSON lines otherwise. */
export function costsCommand(deps: ReadCommandDeps): Command {
  return addSourceOptions(
    new Command('costs').description('show cost events, or sums of them, of a local or remote ledger'),
  )
    .option('--agent <name>', 'of this agent only')
    .option('--agent-version <version>', 'of this version only')
    .option('--team <name>', 'of this team only')
    .option('--model <name>', 'of this model only')
    .option('--provider <name>', 'of this provider only')
    .option('--trace <id>', 'of this trace only')
    .option('--since <when>', 'a date, a timestamp, or a span such as 24h or 7d', parseMoment)
    .option('--until <when>', 'the same; what happened at that moment is not shown', parseMoment)
    .addOption(new Option('--group-by <what>', 'sums instead of events').choices(GROUPS))
    .option('--limit <n>', 'at most so many rows', parseLimit, 100)
    .option('--json', 'JSON lines, also on a terminal')
    .action(async (options: CostsOptions) => {
      const source = await openSource(options, deps);
      try {
        await show(source, options, deps);
      } finally {
        await source.close();
      }
    });
}

async function show(source: LedgerSource, options: CostsOptions, deps: ReadCommandDeps): Promise<void> {
  const query = {
    agent: options.agent,
    agent_version: options.agentVersion,
    team: options.team,
    model: options.model,
    provider: options.provider,
    trace_id: options.trace,
    from: options.since,
    to: options.until,
  };
  const asJson = options.json === true || deps.stdout.isTTY !== true;
  if (options.groupBy === undefined) {
    const rows: Row[] = [];
    for await (const row of allRows(source, '/api/v1/costs', 'costs', query, options.limit)) {
      if (asJson) deps.stdout.write(`${JSON.stringify(row)}\n`);
      else rows.push(row);
    }
    if (!asJson) deps.stdout.write(formatTable(EVENT_COLUMNS, rows));
    return;
  }
  const limit = String(Math.min(options.limit, 1_000));
  // The summary of our own API, local or remote.
  const summary = (await source.get('/api/v1/costs/summary', { ...query, group_by: options.groupBy, limit })) as {
    groups: Row[];
    total: Row;
    truncated: boolean;
  };
  if (asJson) {
    for (const group of summary.groups) deps.stdout.write(`${JSON.stringify(group)}\n`);
    return;
  }
  const total = { ...summary.total, key: summary.truncated ? 'TOTAL (with groups not shown)' : 'TOTAL' };
  deps.stdout.write(
    formatTable([{ title: options.groupBy, value: (row) => row['key'] }, ...SUM_COLUMNS], [...summary.groups, total]),
  );
}

const EVENT_COLUMNS: readonly Column<Row>[] = [
  { title: 'time', value: (row) => row['occurred_at'] },
  { title: 'agent', value: (row) => row['agent'] },
  { title: 'team', value: (row) => row['team'] },
  { title: 'model', value: (row) => row['model'] },
  { title: 'in', value: (row) => row['input_tokens'], numeric: true },
  { title: 'out', value: (row) => row['output_tokens'], numeric: true },
  { title: 'usd', value: (row) => usd(row['cost_usd']), numeric: true },
  { title: 'trace', value: (row) => row['trace_id'] },
];

const SUM_COLUMNS: readonly Column<Row>[] = [
  { title: 'events', value: (row) => row['events'], numeric: true },
  { title: 'in', value: (row) => row['input_tokens'], numeric: true },
  { title: 'out', value: (row) => row['output_tokens'], numeric: true },
  { title: 'usd', value: (row) => usd(row['cost_usd']), numeric: true },
  { title: 'unpriced', value: (row) => row['unknown_cost_events'], numeric: true },
];

/** Without an exponent, and no fewer than four digits behind the point, so that the points of a column stand together. */
function usd(value: unknown): string {
  if (typeof value !== 'number') return '?';
  return value.toFixed(9).replace(/0{1,5}$/, '');
}
