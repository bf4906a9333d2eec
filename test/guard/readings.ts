/** What readers make of a body: every text in it, decoded and put together. Written apart from what is tested with it. */

/** All texts of a body: as it stands, and what its format says. */
export function readings(body: string, contentType: string): string[] {
  const texts = [body];
  if (contentType.startsWith('application/x-www-form-urlencoded')) {
    for (const [name, value] of new URLSearchParams(body)) texts.push(name, value);
  } else if (contentType.startsWith('text/event-stream')) {
    texts.push(...eventTexts(body));
  } else if (contentType.startsWith('text/csv')) {
    texts.push(body.replaceAll('""', '"'));
  } else if (/markdown|html|xml/.test(contentType)) {
    texts.push(body.replaceAll('&lt;', '<').replaceAll('&amp;', '&'));
  } else {
    for (const line of contentType.includes('ndjson') || contentType.includes('jsonl') ? body.split('\n') : [body]) {
      collect(parsed(line), texts);
    }
    // Lines of a log may hold JSON.
    for (const line of body.split('\n')) collect(parsed(line.slice(Math.max(0, line.indexOf('{')))), texts);
  }
  return texts;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Strings and keys, and those of JSON in strings. */
function collect(value: unknown, into: string[]): void {
  if (typeof value === 'string') {
    into.push(value);
    if (/^\s*[[{]/.test(value)) collect(parsed(value), into);
  } else if (Array.isArray(value)) {
    for (const item of value) collect(item, into);
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      into.push(key);
      collect(item, into);
    }
  }
}

/** The strings at the same place of successive events, put together. */
function eventTexts(body: string): string[] {
  const byPlace = new Map<string, string>();
  for (const line of body.split('\n')) {
    if (line.startsWith('data:')) gather(parsed(line.slice(5)), '', byPlace);
  }
  const texts = [...byPlace.values()];
  for (const text of texts.slice()) collect(parsed(text), texts);
  return texts;
}

function gather(value: unknown, place: string, into: Map<string, string>): void {
  if (typeof value === 'string') {
    into.set(place, (into.get(place) ?? '') + value);
  } else if (typeof value === 'object' && value !== null) {
    const index = 'index' in value ? `#${String(value.index)}` : '';
    for (const [key, item] of Object.entries(value)) gather(item, `${place}${index}.${key}`, into);
  }
}
