import { countField, type Fields, getField } from '../fields.ts';
import { type MediaType, parseMediaType } from '../guardrails/media.ts';
import { type Coding, knownCodings } from './content-coding.ts';
import type { Side } from './guard-side.ts';

/** How a body is to be read. */
export interface Head {
  readonly contentType: string | undefined;
  readonly media: MediaType;
  /** In the order in which they were applied. */
  readonly codings: readonly Coding[];
}

/** What is read as nothing but text, when it may pass although it is not known what it is. */
export const PLAIN_TEXT = 'text/plain';

/** `unknown`: coded in a way that cannot be undone here; whether it declares to be text or binary. */
export interface UnknownCoding {
  readonly unknown: 'text' | 'binary';
}

/** Notes what is ambiguous; throws when that may not pass. */
export function readHead(side: Side, headers: Fields): Head | UnknownCoding {
  if (side.direction === 'request' && side.shared.options.voice.isJsonRpc) return JSON_RPC_HEAD;
  let contentType = getField(headers, 'content-type');
  // Two of them could be one for us and the other for its reader.
  if (countField(headers, 'content-type') > 1 || parseMediaType(contentType).isAmbiguous) {
    side.unreadable('ambiguous');
    contentType = PLAIN_TEXT;
  }
  const media = parseMediaType(contentType);
  const codings = knownCodings(headers);
  if (codings !== undefined) return { contentType, media, codings };
  return { unknown: media.reader === 'binary' ? 'binary' : 'text' };
}

/** Of what is taken for text, whatever it calls itself. */
export const PLAIN_HEAD: Head = { contentType: PLAIN_TEXT, media: parseMediaType(PLAIN_TEXT), codings: [] };

const JSON_RPC_HEAD: Head = {
  contentType: 'application/json',
  media: parseMediaType('application/json'),
  codings: [],
};

/** Events and lines, of which each stands for itself and what they hold belongs together over all of them. */
export function isEvents({ media }: Head): boolean {
  return media.events !== undefined;
}
