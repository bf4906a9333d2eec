import type { Log } from '../log.ts';

/** What of the log is used in this folder. */
export type RunLog = Pick<Log, 'debug' | 'info' | 'warn'>;
