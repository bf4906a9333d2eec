import type { DescMessage } from '@bufbuild/protobuf';
import { cancelBody, readBody } from '../body.ts';
import type { Call } from '../call.ts';
import { AgentError } from '../contract/agent-error.ts';
import { boundObjects } from '../contract/wire-bound.ts';
import { type Fields, getField } from '../fields.ts';
import { COMPRESSED, ENVELOPE_HEAD, envelope, firstFrame } from '../protocols/envelope.ts';
import { toHostError } from './envelope.ts';
import { decompressed, isCoding } from './grpc-compression.ts';

const NOTHING = new Uint8Array(0);

/** All bytes of a call that brings one message, of `maxBytes` at most; refused as soon as it is known to be larger. */
export async function readWhole({ body, headers }: Call, maxBytes: number): Promise<Uint8Array> {
  try {
    if (Number(getField(headers, 'content-length') ?? 0) > maxBytes + ENVELOPE_HEAD) throw tooLarge(maxBytes);
    return await readBody(body, maxBytes + ENVELOPE_HEAD);
  } catch (thrown) {
    await cancelBody(body).catch(() => undefined);
    const error = toHostError(thrown);
    throw error.code === 'body_too_large' ? tooLarge(maxBytes) : error;
  }
}

/**
 * A body for Connect to decode, which has been seen to become no more objects than `boundObjects` lets through. What Connect refuses
 * without decoding it stays as it is.
 */
export async function boundBody(
  bytes: Uint8Array,
  { headers }: Call,
  { input, maxBytes }: { input: DescMessage; maxBytes: number },
): Promise<Uint8Array> {
  const type = getField(headers, 'content-type') ?? '';
  const opened = async (message: Uint8Array, coding: string | undefined): Promise<Uint8Array> => {
    const plain = isCoding(coding) ? await decompressed(coding, message, maxBytes) : message;
    if (!JSON_TYPE.test(type)) boundObjects(input, plain);
    return plain;
  };
  if (!ENVELOPED_TYPE.test(type)) {
    await opened(bytes, getField(headers, 'content-encoding'));
    return bytes;
  }
  const first = firstFrame(bytes, maxBytes);
  if (first === 'too_large') throw tooLarge(maxBytes);
  if (first === undefined) return bytes;
  const isCompressed = (first.flags & COMPRESSED) !== 0;
  const coding = isCompressed ? codingOf(type, headers) : undefined;
  if (isCompressed && !isCoding(coding)) return bytes;
  const message = await opened(first.payload, coding);
  const whole = isCompressed ? envelope(first.flags & ~COMPRESSED, message) : first.bytes;
  const rest = bytes.subarray(first.bytes.length);
  if (rest.length === 0) return whole;
  // A second message is refused, but not before it has been decoded: that it is there says enough.
  const isComplete = firstFrame(rest, maxBytes) !== undefined;
  return Buffer.concat([whole, isComplete ? envelope(0, NOTHING) : rest]);
}

/** All but Connect's own calls that are not streams. */
const ENVELOPED_TYPE = /^application\/(?:grpc|connect)/i;
const JSON_TYPE = /^application\/(?:[a-z-]+\+)?json/i;

/** Of messages in envelopes. */
function codingOf(type: string, headers: Fields): string | undefined {
  return getField(headers, /^application\/connect/i.test(type) ? 'connect-content-encoding' : 'grpc-encoding');
}

export function tooLarge(maxBytes: number): AgentError {
  return new AgentError('body_too_large', `the message is larger than the ${maxBytes} bytes allowed here`);
}
