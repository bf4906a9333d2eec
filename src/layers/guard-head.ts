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

/** Undefined when nothing of the body can be read, and it may pass all the same. Throws when it may not. */
export function readHead(side: Side, headers: Fields): Head | undefined {
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
  side.unreadable('unknown_encoding', media.reader === 'binary');
  return undefined;
}

const JSON_RPC_HEAD: Head = {
  contentType: 'application/json',
  media: parseMediaType('application/json'),
  codings: [],
};

/** Events and lines, of which each stands for itself and what they hold belongs together over all of them. */
export function isEvents({ media }: Head): boolean {
  return media.events !== undefined;
}
