import { Command, InvalidArgumentError } from 'commander';
import { OutriderError } from '../../errors.ts';
import type { Checkpoint, Verification } from '../../ledger/verify.ts';
import {
  addSourceOptions,
  allRows,
  openSource,
  parseLimit,
  parseMoment,
  type ReadCommandDeps,
  type SourceOptions,
} from './ledger-source.ts';
import { type Column, formatTable } from './table.ts';

interface AuditOptions extends SourceOptions {
  type?: string;
  agent?: string;
  resource?: string;
  since?: string;
  until?: string;
  limit: number;
  json?: boolean;
}

interface VerifyOptions extends SourceOptions {
  head?: Checkpoint;
  json?: boolean;
}

type Row = Record<string, unknown>;

/** `outrider audit`: the audit log, newest first; `outrider audit verify`: is it whole? */
export function auditCommand(deps: ReadCommandDeps): Command {
  return addSourceOptions(new Command('audit').description('show the audit log of a local or remote ledger'))
    .option('--type <event_type>', 'of this type only, such as cost.recorded')
    .option('--agent <actor>', 'by this actor only')
    .option('--resource <name>', 'about this resource only')
    .option('--since <when>', 'a date, a timestamp, or a span such as 24h or 7d', parseMoment)
    .option('--until <when>', 'the same; what happened at that moment is not shown', parseMoment)
    .option('--limit <n>', 'at most so many rows', parseLimit, 100)
    .option('--json', 'JSON lines, also on a terminal')
    .addCommand(verifyCommand(deps))
    .action(async (options: AuditOptions) => {
      const source = await openSource(options, deps);
      const asJson = options.json === true || deps.stdout.isTTY !== true;
      try {
        const query = {
          event_type: options.type,
          actor: options.agent,
          resource: options.resource,
          from: options.since,
          to: options.until,
        };
        const rows: Row[] = [];
        for await (const row of allRows(source, '/api/v1/audit', 'audit', query, options.limit)) {
          if (asJson) deps.stdout.write(`${JSON.stringify(row)}\n`);
          else rows.push(row);
        }
        if (!asJson) deps.stdout.write(formatTable(COLUMNS, rows));
      } finally {
        await source.close();
      }
    });
}

function verifyCommand(deps: ReadCommandDeps): Command {
  return addSourceOptions(
    new Command('verify').description('check that no row of the audit log was changed or removed; exits 1 if one was'),
  )
    .option('--head <seq:hash>', 'a head noted earlier, which must still be part of the log; local only', parseHead)
    .option('--json', 'the result as JSON')
    .action(async (_own: VerifyOptions, command: Command) => {
      // Options that the parent has too may stand before `verify` as well.
      const options: VerifyOptions = command.optsWithGlobals();
      if (options.head !== undefined && options.url !== undefined) {
        command.error('error: --head needs a local database');
      }
      const source = await openSource(options, deps);
      try {
        const result =
          source.reader === undefined
            ? await source.get('/api/v1/audit/verify')
            : await source.reader.verify(options.head);
        if (!isVerification(result)) throw new OutriderError('unreachable', 'this does not answer like a ledger');
        deps.stdout.write(options.json === true ? `${JSON.stringify(result)}\n` : `${describe(result)}\n`);
        deps.setExitCode(result.ok ? 0 : 1);
      } finally {
        await source.close();
      }
    });
}

function describe(result: Verification): string {
  if (!result.ok) return `audit log is NOT intact: ${result.message}`;
  const pruned = result.pruned > 0 ? ` (${result.pruned} older ones removed by retention)` : '';
  return `audit log is intact: ${result.rows} rows checked${pruned}\nhead ${result.head.seq}:${result.head.hash}`;
}

function isVerification(value: unknown): value is Verification {
  return typeof value === 'object' && value !== null && 'ok' in value && typeof value.ok === 'boolean';
}

function parseHead(text: string): Checkpoint {
  const match = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text);
  if (match === null) throw new InvalidArgumentError('expected SEQ:HASH as verify prints it');
  return { seq: Number(match[1]), hash: match[2] ?? '' };
}

const COLUMNS: readonly Column<Row>[] = [
  { title: 'seq', value: (row) => row['seq'], numeric: true },
  { title: 'time', value: (row) => row['timestamp'] },
  { title: 'type', value: (row) => row['event_type'] },
  { title: 'actor', value: (row) => row['actor'] },
  { title: 'resource', value: (row) => row['resource'] },
  { title: 'metadata', value: (row) => row['metadata'] },
];
