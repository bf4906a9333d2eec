import { join } from 'node:path';
import { type HttpOptions, type HttpReply, http } from './http.ts';
import { command } from './outrider.ts';
import { Process } from './process.ts';
import type { Ends } from './temp.ts';

export const LEDGER_TOKEN = 'ledger-token-0123456789';

export interface Ledger {
  url: string;
  port: number;
  database: string;
  process: Process;
  /** A request with the ledger's token, unless `headers` bring another. */
  ask(path: string, options?: HttpOptions): Promise<HttpReply>;
}

/** `outrider ledger` as a process of its own; ended with the test. */
export async function ledgerFor(
  t: Ends,
  options: { directory: string; port?: number; env?: Record<string, string | undefined>; database?: string },
): Promise<Ledger> {
  const database = options.database ?? join(options.directory, 'ledger-server.db');
  const child = new Process(
    ...command('ledger', '--addr', `127.0.0.1:${options.port ?? 0}`, '--database', `sqlite:${database}`),
    { PATH: process.env['PATH'], OUTRIDER_LEDGER_TOKEN: LEDGER_TOKEN, ...options.env },
    options.directory,
  );
  t.after(() => child.stop());
  const port = await child.waitFor(
    (output) => /"the ledger listens","port":(\d+)/.exec(output)?.[1],
    'the ledger listening',
  );
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    port: Number(port),
    database,
    process: child,
    ask: (path, { headers, ...rest } = {}) =>
      http(url + path, { ...rest, headers: { Authorization: `Bearer ${LEDGER_TOKEN}`, ...headers } }),
  };
}
