/**
 * Whether an output is its input with some stretches replaced, told from nothing but the two and the texts that may come in
 * the place of a match.
 */
export function explains(before: string, after: string, replacements: readonly string[], contentType: string): boolean {
  const isForm = contentType.startsWith('application/x-www-form');
  // A number in which something was replaced is put in quotes. Whether these are right is a matter of form, seen elsewhere.
  const isEvents = contentType.startsWith('text/event-stream');
  const hasQuotes = !contentType.startsWith('text/plain') || /^\s*["[{]/.test(before);
  const plain = (text: string): string => {
    const unquoted = hasQuotes && !isForm ? text.replaceAll('"', '') : text;
    // What is left of a value may need a space before it that is no part of it; what is left of another line, a colon.
    return isEvents ? unquoted.replace(/^(data|):( ?)/gm, '$1') : unquoted;
  };
  const marks = replacements
    .flatMap((text) => spellings(text))
    .map((text) => plain(text))
    .sort((a, b) => b.length - a.length);
  const pattern = new RegExp(marks.map((mark) => mark.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|'), 'g');
  // Where a match goes on in later events, it is taken out there, and nothing comes in its place.
  const isStream = /event-stream|ndjson/.test(contentType);
  return isStream ? isThinned(plain(before), plain(after), pattern) : isSpliced(plain(before), plain(after), pattern);
}

/** A replacement as it is written in text, JSON and forms, one character for each byte. */
function spellings(text: string): string[] {
  const utf8 = Buffer.from(text, 'utf8').toString('latin1');
  const json = Buffer.from(JSON.stringify(text).slice(1, -1), 'utf8').toString('latin1');
  // In an event stream, each line has its field's name.
  return [
    utf8,
    json,
    utf8.replaceAll('\n', '\ndata: '),
    utf8.replaceAll('\n', ' '),
    new URLSearchParams([['', text]]).toString().slice(1),
  ];
}

/** What is between the replacements stands in the input in the same order, from its beginning to its end. */
function isSpliced(before: string, after: string, pattern: RegExp): boolean {
  const kept = after.split(pattern);
  if (kept.length === 1) return before === after;
  const first = kept[0] ?? '';
  const last = kept.at(-1) ?? '';
  if (!before.startsWith(first) || !before.endsWith(last)) return false;
  let at = first.length;
  for (const piece of kept.slice(1, -1)) {
    const found = before.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return at <= before.length - last.length;
}

/** What is left, the replacements apart, stands in the input in the same order. */
function isThinned(before: string, after: string, pattern: RegExp): boolean {
  let at = 0;
  for (const c of after.replace(pattern, '')) {
    at = before.indexOf(c, at) + 1;
    if (at === 0) return false;
  }
  return true;
}
