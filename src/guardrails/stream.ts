import type { Engine } from './engine.ts';
import { EventStream } from './event-stream.ts';
import { parseMediaType } from './media.ts';
import type { Steps } from './steps.ts';
import type { Tally } from './tally.ts';
import { TextStream } from './text-stream.ts';
import type { Unreadable } from './unreadable.ts';

/**
 * Inspects one body in UTF-8 while it streams. What leaves does not depend on how it is cut into chunks. What was found, and
 * whether a rule has blocked, is in the tally; after a block nothing more is given.
 */
export interface StreamInspector {
  /** Takes the next bytes; gives those that may leave now, often none. */
  push(chunk: Uint8Array): Uint8Array;
  /** The same, which may take long: for chunks of any size. Nothing else is to be called before the last step. */
  pushInSteps(chunk: Uint8Array): Steps<Uint8Array>;
  /** The body is over: gives what was left. */
  end(): Uint8Array;
  /** The same, which may take long when much was held back. */
  endInSteps(): Steps<Uint8Array>;
  /** Gives what is held back of texts that have not gone on since `before`, where that gives little away. Default: of all. */
  release(before?: number): Uint8Array;
  /** How far the stream has come: a number for `release`. */
  readonly mark: number;
  /** Whether anything is held back. */
  readonly holds: boolean;
  /** What could not be read so far. `too_large`: more would have to be held back than the limit; nothing more is given. */
  readonly unreadable: Unreadable | undefined;
}

export interface StreamOptions {
  /** Bytes that may be held back. */
  readonly limit: number;
}

/** For a body of this type; undefined when it has to be read whole. */
export function inspectStream(
  engine: Engine,
  contentType: string | undefined,
  tally: Tally,
  options: StreamOptions,
): StreamInspector | undefined {
  const { reader, events, charset } = parseMediaType(contentType);
  if (charset !== undefined && !/^(utf-?8|us-ascii|ascii)$/.test(charset)) return undefined;
  if (events !== undefined) return new EventStream(engine, tally, { ...options, lines: events });
  return reader === 'text' || reader === 'sniff' ? new TextStream(engine, tally, options) : undefined;
}
