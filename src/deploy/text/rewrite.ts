import { type Document, isMap, isScalar, isSeq, type Node, parseDocument, visit } from 'yaml';
import { isEqual } from '../equal.ts';
import { isList, isObject, type Json } from '../json.ts';
import { matchItems } from './match-items.ts';
import { scalarText } from './scalar-text.ts';
import type { Style } from './style.ts';

/** A document written anew by the YAML library: comments stay as far as it can keep them; line breaks and quotes may not. */
export function rewrite(text: string, before: Json, wanted: Json, style: Style): string {
  const document: Document = parseDocument(text, {
    schema: 'core',
    uniqueKeys: false,
    resolveKnownTags: false,
    logLevel: 'silent',
  });
  document.contents = change(document, document.contents, before, wanted);
  const written = document.toString({ lineWidth: 0, indent: style.indent.length, indentSeq: style.dash > 0 });
  return style.eol === '\n' ? written : written.replaceAll('\n', style.eol);
}

/** Aliases and merge keys are written out: others may stand for what changes. */
function change(document: Document, node: Node | null, before: Json, wanted: Json): Node {
  if (isScalar(node) && !node.tag && isEqual(before, wanted)) return node;
  if (isObject(wanted) && isObject(before) && isMap<Node, Node | null>(node)) {
    const keyOf = (key: Node) => (isScalar(key) ? (key.source ?? String(key.value)) : '');
    node.items = node.items.filter(({ key }) => isScalar(key) && Object.hasOwn(wanted, keyOf(key)));
    const own = new Set(node.items.map(({ key }) => keyOf(key)));
    for (const pair of node.items) {
      const key = keyOf(pair.key);
      pair.value = change(document, pair.value, before[key] ?? null, wanted[key] ?? null);
    }
    for (const [key, value] of Object.entries(wanted)) {
      if (!own.has(key)) node.items.push(document.createPair(fresh(document, key), fresh(document, value)));
    }
    return node;
  }
  if (isList(wanted) && isList(before) && isSeq<Node | null>(node)) {
    const old = [...node.items];
    const kept = new Map(matchItems(before, wanted).map(([index, now]) => [now, index]));
    node.items = wanted.map((value, now) => {
      const index = kept.get(now);
      return index === undefined
        ? fresh(document, value)
        : change(document, old[index] ?? null, before[index] ?? null, value);
    });
    return node;
  }
  return fresh(document, wanted);
}

function fresh(document: Document, value: Json): Node {
  const node = document.createNode(value, { aliasDuplicateObjects: false });
  visit(node, {
    Scalar: (_key, scalar) => {
      const { value: one } = scalar;
      if (typeof one === 'string' && !one.includes('\n') && scalarText(one) !== one) scalar.type = 'QUOTE_DOUBLE';
    },
  });
  return node;
}
