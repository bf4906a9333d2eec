import { Writable } from 'node:stream';
import { styleText } from 'node:util';
import { LineSplitter } from '../../../peers/line-splitter.ts';
import type { AgentOutput } from '../../../run/agent-process.ts';

type Terminal = NodeJS.WritableStream & { readonly isTTY?: boolean; getColorDepth?: () => number };

export interface NamedLinesOptions {
  readonly stdout: Terminal;
  readonly stderr: Terminal;
}

/** What several programs write, on one terminal: whole lines, each behind the name of who wrote it. */
export interface NamedLines {
  /** For the agent: its output goes to ours, its errors to our errors. */
  readonly agent: AgentOutput;
  /** For the sidecar's log, to our errors. */
  readonly log: Terminal;
  /** Settles when the agent has closed both of its streams. */
  readonly ended: Promise<void>;
}

/** Of a longer line the rest is left out: without an end to it, it would be held for ever. */
const LONGEST_LINE_BYTES = 64 * 1024;
const CUT = ' … (the rest of this line is left out)';
/** More than this is not to wait for a reader that is slow: then the agent waits too. */
const MOST_WAITING_BYTES = 2 ** 20;
const PAUSE_MS = 50;

const NAMES = { agent: 'cyan', outrider: 'magenta' } as const;
const WIDTH = Math.max(...Object.keys(NAMES).map((name) => name.length));

export function namedLines({ stdout, stderr }: NamedLinesOptions): NamedLines {
  // A terminal that is gone must not end the agent before its calls are finished.
  stderr.on('error', () => undefined);
  const out = lineSink('agent', stdout);
  const err = lineSink('agent', stderr);
  const sinks = { stdout: out, stderr: err };
  const ends = { stdout: Promise.withResolvers<void>(), stderr: Promise.withResolvers<void>() };
  return {
    agent: {
      push: (stream, chunk) => sinks[stream].push(chunk),
      end: (stream) => {
        sinks[stream].end();
        ends[stream].resolve();
      },
    },
    log: logStream(stderr),
    ended: Promise.all([ends.stdout.promise, ends.stderr.promise]).then(() => undefined),
  };
}

interface LineSink {
  /** Gives the milliseconds for which no more is to come. */
  push(chunk: Buffer): number;
  end(): void;
}

/** Each chunk's lines go out in one piece, so that no other line gets between the parts of one. */
function lineSink(name: keyof typeof NAMES, to: Terminal): LineSink {
  const prefix = Buffer.from(`${styleText(NAMES[name], `${name.padEnd(WIDTH)} |`, { stream: to })} `);
  const newline = Buffer.from('\n');
  const cutMark = Buffer.from(`${CUT}\n`);
  let lines: Buffer[] = [];
  const splitter = new LineSplitter(LONGEST_LINE_BYTES, (line, cut) =>
    lines.push(prefix, line, cut ? cutMark : newline),
  );
  const flush = (): void => {
    if (lines.length > 0) to.write(Buffer.concat(lines));
    lines = [];
  };
  return {
    push(chunk) {
      splitter.push(chunk);
      flush();
      return waiting(to) > MOST_WAITING_BYTES ? PAUSE_MS : 0;
    },
    end() {
      splitter.end();
      flush();
    },
  };
}

function waiting(stream: NodeJS.WritableStream): number {
  return 'writableLength' in stream ? Number(stream.writableLength) : 0;
}

/** Looks like the terminal behind it, so that what writes there colours as it would there. */
function logStream(to: Terminal): Terminal {
  const sink = lineSink('outrider', to);
  const stream: Writable & { isTTY?: boolean; getColorDepth?: () => number } = new Writable({
    write(chunk: Buffer, _encoding, done) {
      const pauseMs = sink.push(chunk);
      if (pauseMs === 0) done();
      else setTimeout(done, pauseMs).unref();
    },
  });
  if (to.isTTY === true) stream.isTTY = true;
  if (to.getColorDepth !== undefined) stream.getColorDepth = () => to.getColorDepth?.() ?? 1;
  return stream;
}
