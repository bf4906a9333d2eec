import { AgentError } from '../contract/agent-error.ts';
import { ENVELOPE_HEAD as HEAD } from '../protocols/envelope.ts';

/** Takes bytes that may be split anywhere, and gives the messages that each piece completes. */
export interface FrameReader {
  /** Throws `unreadable` for what is larger than the limit, or compressed, which nobody has asked for. */
  push(chunk: Uint8Array): Uint8Array[];
  /** Whether a message has begun that is not whole. */
  readonly partial: boolean;
}

export function frameReader(limit: number): FrameReader {
  let held: Uint8Array = EMPTY;
  /** Of `held`, the bytes that have come; it may have room for more. */
  let size = 0;
  let hasRoom = false;
  // Until the head of a message is there, its own length is all that is wanted.
  let wanted = HEAD;

  const joined = (chunk: Uint8Array): Uint8Array => {
    if (size === 0) return chunk;
    const all = size + chunk.length;
    if (!hasRoom || held.length < all) {
      // Doubled, so that a long message in many small pieces is not copied with each of them.
      const larger = Buffer.allocUnsafeSlow(Math.max(all, 2 * held.length));
      larger.set(held.subarray(0, size));
      held = larger;
      hasRoom = true;
    }
    held.set(chunk, size);
    return held.subarray(0, all);
  };

  return {
    push(chunk) {
      const bytes = joined(chunk);
      if (!hasRoom) held = bytes;
      size = bytes.length;
      if (size < wanted) return NOTHING;
      const messages: Uint8Array[] = [];
      let start = 0;
      wanted = HEAD;
      while (bytes.length - start >= HEAD) {
        const end = start + HEAD + lengthAt(bytes, start, limit);
        if (end > bytes.length) {
          wanted = end - start;
          break;
        }
        messages.push(bytes.subarray(start + HEAD, end));
        start = end;
      }
      if (start > 0) {
        // What was given out may be kept by its reader, so nothing is written after it.
        held = bytes.subarray(start);
        size = held.length;
        hasRoom = false;
      }
      return messages;
    },
    get partial() {
      return size > 0;
    },
  };
}

const EMPTY = new Uint8Array(0);
const NOTHING: Uint8Array[] = [];

function lengthAt(bytes: Uint8Array, start: number, limit: number): number {
  if (bytes[start] !== 0)
    throw new AgentError('unreadable', 'the agent sent a message in a form that was not asked for');
  const length = new DataView(bytes.buffer, bytes.byteOffset + start + 1, 4).getUint32(0);
  if (length > limit) {
    throw new AgentError('unreadable', `a message of the agent is larger than the ${limit} bytes allowed here`);
  }
  return length;
}
