import { asBuffer, asLatin1 } from './bytes.ts';
import { hasControls } from './characters.ts';
import { guessWide } from './charset.ts';

/** Bytes from its beginning that tell whether a body is text. */
export const PEEK = 4096;

/** One or more brackets and a quote, as in `{"`, `[{"`: JSON, whatever comes after. */
const OPENING = /^\s*(?:[[{]\s*)+"/;
/** What JSON that holds text may begin with. */
const JSON_LIKE = /^\ufeff?\s*["[{]/;
/** Whether these characters begin what could be JSON that holds text. */
export function looksLikeJson(text: string): boolean {
  return JSON_LIKE.test(text);
}

/**
 * Whether what begins with these bytes is text, or would be read as JSON, whatever it is declared to be. Formats that are
 * not text have control characters or invalid UTF-8 in their first bytes (a gRPC frame: its first byte, 0 or 1).
 */
export function looksLikeText(bytes: Uint8Array): boolean {
  const prefix = bytes.subarray(0, PEEK);
  const wide = guessWide(prefix, true);
  // The last character may be cut in two.
  if (wide !== undefined) return JSON_LIKE.test(wide) || (!hasControls(wide) && wide.slice(0, -1).isWellFormed());
  const text = asLatin1(prefix).replace(/^\u00ef\u00bb\u00bf/, '');
  if (OPENING.test(text)) return true;
  if (hasControls(text)) return false;
  // Readers that are lenient about bytes read JSON all the same.
  return JSON_LIKE.test(text) || isUtf8Prefix(prefix);
}

/** The last sequence may be cut off. */
function isUtf8Prefix(bytes: Uint8Array): boolean {
  const text = asBuffer(bytes).toString('utf8');
  const fault = text.indexOf('\ufffd');
  return fault < 0 || fault >= text.length - 3;
}
