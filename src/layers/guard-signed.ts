import { type Fields, getField } from '../fields.ts';
import { parseMediaType } from '../guardrails/media.ts';

/** Parts of a message that a signature may cover. */
export type Signed = 'body' | 'target';

/** What signatures name (RFC 9421 §2, and the drafts before it), by what changes with it. */
const COMPONENTS: Readonly<Record<Signed, RegExp>> = {
  body: /(?:^|[\s"(])(?:content-digest|repr-digest|digest|content-md5|content-length)(?:[\s");]|$)/i,
  target: /(?:^|[\s"(])(?:@path|@query|@query-param|@target-uri|@request-target|\(request-target\))(?:[\s");]|$)/i,
};

/** Types whose content is, or holds, what a signature was made of. */
const SIGNED_TYPES =
  /^(?:multipart\/signed|application\/(?:jose(?:\+json)?|jwt|cms|(?:x-)?pkcs7-(?:mime|signature)|[\w.-]+\+(?:jwt|sd-jwt|jws))|application\/cose)$/;

/** `X-Hub-Signature-256`, `Stripe-Signature`, `X-Slack-Signature`, `X-Shopify-Hmac-Sha256`, `X-Signature-Ed25519`, … */
const SIGNATURE_FIELD = /(?:^|-)(?:signature|hmac)(?:-(?:sha)?\d+|-sha-?\d+|-ed25519|-v\d+)?$/;

/** URLs that are themselves what was signed. */
const SIGNED_QUERY = /[?&](?:x-amz-signature|x-goog-signature|signature|sig)=/i;

/**
 * Whether this part of a message cannot be changed without making a signature wrong. Which of those that cannot be checked
 * here cover the body is not told in the message: all that are known to be used for it count.
 */
export function isSigned(headers: Fields, what: Signed, target = ''): boolean {
  if (what === 'target' && SIGNED_QUERY.test(target)) return true;
  if (what === 'body' && SIGNED_TYPES.test(parseMediaType(getField(headers, 'content-type')).type)) return true;
  for (let i = 0; i < headers.length; i += 2) {
    // Fields come in pairs, so both are there.
    const name = (headers[i] as string).toLowerCase();
    const value = headers[i + 1] as string;
    if (name === 'signature-input' || name === 'signature' || name === 'authorization') {
      if (isCovered(name, value, COMPONENTS[what])) return true;
    } else if (what === 'body') {
      if (name === 'x-amz-content-sha256' && value.toUpperCase() !== 'UNSIGNED-PAYLOAD') return true;
      if (SIGNATURE_FIELD.test(name)) return true;
    }
  }
  return false;
}

/** `Signature-Input: sig=("content-digest" "@path")`; before RFC 9421, `Signature: keyId="k",headers="digest"`. */
function isCovered(name: string, value: string, component: RegExp): boolean {
  if (name === 'signature-input') return component.test(value);
  if (name === 'authorization' && !/^signature\s/i.test(value)) return false;
  const listed = /(?:^|[\s,])headers="([^"]*)"/i.exec(value)?.[1];
  return listed !== undefined && component.test(listed);
}

/** Whether a signature covers a field (in lower case). */
export function isFieldSigned(headers: Fields, name: string): boolean {
  const component = new RegExp(`(?:^|[\\s"(])${name.replace(/[^a-z0-9-]/g, '\\$&')}(?:[\\s");]|$)`, 'i');
  for (let i = 0; i < headers.length; i += 2) {
    const field = (headers[i] as string).toLowerCase();
    if (field !== 'signature-input' && field !== 'signature' && field !== 'authorization') continue;
    if (isCovered(field, headers[i + 1] as string, component)) return true;
  }
  return false;
}
