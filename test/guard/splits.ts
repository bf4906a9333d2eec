/**
 * What leaves a stream is what leaves the whole, at every place where a body of the corpus can be parted: bytes in two chunks,
 * a text in two events. `node test/guard/splits.ts` tries all of them, which takes minutes; the test a part of them.
 */
import { createEngine, type Engine } from '../../src/guardrails/engine.ts';
import { inspect } from '../../src/guardrails/inspect.ts';
import { inspectStream } from '../../src/guardrails/stream.ts';
import { Tally } from '../../src/guardrails/tally.ts';
import type { Entry } from './corpus/draft.ts';
import { loadCorpus } from './corpus/load.ts';

const SSE = 'text/event-stream';
const LIMIT = 2 ** 20;
/** Bytes of a body that is parted everywhere; of longer ones, the work would grow with the square. */
const MOST_BYTES = 2048;

export interface Splits {
  /** Places that were tried. */
  tried: number;
  /** Where it went wrong: which body, how it was parted, and where. */
  readonly faults: string[];
}

/** Every built-in rule is on, and redacts. */
export function trySplits(entries: readonly Entry[]): Splits {
  const engine = createEngine([
    { type: 'preset', name: 'pii_detection' },
    { type: 'preset', name: 'secrets' },
  ]);
  const splits: Splits = { tried: 0, faults: [] };
  for (const entry of entries) {
    tryChunks(engine, entry, splits);
    if (entry.content_type.startsWith('text/plain')) tryEvents(engine, entry, splits);
  }
  return splits;
}

function tryChunks(engine: Engine, { id, body, content_type: type }: Entry, splits: Splits): void {
  const bytes = Buffer.from(body);
  if (inspectStream(engine, type, new Tally(), { limit: LIMIT }) === undefined) return;
  const whole = inspect(engine, bytes, type);
  const isLeft = (chunks: readonly Uint8Array[]): boolean => {
    const tally = new Tally();
    const left = streamed(engine, type, chunks, tally);
    splits.tried++;
    return left.equals(whole.bytes) && JSON.stringify(tally.hits) === JSON.stringify(whole.hits);
  };
  if (!isLeft(Array.from(bytes, (byte) => Uint8Array.of(byte)))) splits.faults.push(`${id}: byte by byte`);
  if (bytes.length > MOST_BYTES) return;
  for (let at = 1; at < bytes.length; at++) {
    if (!isLeft([bytes.subarray(0, at), bytes.subarray(at)])) splits.faults.push(`${id}: in two chunks at ${at}`);
  }
}

/** As a model would stream the text. */
function tryEvents(engine: Engine, { id, body }: Entry, splits: Splits): void {
  const whole = contents(streamed(engine, SSE, [event(body)], new Tally()));
  for (let at = 1; at < body.length; at++) {
    // Half of a pair is a character by itself in an event.
    if (!body.slice(0, at).isWellFormed()) continue;
    splits.tried++;
    const left = streamed(engine, SSE, [event(body.slice(0, at)), event(body.slice(at))], new Tally());
    if (contents(left) !== whole) splits.faults.push(`${id}: in two events at ${at}`);
  }
}

function event(content: string): Buffer {
  return Buffer.from(`data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`);
}

function contents(events: Buffer): string {
  return Array.from(
    events.toString().matchAll(/^data: (.+)$/gm),
    ([, json]) => JSON.parse(json ?? '').choices[0].delta.content,
  ).join('');
}

function streamed(engine: Engine, type: string, chunks: readonly Uint8Array[], tally: Tally): Buffer {
  const stream = inspectStream(engine, type, tally, { limit: LIMIT });
  if (stream === undefined) throw new TypeError(`${type} does not stream`);
  return Buffer.concat([...chunks.map((chunk) => stream.push(chunk)), stream.end()]);
}

if (import.meta.main) {
  const { tried, faults } = trySplits(loadCorpus());
  for (const fault of faults) console.log(fault);
  console.log(`${tried} places, ${faults.length} faults`);
  process.exitCode = faults.length > 0 ? 1 : 0;
}
