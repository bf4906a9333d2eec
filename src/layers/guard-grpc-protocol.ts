import { countField, type Fields, getField } from '../fields.ts';
import { parseMediaType } from '../guardrails/media.ts';
import { COMPRESSED, END_STREAM, TRAILERS } from '../protocols/envelope.ts';
import type { Coding } from './content-coding.ts';

/** How messages of the contract stand in a body. `unary`: one, and nothing else (Connect); the others in envelopes. */
export type Framing = 'grpc' | 'grpc-web' | 'connect' | 'unary';

export interface Wire {
  readonly framing: Framing;
  /** JSON, or else protobuf's binary format. */
  readonly isJson: boolean;
}

/** Undefined: a body of that type holds no messages that can be read, whoever may read them. */
export function wireOf(headers: Fields): Wire | undefined {
  const media = parseMediaType(getField(headers, 'content-type'));
  if (countField(headers, 'content-type') > 1 || media.isAmbiguous) return undefined;
  const [, framing, codec] =
    /^application\/(?:(grpc|grpc-web|connect)\+)?(proto|json|grpc|grpc-web)$/.exec(media.type) ?? [];
  if (codec === 'grpc' || codec === 'grpc-web')
    return framing === undefined ? { framing: codec, isJson: false } : undefined;
  if (codec === undefined) return undefined;
  // The expression lets these through only.
  return { framing: (framing as Framing | undefined) ?? 'unary', isJson: codec === 'json' };
}

/** What compressed messages of a body are compressed with; undefined: nothing that can be undone here. */
export function messageCoding(headers: Fields, framing: Framing): Coding | undefined {
  const name = framing === 'connect' ? 'connect-content-encoding' : 'grpc-encoding';
  if (countField(headers, name) !== 1) return undefined;
  const coding = getField(headers, name)?.trim().toLowerCase();
  return coding === 'gzip' || coding === 'deflate' || coding === 'br' || coding === 'zstd' ? coding : undefined;
}

/** What a frame is by its flags, but for whether it is compressed. Undefined: nothing that the protocol has. */
export function frameKind(flags: number, framing: Framing, isReply: boolean): 'message' | 'end' | undefined {
  const kind = flags & ~COMPRESSED;
  if (kind === 0) return 'message';
  if (!isReply) return undefined;
  if (kind === END_STREAM && framing === 'connect') return 'end';
  return kind === TRAILERS && framing === 'grpc-web' ? 'end' : undefined;
}
