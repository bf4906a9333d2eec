import { isEscapeLetter, unitAt } from './characters.ts';
import type { Detector } from './detector.ts';
import { TOKEN } from './key-format.ts';
import { ahead, detect } from './lookahead.ts';
import { isIn, unitSet } from './unit-set.ts';

const MAX_HEADER = 2048;
/** Units of the whole; of a longer one, the rest stays. */
const MAX_LENGTH = 16_384;
const DOT = 46;
const BEGINNING = 'eyJ';

/**
 * JSON Web Tokens: three segments of base64url with dots between them (JWS, RFC 7515 §7.1) or five (JWE, RFC 7516 §7.1), the
 * first of which decodes to what looks like a JSON object with `alg`.
 */
function jwtEnd(text: string, start: number): number {
  for (let i = 0; i < BEGINNING.length; i++) if (ahead(text, start + i) !== BEGINNING.charCodeAt(i)) return start;
  if (isIn(TOKEN, unitAt(text, start - 1)) && !isEscapeLetter(text, start - 1)) return start;
  const headerEnd = segmentEnd(text, start, start + MAX_HEADER);
  if (headerEnd === start + MAX_HEADER || ahead(text, headerEnd) !== DOT) return start;
  const header = headerOf(text.slice(start, headerEnd));
  if (header === undefined) return start;
  const limit = start + MAX_LENGTH;
  let end = headerEnd;
  for (let segment = 2, sizes = 0; segment <= (header.isEncrypted ? 5 : 3); segment++) {
    if (ahead(text, end) !== DOT) return start;
    const next = segmentEnd(text, end + 1, limit);
    if (next === limit) return limit;
    sizes += next - end - 1;
    // An ellipsis after a header is no token; nor is what has no signature, unless its header says that it has none.
    if (segment === 3 && (sizes === 0 || (next === end + 1 && !header.isUnsigned && !header.isEncrypted))) return start;
    end = next;
  }
  return end;
}

function segmentEnd(text: string, from: number, limit: number): number {
  let at = from;
  while (at < limit && isIn(TOKEN, ahead(text, at))) at++;
  return at;
}

const ALGORITHM = /"alg"\s*:\s*"([^"]*)"/;
const ENCRYPTION = /"enc"\s*:\s*"/;

/** What a header says. It is not parsed: input made so that parsing fails would make that slow. */
function headerOf(segment: string): { isUnsigned: boolean; isEncrypted: boolean } | undefined {
  const json = Buffer.from(segment, 'base64url').toString('latin1').trimEnd();
  const algorithm = json.endsWith('}') ? ALGORITHM.exec(json)?.[1] : undefined;
  if (algorithm === undefined) return undefined;
  return { isUnsigned: algorithm.toLowerCase() === 'none', isEncrypted: ENCRYPTION.test(json) };
}

export const jwtParts: Omit<Detector, 'may'> = detect({ match: jwtEnd, reach: MAX_LENGTH + 2, starts: unitSet('e') });
