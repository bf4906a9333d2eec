import { parseAddress } from '../address.ts';
import type { InboundCall, Service } from '../call.ts';
import { OutriderError } from '../errors.ts';
import { rescue } from '../layers/rescue.ts';
import { type HttpClient, httpClient } from '../net/client.ts';
import { drained } from '../net/drained.ts';
import { listen } from '../net/server.ts';
import { Stack } from '../stack.ts';
import { createLog } from '../telemetry/log.ts';
import type { CallDeps } from './commands/call.ts';
import type { LedgerCommandDeps } from './commands/ledger.ts';
import type { ReadCommandDeps } from './commands/ledger-source.ts';
import { VERSION } from './version.ts';

const TIMEOUT_MS = 30_000;

/** What the commands that read a ledger need of the world. */
export function readDeps(): ReadCommandDeps {
  return {
    env: process.env,
    version: VERSION,
    httpClient: (url): HttpClient =>
      httpClient(url, {
        name: 'the ledger',
        connectTimeoutMs: 5_000,
        responseTimeoutMs: TIMEOUT_MS,
        idleTimeoutMs: TIMEOUT_MS,
      }),
    stdout: process.stdout,
    setExitCode: (code) => {
      process.exitCode = code;
    },
  };
}

/** What `outrider call` needs of the world. */
export function callDeps(): CallDeps {
  const interrupt = new AbortController();
  // Once: a second one ends the process by itself.
  process.once('SIGINT', () => interrupt.abort());
  return {
    env: process.env,
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    interrupted: interrupt.signal,
    setExitCode: (code) => {
      process.exitCode = code;
    },
  };
}

/** What `outrider ledger` needs of the world. */
export function ledgerDeps(): LedgerCommandDeps {
  const log = createLog({ level: 'info', format: 'auto', stream: process.stderr });
  return {
    env: process.env,
    version: VERSION,
    log: ({ level, message, fields }) => log[level](message, fields),
    untilStopped: () =>
      new Promise((resolve) => {
        for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
      }),
    listen: (service, address) => serveLedger(service, address),
  };
}

/** How long requests in flight may take to finish once the process was told to stop. */
const DRAIN_MS = 5_000;

async function serveLedger(service: Service, text: string): Promise<{ port: number; close(): Promise<void> }> {
  const address = parseAddress(text);
  if (address === undefined) throw new OutriderError('bad_request', `--addr: expected HOST:PORT, not ${text}`);
  const listener = await listen(Stack.empty<InboundCall>().add(rescue()).serve(service), address, {
    name: 'ledger, --addr',
    maxHeaderBytes: 16_384,
    headerTimeoutMs: 10_000,
    idleTimeoutMs: 60_000,
  });
  return {
    port: listener.port,
    async close() {
      await drained(listener, DRAIN_MS);
      await listener.close();
    },
  };
}
