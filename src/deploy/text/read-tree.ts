import { Composer, type CST, type Document, isAlias, isMap, isScalar, isSeq, type Node, type Pair, Parser } from 'yaml';
import type { Json } from '../json.ts';
import { explain } from './faults.ts';
import { placeOfError, tooDeep } from './tokens.ts';
import type { AliasTree, Entry, Item, MapTree, ScalarTree, SeqTree, Tree } from './tree.ts';

export interface TreeFault {
  /** Into the text of the document. */
  readonly offset: number;
  readonly message: string;
}

/** One document; `root` is undefined where it is empty or faulty. */
export interface TreeReading {
  readonly root: Tree | undefined;
  readonly faults: readonly TreeFault[];
}

const MAX_DEPTH = 100;
const TOO_DEEP = `nested more than ${MAX_DEPTH} levels deep`;
/** Values of a document that come through aliases. */
const MAX_ALIASED = 1_000_000;

const OPTIONS = {
  keepSourceTokens: true,
  prettyErrors: false,
  // Checked below: the parser compares every key with every other.
  uniqueKeys: false,
  // The same reading whatever a `%YAML` directive says: what reads manifests ignores it too.
  schema: 'core',
  merge: false,
  resolveKnownTags: false,
} as const;

/** Reads the text of one document: YAML 1.2 with the merge keys of 1.1. Faults never quote the text. */
export function readTree(text: string): TreeReading {
  const tokens = [...new Parser().parse(text)];
  const deep = tooDeep(tokens, MAX_DEPTH);
  if (deep !== undefined) {
    return { root: undefined, faults: [{ offset: deep, message: TOO_DEEP }] };
  }
  const composer = new Composer(OPTIONS);
  const documents = [...composer.compose(tokens)];
  const [document] = documents;
  const errors = [...composer.streamInfo().errors, ...documents.flatMap((one) => one.errors)];
  if (errors.length > 0) {
    return {
      root: undefined,
      faults: errors.map((error) => ({ offset: placeOfError(error, tokens), message: explain(error) })),
    };
  }
  // The parser sees no second document where `splitDocuments` saw none; were it otherwise, a change could go astray.
  if (documents.length > 1) return { root: undefined, faults: [{ offset: 0, message: 'two documents without "---"' }] };
  if (!document?.contents || isMissing(document)) return { root: undefined, faults: [] };
  const reader: Reader = { faults: [], anchors: new Map(), aliased: 0 };
  const token = tokens.find((one) => one.type === 'document');
  const root = read(document.contents, token?.start ?? [], reader);
  // Again, since aliases can nest what the text does not.
  if (root.depth > MAX_DEPTH) reader.faults.push({ offset: root.start, message: TOO_DEEP });
  return { root: reader.faults.length > 0 ? undefined : root, faults: reader.faults };
}

function isMissing({ contents }: Document): boolean {
  return isScalar(contents) && contents.value === null && !contents.srcToken && !contents.anchor && !contents.tag;
}

interface Reader {
  readonly faults: TreeFault[];
  /** What an anchor stands for; null while it is being read. */
  readonly anchors: Map<string, Tree | null>;
  aliased: number;
}

function read(node: Node | null | undefined, props: readonly CST.SourceToken[], reader: Reader, at = 0): Tree {
  if (!node) return missing(at);
  if (isAlias(node)) return readAlias(node.source, node.range?.[0] ?? at, node.range?.[1] ?? at, reader);
  const anchor = isScalar(node) || isMap(node) || isSeq(node) ? node.anchor : undefined;
  if (anchor !== undefined) reader.anchors.set(anchor, null);
  const start = node.range?.[0] ?? at;
  const own = props.filter(({ type }) => type === 'anchor' || type === 'tag');
  const [first, last] = [own[0], own.at(-1)];
  const place: Place = {
    start,
    end: node.range?.[1] ?? start,
    propsStart: first?.offset ?? start,
    propsEnd: last ? last.offset + last.source.length : start,
    anchor,
    tagged: props.some(({ type }) => type === 'tag'),
  };
  const tree = readContent(node, place, reader);
  if (anchor !== undefined) reader.anchors.set(anchor, tree);
  return tree;
}

