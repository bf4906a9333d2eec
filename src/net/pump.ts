import { once } from 'node:events';
import type { Writable } from 'node:stream';

/**
 * Writes a stream of bytes and waits whenever the sink is full. Does not end the sink. Rejects when the source fails or
 * the sink is closed, after giving up the source.
 */
export async function pump(source: AsyncIterable<Uint8Array>, sink: Writable): Promise<void> {
  for await (const chunk of source) {
    if (sink.destroyed || sink.closed) throw new Error('the receiver has left');
    if (!sink.write(chunk)) await drained(sink);
  }
}

async function drained(sink: Writable): Promise<void> {
  const giveUp = new AbortController();
  const closed = (): void => giveUp.abort(new Error('the receiver has left'));
  sink.once('close', closed);
  try {
    await once(sink, 'drain', { signal: giveUp.signal });
  } finally {
    sink.off('close', closed);
  }
}
