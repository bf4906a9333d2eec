/** What the program says to its operator. Adapter: `telemetry/log.ts`. */

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Named facts beside a message. Never bodies, never secrets, never text that a guardrail matched. */
export type LogFields = Readonly<Record<string, unknown>>;

export interface Log {
  /** Whether lines of this severity go anywhere; asked before something costly is put together. */
  enabled(level: LogLevel): boolean;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A log that puts these fields into each of its lines. */
  child(fields: LogFields): Log;
}
