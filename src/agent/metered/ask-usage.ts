/** A refusal is read so far for the reason. */
const MAX_REFUSAL = 65_536;
/** Origins that are remembered; a program talks to a handful. */
const MAX_ORIGINS = 256;

/**
 * Sends requests for streams of chat completions, which say what they used only when they are asked to. The request is asked so
 * where its caller has not decided; a server that refuses that gets the request as it was, and is not asked again.
 */
export function usageAsker(): (
  fetch: typeof globalThis.fetch,
  url: URL,
  input: string | URL,
  init: RequestInit,
) => Promise<Response> {
  const refused = new Set<string>();
  return async (fetch, url, input, init) => {
    const asking = refused.has(url.origin) ? undefined : askingBody(init);
    if (asking === undefined) return fetch(input, init);
    const response = await fetch(input, { ...init, body: asking });
    if ((response.status !== 400 && response.status !== 422) || !(await refusesToSay(response))) return response;
    if (refused.size < MAX_ORIGINS) refused.add(url.origin);
    await response.body?.cancel();
    return fetch(input, init);
  };
}

/** The body with the question in it; undefined where there is nothing to ask, or the request may not be changed. */
function askingBody({ body, headers }: RequestInit): string | undefined {
  if (typeof body !== 'string' || !/"stream"\s*:\s*true/.test(body)) return undefined;
  const fields = new Headers(headers);
  // A length or a signature that was made for this body.
  if (fields.has('content-length') || fields.get('authorization')?.startsWith('AWS4') === true) return undefined;
  let request: Record<string, unknown> | null;
  try {
    request = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (request?.['stream'] !== true) return undefined;
  const options = request['stream_options'] ?? {};
  if (typeof options !== 'object' || 'include_usage' in options) return undefined;
  if (!('stream_options' in request)) {
    // Everything else stays as its caller wrote it, also numbers that a double would change.
    return `${body.slice(0, body.lastIndexOf('}'))},"stream_options":{"include_usage":true}}`;
  }
  return JSON.stringify({ ...request, stream_options: { ...options, include_usage: true } });
}

/** Whether a refusal names what was put in. The response stays whole. */
async function refusesToSay(response: Response): Promise<boolean> {
  let copy: Response;
  try {
    copy = response.clone();
  } catch {
    return false;
  }
  const reader = copy.body?.getReader();
  if (reader === undefined) return false;
  const decoder = new TextDecoder();
  let text = '';
  try {
    while (text.length < MAX_REFUSAL) {
      const { done, value } = await reader.read();
      if (done) break;
      text += decoder.decode(value, { stream: true });
    }
  } catch {
    return false;
  }
  // Not awaited: it settles when the other half is done, too.
  reader.cancel().catch(() => undefined);
  return /stream_options|include_usage/.test(text);
}
