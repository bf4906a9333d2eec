import { toOutriderError } from '../errors.ts';
import type { Unreadable } from '../guardrails/unreadable.ts';
import { COMPRESSED, EnvelopeReader, envelope, type Frame } from '../protocols/envelope.ts';
import type { Hold } from './body-budget.ts';
import { type Coding, decode } from './content-coding.ts';

/** What became of a message that was compressed. */
export interface Unpacked {
  /** As it came. */
  readonly bytes: Uint8Array;
  /** Why it could not be undone, if so: then it goes on as it is. */
  readonly fault?: Unreadable;
}

/** Undoes the compression of a message, within `limit` bytes and the bounds of content codings. */
export async function unpack(
  frame: Frame,
  coding: Coding | undefined,
  limit: number,
  hold: (bytes: number) => void,
): Promise<Uint8Array | Unreadable> {
  if (coding === undefined) return 'unknown_encoding';
  try {
    return await decode(frame.payload, [coding], limit, hold);
  } catch (thrown) {
    const { code } = toOutriderError(thrown);
    if (code === 'body_too_large') return 'too_large';
    if (code === 'bad_request') return 'malformed_encoding';
    throw thrown;
  }
}

export interface PlainFramesOptions {
  readonly coding: Coding | undefined;
  readonly limit: number;
  readonly unpacked: Map<number, Unpacked>;
  readonly hold: Hold;
}

/**
 * A stream of messages in their envelopes, none of them compressed. `unpacked` is told which were, by their place in the stream.
 * The source is asked for no more than is taken; `hold` counts what is there of a message at most.
 */
export function plainFrames(
  source: AsyncIterable<Uint8Array>,
  { coding, limit, unpacked, hold }: PlainFramesOptions,
): AsyncIterable<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]();
  const reader = new EnvelopeReader(limit);
  let place = 0;
  let isOver = false;
  let most = 0;
  const held = (size: number): void => {
    if (size <= most) return;
    hold.take(size - most);
    most = size;
  };
  const plain = async (frame: Frame): Promise<Uint8Array> => {
    const at = place++;
    if ((frame.flags & COMPRESSED) === 0) return frame.bytes;
    let size = frame.bytes.length;
    const payload = await unpack(frame, coding, limit, (more) => {
      size += more;
      held(size);
    });
    if (payload instanceof Uint8Array) {
      unpacked.set(at, { bytes: frame.bytes });
      return envelope(frame.flags & ~COMPRESSED, payload);
    }
    unpacked.set(at, { bytes: frame.bytes, fault: payload });
    return frame.bytes;
  };
  const next = async (): Promise<IteratorResult<Uint8Array, undefined>> => {
    for (;;) {
      const frame = isOver ? undefined : reader.next();
      // What comes after that cannot be told apart: whoever reads it says so.
      if (frame === 'too_large') isOver = true;
      else if (frame !== undefined) return { done: false, value: await plain(frame) };
      if (isOver && reader.size > 0) return { done: false, value: reader.takeRest() };
      const result = await iterator.next();
      if (result.done !== true) {
        reader.push(result.value);
        held(reader.size);
        continue;
      }
      if (reader.size === 0) return { done: true, value: undefined };
      isOver = true;
    }
  };
  return {
    [Symbol.asyncIterator]: () => ({
      next,
      async return() {
        await iterator.return?.();
        return { done: true, value: undefined };
      },
    }),
  };
}
