import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { readBody } from '../../body.ts';
import type { Service } from '../../call.ts';
import { findDataDirs } from '../../config/data-dirs.ts';
import { readVariable } from '../../config/environment.ts';
import type { Environment } from '../../environment.ts';
import { OutriderError } from '../../errors.ts';
import { createLedgerApi } from '../../ledger/api.ts';
import { LEDGER_FILE } from '../../ledger/database.ts';
import { type LedgerReader, openReader } from '../../ledger/reader.ts';
import { parseTimestamp } from '../../ledger/timestamp.ts';

/** What `outrider costs` and `outrider audit` need of the world. */
export interface ReadCommandDeps {
  readonly env: Environment;
  readonly version: string;
  /** Reaches the server of this URL; a path in it is put before every target. */
  readonly httpClient: (url: string) => { readonly send: Service; close(): Promise<void> };
  readonly stdout: { write(text: string): unknown; readonly isTTY?: boolean };
  readonly setExitCode: (code: number) => void;
}

/** Where the ledger is, as the options say it. */
export interface SourceOptions {
  url?: string;
  database?: string;
  dataDir?: string;
  config?: string;
}

const MAX_REPLY = 64 * 2 ** 20;

export function addSourceOptions(command: Command): Command {
  return command
    .option('--url <url>', 'a remote ledger; its token comes from OUTRIDER_LEDGER_TOKEN')
    .option('--database <url>', 'a local ledger: sqlite:FILE')
    .option('--config <file>', "the sidecar's configuration file, for its data directory")
    .option('--data-dir <dir>', "a sidecar's data directory (default: OUTRIDER_DATA_DIR, or where a sidecar keeps it)");
}

/** The file of `sqlite:FILE`. */
export function databaseFile(url: string): string {
  const file = /^sqlite:(?:\/\/(?=\/))?(.+)$/s.exec(url)?.[1];
  if (file === undefined) throw new OutriderError('bad_request', 'expected a database such as sqlite:FILE');
  return file;
}

export interface LedgerSource {
  /** The JSON document at this path. Throws with the ledger's own message when it refuses. */
  get(path: string, query?: Record<string, string | undefined>): Promise<unknown>;
  /** For what only a local database can be asked. */
  readonly reader: LedgerReader | undefined;
  close(): Promise<void>;
}

/** Opens the ledger that the options name; a local one is asked through the same API as a remote one. */
export async function openSource(options: SourceOptions, deps: ReadCommandDeps): Promise<LedgerSource> {
  if (options.url !== undefined) {
    const token = readVariable(deps.env, 'OUTRIDER_LEDGER_TOKEN')?.value;
    const headers = ['Accept', 'application/json', ...(token ? ['Authorization', `Bearer ${token}`] : [])];
    const client = deps.httpClient(options.url);
    return { reader: undefined, get: getter(client.send, headers), close: () => client.close() };
  }
  const reader = openReader(await localFile(options, deps.env));
  const service = createLedgerApi({ read: reader, authorize: () => true, version: deps.version });
  return { reader, get: getter(service, []), close: () => reader.close() };
}

async function localFile(options: SourceOptions, env: Environment): Promise<string> {
  if (options.database !== undefined) return databaseFile(options.database);
  if (options.dataDir !== undefined) return join(options.dataDir, LEDGER_FILE);
  const files = (await findDataDirs(env, options.config)).map((directory) => join(directory, LEDGER_FILE));
  const found = files.find((file) => existsSync(file));
  if (found === undefined) {
    throw new OutriderError(
      'not_found',
      `there is no ledger at ${files.join(' or ')}; use --data-dir, --database or --url`,
    );
  }
  return found;
}

function getter(service: Service, headers: string[]): LedgerSource['get'] {
  return async (path, query = {}) => {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, value);
    const target = `${path}${search.size > 0 ? `?${search.toString()}` : ''}`;
    const reply = await service({ method: 'GET', target, headers, body: null, signal: new AbortController().signal });
    const text = Buffer.from(await readBody(reply.body, MAX_REPLY)).toString();
    if (reply.status === 200) return JSON.parse(text) as unknown;
    throw new OutriderError('unreachable', `the ledger answered ${reply.status}${detailOf(text)}`);
  };
}

function detailOf(text: string): string {
  try {
    const { detail } = JSON.parse(text) as { detail?: unknown };
    return typeof detail === 'string' ? `: ${detail.replaceAll(/\p{Cc}/gu, ' ').slice(0, 300)}` : '';
  } catch {
    return '';
  }
}

/** A moment on the command line: RFC 3339, a date, or a span before now such as `24h`, `7d` or `30m`. */
export function parseMoment(text: string): string {
  const span = /^(\d{1,6})([mhd])$/.exec(text);
  if (span !== null) {
    const ms = { m: 60_000, h: 3_600_000, d: 86_400_000 }[span[2] as 'm' | 'h' | 'd'];
    return new Date(Date.now() - Number(span[1]) * ms).toISOString();
  }
  const moment = parseTimestamp(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text);
  if (moment === undefined)
    throw new InvalidArgumentError('expected 2026-01-31, an RFC 3339 timestamp, or 24h, 7d, 30m');
  return moment;
}

export function parseLimit(text: string): number {
  const limit = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (limit < 1) throw new InvalidArgumentError('expected a whole number from 1');
  return limit;
}

/** At most `limit` rows of a paged list, newest first. `name` is the member that holds them. */
export async function* allRows(
  source: LedgerSource,
  path: string,
  name: string,
  query: Record<string, string | undefined>,
  limit: number,
): AsyncGenerator<Record<string, unknown>> {
  let cursor: string | undefined;
  let left = limit;
  while (left > 0) {
    // The ledger's API answers an object with a list and a cursor; anything else ends here.
    const page = (await source.get(path, { ...query, cursor, limit: String(Math.min(left, 1_000)) })) as Record<
      string,
      unknown
    >;
    const rows = page[name];
    if (!Array.isArray(rows)) throw new OutriderError('unreachable', 'this does not answer like a ledger');
    yield* rows as Record<string, unknown>[];
    left -= rows.length;
    if (typeof page['next_cursor'] !== 'string' || rows.length === 0) return;
    cursor = page['next_cursor'];
  }
}
