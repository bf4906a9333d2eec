import type { CST, YAMLError } from 'yaml';

/** Where the text nests deeper than is allowed; without recursion, since what reads the tokens next recurses. */
export function tooDeep(tokens: readonly CST.Token[], most: number): number | undefined {
  for (const { token, depth } of within(tokens)) if (depth > most) return token.offset;
  return undefined;
}

/** An offset for an error: what has no end is told of where it begins, not where the text is over. */
export function placeOfError({ code, pos }: YAMLError, tokens: readonly CST.Token[]): number {
  if (code !== 'MISSING_CHAR' && code !== 'BAD_INDENT') return pos[0];
  for (const { token } of within(tokens)) {
    if (token.type === 'flow-collection' && token.end.length === 0) return token.offset;
    const quoted = token.type === 'double-quoted-scalar' || token.type === 'single-quoted-scalar';
    if (quoted && pos[0] >= token.offset && pos[0] <= token.offset + token.source.length) return token.offset;
  }
  return pos[0];
}

/** The tokens of a stream, those in others too. */
function* within(tokens: readonly CST.Token[]): Generator<{ token: CST.Token; depth: number }> {
  const open = tokens.map((token) => ({ token, depth: 0 })).toReversed();
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    yield next;
    const { token, depth } = next;
    const inner = token.type === 'document' ? [token.value] : 'items' in token ? token.items.flatMap(both) : [];
    for (const one of inner.toReversed()) if (one) open.push({ token: one, depth: depth + 1 });
  }
}

function both({ key, value }: CST.CollectionItem): (CST.Token | null | undefined)[] {
  return [key, value];
}
