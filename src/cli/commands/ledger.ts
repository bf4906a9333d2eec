import { Command } from 'commander';
import type { Service } from '../../call.ts';
import { isSwitchedOn, readVariable } from '../../config/environment.ts';
import type { Environment } from '../../environment.ts';
import { createLedgerApi } from '../../ledger/api.ts';
import { openLedgerStore } from '../../ledger/store.ts';
import type { LedgerNotice } from '../../ledger/tally.ts';
import { TokenSet } from '../../tokens.ts';
import { databaseFile } from './ledger-source.ts';

export interface LedgerCommandDeps {
  readonly env: Environment;
  readonly version: string;
  /** Serves on `HOST:PORT`; errors that the service throws become problem replies. `close` waits for requests in flight. */
  readonly listen: (service: Service, address: string) => Promise<{ port: number; close(): Promise<void> }>;
  /** Resolves when the process is asked to end (SIGINT, SIGTERM). */
  readonly untilStopped: () => Promise<void>;
  readonly log: (notice: LedgerNotice) => void;
}

/** `outrider ledger`: the costs and audit tables and the API over them, for any number of sidecars. */
export function ledgerCommand(deps: LedgerCommandDeps): Command {
  return new Command('ledger')
    .description('serve the ledger: costs and audit log of any number of sidecars, over HTTP')
    .option('--addr <host:port>', 'where to listen', '127.0.0.1:8090')
    .option('--database <url>', 'sqlite:FILE', 'sqlite:.outrider/ledger-server.db')
    .addHelpText(
      'after',
      '\nBearer tokens come from OUTRIDER_LEDGER_TOKEN (or AGENTBREEDER_API_TOKEN), several separated by commas.\n' +
        'Without one the ledger does not start, unless OUTRIDER_ALLOW_NO_AUTH=1.',
    )
    .action(async (options: { addr: string; database: string }, command: Command) => {
      const tokens = tokensOf(deps.env);
      if (tokens.length === 0 && !isSwitchedOn(deps.env, 'OUTRIDER_ALLOW_NO_AUTH')) {
        command.error('error: no token: set OUTRIDER_LEDGER_TOKEN, or OUTRIDER_ALLOW_NO_AUTH=1 to let everyone in');
      }
      const store = await openLedgerStore({ file: databaseFile(options.database), notice: deps.log });
      try {
        const api = createLedgerApi({
          read: store.read,
          append: (records) => store.append(records),
          healthy: () => store.status().writable,
          authorize: authorizeBy(tokens),
          version: deps.version,
        });
        const server = await deps.listen(api, options.addr);
        if (tokens.length === 0) {
          deps.log({ level: 'warn', message: 'no token is configured: everyone may read and write this ledger' });
        }
        deps.log({ level: 'info', message: 'the ledger listens', fields: { port: server.port } });
        await deps.untilStopped();
        await server.close();
      } finally {
        await store.close();
      }
    });
}

function authorizeBy(tokens: readonly string[]): (authorization: string | undefined) => boolean {
  if (tokens.length === 0) return () => true;
  const set = new TokenSet(tokens.map((token, index) => ({ name: `token-${index + 1}`, token })));
  return (authorization) => set.nameOf(authorization) !== undefined;
}

function tokensOf(env: Environment): string[] {
  const text = readVariable(env, 'OUTRIDER_LEDGER_TOKEN')?.value ?? '';
  return text
    .split(',')
    .map((token) => token.trim())
    .filter((token) => token !== '');
}