type Place = Pick<Tree, 'start' | 'end' | 'propsStart' | 'propsEnd' | 'anchor' | 'tagged'>;

function readContent(node: Node, place: Place, reader: Reader): Tree {
  if (isSeq<Node | null>(node)) return readSeq(node.items, node.srcToken, place, reader);
  if (isMap<Node, Node | null>(node)) return readMap(node.items, node.srcToken, place, reader);
  if (isScalar(node)) return readScalar(node.value, node.type, node.source, place);
  reader.faults.push({ offset: place.start, message: 'expected a value' });
  return missing(place.start);
}

const STYLES: Readonly<Record<string, ScalarTree['style']>> = {
  PLAIN: 'plain',
  QUOTE_SINGLE: 'single',
  QUOTE_DOUBLE: 'double',
  BLOCK_LITERAL: 'block',
  BLOCK_FOLDED: 'block',
};

function readScalar(value: unknown, type: string | undefined, source: string | undefined, place: Place): ScalarTree {
  const plain = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' || value === null;
  const data: Json = plain ? value : (source ?? '');
  const style = place.start === place.end ? 'empty' : (STYLES[type ?? 'PLAIN'] ?? 'plain');
  return { kind: 'scalar', style, ...place, data, hasAlias: false, size: 1, depth: 1 };
}

function readAlias(name: string, start: number, end: number, reader: Reader): Tree {
  const target = reader.anchors.get(name);
  if (!target) {
    const why = target === null ? 'the alias stands inside its own anchor' : 'the alias has no anchor before it';
    reader.faults.push({ offset: start, message: why });
    return missing(start);
  }
  reader.aliased += target.size;
  if (reader.aliased > MAX_ALIASED && reader.aliased - target.size <= MAX_ALIASED) {
    reader.faults.push({ offset: start, message: `aliases stand for more than ${MAX_ALIASED} values` });
  }
  const { data, size, depth } = target;
  const alias: AliasTree = {
    kind: 'alias',
    target,
    start,
    end,
    propsStart: start,
    propsEnd: start,
    anchor: undefined,
    tagged: false,
    data,
    hasAlias: true,
    size,
    depth,
  };
  return alias;
}

function readSeq(
  nodes: readonly (Node | Pair | null)[],
  token: CST.Token | undefined,
  place: Place,
  reader: Reader,
): SeqTree {
  const flow = token?.type !== 'block-seq';
  const dashes = token?.type === 'block-seq' ? token.items.map(({ start }) => start).filter(hasDash) : [];
  const flowItems = token?.type === 'flow-collection' ? token.items.filter((item) => item.value || item.key) : [];
  const items = nodes.map((node, index): Item => {
    const tokens = dashes[index] ?? flowItems[index]?.start ?? [];
    const dash = tokens.find(({ type }) => type === 'seq-item-ind');
    // A node of a list is never a pair: pairs between brackets come as mappings of one entry.
    const value = read(node as Node | null, tokens, reader, dash ? dash.offset + 1 : place.end);
    return dash
      ? { start: dash.offset, head: dash.offset + 1, value }
      : { start: value.propsStart, head: value.propsStart, value };
  });
  const values = items.map(({ value }) => value);
  return { kind: 'seq', flow, items, ...place, data: values.map(({ data }) => data), ...sum(values) };
}

function hasDash(tokens: readonly CST.SourceToken[]): boolean {
  return tokens.some(({ type }) => type === 'seq-item-ind');
}

