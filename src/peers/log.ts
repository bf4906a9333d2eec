import type { Log } from '../log.ts';

/** What of the log is used in this folder. */
export type PeerLog = Pick<Log, 'info' | 'warn'>;
