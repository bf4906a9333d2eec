import { join } from 'node:path';
import type { Config } from '../config/load.ts';
import { LEDGER_FILE } from '../ledger/database.ts';
import { Outbox, type OutboxStatus } from '../ledger/outbox.ts';
import { type LedgerNotice, type LedgerStore, openLedgerStore, type StoreStatus } from '../ledger/store.ts';
import type { Log } from '../log.ts';
import { httpClient } from '../net/client.ts';
import { chooseDataDir } from './data-dir.ts';

export interface LocalLedger {
  readonly store: LedgerStore;
  status(): { store: StoreStatus; outbox: OutboxStatus | undefined };
  /** Ships what it can within `flushMs`; the rest stays on disk for the next start. */
  close(flushMs: number): Promise<void>;
}

/** Opens the local database, and the way to the ledger when one is configured. */
export async function openLocalLedger(config: Config, log: Log): Promise<LocalLedger> {
  const notice = ({ level, message, fields }: LedgerNotice): void => log[level](message, fields);
  const directory = await chooseDataDir(config.dataDirs);
  const store = await openLedgerStore({
    file: join(directory, LEDGER_FILE),
    maxBytes: config.outbox_max_bytes,
    notice,
  });
  const { ledger } = config;
  const client =
    ledger &&
    httpClient(ledger.url, {
      name: 'the ledger',
      connectTimeoutMs: 5_000,
      responseTimeoutMs: 15_000,
      idleTimeoutMs: 15_000,
    });
  const outbox =
    client &&
    new Outbox({ store, ledger: client.send, token: ledger?.token?.reveal(), retentionMs: config.retention, notice });
  outbox?.start();
  return {
    store,
    status: () => ({ store: store.status(), outbox: outbox?.status() }),
    async close(flushMs) {
      await outbox?.stop({ flushMs });
      await client?.close();
      await store.close();
    },
  };
}
