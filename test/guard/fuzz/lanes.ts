/** The texts that come in pieces through the events of a stream, told from the bytes alone. */

/** The members that say which text a piece belongs to. */
interface Event {
  readonly type?: unknown;
  readonly index?: number;
  readonly text?: unknown;
  readonly delta?: { readonly text?: unknown };
  readonly choices?: readonly { readonly index?: number; readonly delta?: { readonly content?: unknown } }[];
}

/**
 * The texts, whole, by what they are told apart by. Undefined when there is anything in the stream that this does not know
 * for sure: it knows the events that the fuzzer makes, unspoilt.
 */
export function lanes(body: string, contentType: string): Map<string, string> | undefined {
  const isSse = contentType.startsWith('text/event-stream');
  const texts = new Map<string, string>();
  let name = '';
  let hasData = false;
  let isDone = false;
  for (const line of body.split(isSse ? /\r\n|\r|\n/ : '\n')) {
    if (line === '') {
      name = '';
      hasData = false;
      continue;
    }
    if (isSse && /^(: keep-alive|id: 7|retry: 10)$/.test(line)) continue;
    if (isSse && line === 'event: x') {
      name = 'x';
      continue;
    }
    const data = isSse ? /^data: ?(.*)$/.exec(line)?.[1] : line;
    // Several lines of data are one text.
    if (isSse && hasData) return undefined;
    hasData = true;
    // Readers stop there; what comes then is another reply.
    if (data === '[DONE]') isDone = true;
    else if (isDone) return undefined;
    if (isDone || data === '{"type":"ping"}') continue;
    const piece = data === undefined ? undefined : pieceOf(data);
    if (piece === undefined) return undefined;
    const key = `${name} ${piece.key}`;
    texts.set(key, (texts.get(key) ?? '') + piece.text);
  }
  return texts;
}

function pieceOf(data: string): { key: string; text: string } | undefined {
  let event: Event;
  try {
    // Each member that is used is looked at first.
    event = JSON.parse(data);
  } catch {
    return undefined;
  }
  if (typeof event !== 'object' || event === null || Array.isArray(event)) return undefined;
  const keys = Object.keys(event).join();
  const choice = keys === 'choices' ? event.choices?.[0] : undefined;
  if (choice !== undefined) return piece(`choice ${choice.index}`, choice.delta?.content);
  if (keys === 'type,index,delta' && event.type === 'content_block_delta')
    return piece(`block ${event.index}`, event.delta?.text);
  // A text that could be whole is read by itself too, and is over when others come instead of it: nothing is told by it.
  return keys === 'index,text,n' && typeof event.text === 'string' ? { key: 'texts', text: '' } : undefined;
}

function piece(key: string, text: unknown): { key: string; text: string } | undefined {
  return typeof text === 'string' ? { key, text } : undefined;
}
