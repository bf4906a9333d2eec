import type { Log, LogFields, LogLevel } from '../log.ts';
import { cleanRecord, cleanText } from './clean.ts';
import { prettyLine } from './pretty.ts';

const SEVERITY: Record<LogLevel, number> = { debug: 10, info: 20, warn: 30, error: 40 };

/** What may wait in memory for a reader that has stopped reading. */
const MAX_WAITING_BYTES = 2 ** 20;

export interface LogOptions {
  level: LogLevel;
  /** `auto`: pretty when the stream is a terminal, JSON lines otherwise. */
  format: 'auto' | 'json' | 'pretty';
  /** Usually `process.stderr`. It may close or stop reading: then lines are lost, and nothing else. */
  stream: NodeJS.WritableStream & { isTTY?: boolean; writableLength?: number };
  now?: () => Date;
}

/** One entry, before it is written as JSON or for people. */
export interface LogLine {
  readonly time: string;
  readonly level: LogLevel;
  readonly msg: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/**
 * A log of lines: `{"time":ISO 8601,"level","msg",…fields}`. Secrets are taken out of every field, by name and by look.
 * Written by hand: every value has to be cleaned first, and after that one `JSON.stringify` is all that a library would add.
 */
export function createLog({ level, format, stream, now = () => new Date() }: LogOptions): Log {
  const pretty = format === 'pretty' || (format === 'auto' && stream.isTTY === true);
  const least = SEVERITY[level];
  let lost = 0;
  // Without a listener a reader that has gone away would end the process.
  stream.on('error', () => {});

  const put = (line: LogLine): void => {
    stream.write(pretty ? prettyLine(line, stream) : jsonLine(line));
  };
  const write = (level: LogLevel, message: string, fields: Readonly<Record<string, unknown>>): void => {
    if ((stream.writableLength ?? 0) > MAX_WAITING_BYTES) {
      lost++;
      return;
    }
    const time = now().toISOString();
    if (lost > 0) {
      put({ time, level: 'warn', msg: 'log lines were lost, because nobody read them', fields: { count: lost } });
      lost = 0;
    }
    put({ time, level, msg: cleanText(message), fields });
  };

  const logWith = (inherited: Readonly<Record<string, unknown>>): Log => {
    const at =
      (level: LogLevel) =>
      (message: string, fields?: LogFields): void => {
        if (SEVERITY[level] < least) return;
        write(level, message, fields === undefined ? inherited : { ...inherited, ...cleanRecord(fields) });
      };
    return {
      enabled: (level) => SEVERITY[level] >= least,
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      child: (fields) => logWith({ ...inherited, ...cleanRecord(fields) }),
    };
  };
  return logWith({});
}

/** Holds the first three places; no field can take the place of these. */
const FRONT = { time: '', level: '', msg: '' };

function jsonLine({ time, level, msg, fields }: LogLine): string {
  return `${JSON.stringify({ ...FRONT, ...fields, time, level, msg })}\n`;
}