function readMap(
  pairs: readonly Pair<Node, Node | null>[],
  token: CST.Token | undefined,
  place: Place,
  reader: Reader,
): MapTree {
  const entries: Entry[] = [];
  const own = new Map<string, Json>();
  const merged = new Map<string, Json>();
  for (const pair of pairs) {
    const entry = readEntry(pair, reader);
    const problem = keyFault(entry, own);
    if (entry === undefined || problem !== undefined) {
      reader.faults.push({ offset: pair.key?.range?.[0] ?? place.start, message: problem ?? 'expected text as a key' });
      continue;
    }
    entries.push(entry);
    if (!entry.merge) own.set(entry.key, entry.value.data);
    else if (!merge(entry.value, merged)) {
      const message = 'expected a mapping, or a list of them, to merge';
      reader.faults.push({ offset: entry.value.start, message });
    }
  }
  const data = Object.fromEntries([...merged, ...own]);
  const { hasAlias, size, depth } = sum(entries.map(({ value }) => value));
  const alias = hasAlias || entries.some((entry) => entry.merge);
  return { kind: 'map', flow: token?.type !== 'block-map', entries, ...place, data, hasAlias: alias, size, depth };
}

function readEntry(pair: Pair<Node, Node | null>, reader: Reader): Entry | undefined {
  const { key } = pair;
  if (!isScalar(key)) return undefined;
  const text = keyText(key.value, key.source);
  const tokens = pair.srcToken;
  const before = tokens?.start.filter(({ type }) => KEY_START.has(type)) ?? [];
  const start = Math.min(key.range?.[0] ?? Infinity, ...before.map(({ offset }) => offset));
  const colon = tokens?.sep?.find(({ type }) => type === 'map-value-ind');
  const head = colon ? colon.offset + 1 : (key.range?.[1] ?? start);
  const merge = key.type === 'PLAIN' && key.source === '<<';
  if (key.anchor !== undefined) {
    reader.anchors.set(key.anchor, readScalar(key.value, key.type, key.source, { ...KEY_PLACE, start, end: head }));
  }
  const value = read(pair.value, tokens?.sep ?? [], reader, head);
  return { key: text, start, head, colon: colon !== undefined, merge, value };
}

const KEY_START: ReadonlySet<string> = new Set(['explicit-key-ind', 'anchor', 'tag']);
const KEY_PLACE: Omit<Place, 'start' | 'end'> = { propsStart: 0, propsEnd: 0, anchor: undefined, tagged: false };

function keyText(value: unknown, source: string | undefined): string {
  if (typeof value === 'string') return value;
  return value === null ? '' : (source ?? '');
}

function keyFault(entry: Entry | undefined, own: ReadonlyMap<string, Json>): string | undefined {
  if (entry === undefined || entry.merge) return undefined;
  if (entry.key === '__proto__') return 'not allowed as a key';
  return own.has(entry.key) ? 'the key stands here twice' : undefined;
}

/** https://yaml.org/type/merge.html: keys of the mapping itself win, then those of the mappings that come first. */
function merge(from: Tree, into: Map<string, Json>): boolean {
  const value = from.kind === 'alias' ? from.target : from;
  const sources = value.kind === 'seq' ? value.items.map((item) => item.value) : [value];
  return sources.every((source) => {
    const { data } = source;
    if (typeof data !== 'object' || data === null || Array.isArray(data)) return false;
    for (const [key, one] of Object.entries(data)) if (!into.has(key)) into.set(key, one);
    return true;
  });
}

function sum(values: readonly Tree[]): Pick<Tree, 'hasAlias' | 'size' | 'depth'> {
  return {
    hasAlias: values.some((value) => value.hasAlias),
    size: values.reduce((total, value) => total + value.size, 1),
    depth: values.reduce((most, value) => Math.max(most, value.depth), 0) + 1,
  };
}

function missing(at: number): ScalarTree {
  return {
    kind: 'scalar',
    style: 'empty',
    start: at,
    end: at,
    propsStart: at,
    propsEnd: at,
    anchor: undefined,
    tagged: false,
    data: null,
    hasAlias: false,
    size: 1,
    depth: 1,
  };
}
