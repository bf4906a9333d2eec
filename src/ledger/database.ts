import type { DatabaseKind } from '../storage/sqlite.ts';
import { MIGRATIONS } from './migrations/index.ts';

/** Name of the database inside the data directory. */
export const LEDGER_FILE = 'ledger.db';

/** As messages name it. */
export const LEDGER_NAME = 'the ledger';

/** `application_id`: 'OUTR'. */
export const LEDGER: DatabaseKind = { name: 'ledger', applicationId: 0x4f555452, migrations: MIGRATIONS };
