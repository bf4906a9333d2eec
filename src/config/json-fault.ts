/**
 * Where a text stops being JSON (RFC 8259), which `JSON.parse` says only at times, and then next to an excerpt of the text.
 * Undefined when it is JSON. Offsets are in UTF-16 code units.
 */
export function jsonFault(text: string): { offset: number; expected: string } | undefined {
  const open: string[] = [];
  let offset = 0;
  let wanted: Wanted = 'value';
  while (true) {
    offset += matchAt(/[ \t\n\r]*/y, text, offset)?.length ?? 0;
    if (wanted === 'end' && open.length === 0)
      return offset === text.length ? undefined : { offset, expected: 'the end' };
    const token = matchAt(TOKENS[wanted], text, offset);
    const closing: string = open.at(-1) ?? '';
    const next: Wanted | undefined = token === undefined ? undefined : after(wanted, token, closing);
    if (token === undefined || next === undefined) return { offset, expected: expected(wanted, closing) };
    if (token === '{') open.push('}');
    else if (token === '[') open.push(']');
    else if (token === '}' || token === ']') open.pop();
    offset += token.length;
    wanted = next;
  }
}

type Wanted = 'value' | 'value or ]' | 'key' | 'key or }' | 'colon' | 'end';

const STRING = String.raw`"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"`;
const VALUE = String.raw`${STRING}|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|[[{]`;
const TOKENS: Record<Wanted, RegExp> = {
  value: new RegExp(VALUE, 'y'),
  'value or ]': new RegExp(String.raw`${VALUE}|\]`, 'y'),
  key: new RegExp(STRING, 'y'),
  'key or }': new RegExp(String.raw`${STRING}|\}`, 'y'),
  colon: /:/y,
  end: /[,\]}]/y,
};

function after(wanted: Wanted, token: string, closing: string): Wanted | undefined {
  if (wanted === 'key' || (wanted === 'key or }' && token !== '}')) return 'colon';
  if (token === '{') return 'key or }';
  if (token === '[') return 'value or ]';
  if (token === ',') return closing === '}' ? 'key' : 'value';
  if (token === ':') return 'value';
  return (token === '}' || token === ']') && token !== closing ? undefined : 'end';
}

function expected(wanted: Wanted, closing: string): string {
  if (wanted === 'end') return `"," or "${closing}"`;
  if (wanted === 'colon') return '":"';
  if (wanted === 'key') return 'a key in double quotes';
  if (wanted === 'key or }') return 'a key in double quotes or "}"';
  return wanted === 'value' ? 'a value' : 'a value or "]"';
}

function matchAt(pattern: RegExp, text: string, offset: number): string | undefined {
  pattern.lastIndex = offset;
  return pattern.exec(text)?.[0];
}
