import { LEDGER } from './001-ledger.ts';
import { USAGE } from './002-usage.ts';

/** Schema changes in order; the database's `user_version` is the number of those it has. Never edit one that was released. */
export const MIGRATIONS: readonly string[] = [LEDGER, USAGE];
