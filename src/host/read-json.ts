import { cancelBody, readBody } from '../body.ts';
import type { Call } from '../call.ts';
import { AgentError } from '../contract/agent-error.ts';
import { getField } from '../fields.ts';

const JSON_TYPE = /^application\/(?:json|[^\s;/]+\+json)\s*(?:;\s*charset\s*=\s*"?utf-?8"?\s*)?;?\s*$/i;

/** Also takes away a byte order mark. */
const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** The JSON value that a request's body holds. Throws `unsupported_media_type`, `body_too_large` and `bad_request`. */
export async function readJson(call: Call, maxBytes: number): Promise<unknown> {
  try {
    mustBeJson(call);
    if (Number(getField(call.headers, 'content-length') ?? 0) > maxBytes) throw tooLarge(maxBytes);
  } catch (error) {
    await cancelBody(call.body).catch(() => undefined);
    throw error;
  }
  const bytes = await readBody(call.body, maxBytes);
  if (bytes.length === 0) throw new AgentError('bad_request', 'the request needs a body: a JSON object');
  let text: string;
  try {
    text = UTF8.decode(bytes);
  } catch (cause) {
    throw new AgentError('bad_request', 'the body is not valid UTF-8', { cause });
  }
  try {
    return JSON.parse(text);
  } catch {
    // Its message quotes what was sent.
    throw new AgentError('bad_request', 'the body is not valid JSON');
  }
}

function mustBeJson({ headers }: Call): void {
  const coding = getField(headers, 'content-encoding');
  if (coding !== undefined && coding.toLowerCase() !== 'identity') {
    throw new AgentError('unsupported_media_type', 'send the body without a Content-Encoding');
  }
  const type = getField(headers, 'content-type');
  if (type === undefined) {
    // What names no type is taken for JSON, but never from a browser: any page may send that to a host that asks for no token.
    if (getField(headers, 'origin') === undefined) return;
    throw new AgentError('unsupported_media_type', 'send the body as Content-Type: application/json');
  }
  if (!JSON_TYPE.test(type)) {
    throw new AgentError('unsupported_media_type', 'send the body as Content-Type: application/json, in UTF-8');
  }
}

function tooLarge(maxBytes: number): AgentError {
  return new AgentError('body_too_large', `the body is larger than the ${maxBytes} bytes allowed here`);
}
