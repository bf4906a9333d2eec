import { Writable } from 'node:stream';
import type { Log, LogLevel } from '../../src/log.ts';
import { createLog } from '../../src/telemetry/log.ts';

export type Line = Record<string, unknown> & { time: string; level: string; msg: string };

/** A real log whose JSON lines are kept. */
export function logLines(level: LogLevel = 'debug'): { log: Log; lines: Line[]; text: () => string } {
  const lines: Line[] = [];
  let text = '';
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      for (const line of chunk.toString().split('\n')) {
        // What the log writes is what is under test; a line that is no such object fails the assertion that reads it.
        if (line !== '') lines.push(JSON.parse(line) as Line);
      }
      done();
    },
  });
  return { log: createLog({ level, format: 'json', stream }), lines, text: () => text };
}
