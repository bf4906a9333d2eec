import { type ErrorCode, OutriderError } from '../errors.ts';
import type { Unreadable } from '../guardrails/unreadable.ts';

/** What a request is refused with, and what is said. Of a reply, the agent is to blame: `unreadable`, 502. */
const REFUSALS: Readonly<Record<Unreadable, readonly [code: ErrorCode, what: string]>> = {
  unknown_encoding: ['unsupported_media_type', 'has a content coding that cannot be inspected'],
  unknown_charset: ['unsupported_media_type', 'has a charset that cannot be inspected'],
  encoded_part: ['unsupported_media_type', 'has a part with an encoding that cannot be inspected'],
  binary: ['unsupported_media_type', 'is binary, which is not let through here'],
  partial: ['unsupported_media_type', 'is a part of what can only be inspected as a whole'],
  switched_protocol: ['unsupported_media_type', 'switches to a protocol that cannot be inspected'],
  malformed_encoding: ['bad_request', 'is not in the content coding that it declares'],
  malformed_charset: ['bad_request', 'is not text in the charset that it declares'],
  invalid_json: ['bad_request', 'is not the JSON that it declares to be'],
  invalid_multipart: ['bad_request', 'does not consist of parts as it declares'],
  invalid_message: ['bad_request', 'holds no message of the contract, or not as it must'],
  ambiguous: ['bad_request', 'says twice, or in extended form, what it is'],
  too_large: ['body_too_large', 'is larger than what is inspected'],
};

export function unreadableError(reason: Unreadable, direction: 'request' | 'reply'): OutriderError {
  const [code, what] = REFUSALS[reason];
  const details = { reason };
  if (direction === 'reply') return new OutriderError('unreadable', `the reply ${what}`, { details });
  return new OutriderError(code, `the body ${what}`, { details });
}

/** `isBinary`: it declares itself to be something else than text, and does not look like text. */
export function mayPass(policy: 'block' | 'pass' | undefined, isBinary: boolean): boolean {
  return policy === undefined ? isBinary : policy === 'pass';
}
