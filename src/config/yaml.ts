import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type YAMLError,
} from 'yaml';
import { type Fault, formatPath, type Origin, type Path } from './faults.ts';
import { emptyMap, FORBIDDEN_KEY, type Written, type WrittenEntry, type WrittenMap } from './written.ts';

export interface YamlReading {
  readonly root: WrittenMap;
  readonly faults: Fault[];
  /** False when the syntax is broken, and nothing can be said of the content. */
  readonly complete: boolean;
}

/**
 * One YAML document (1.2, with the merge keys of 1.1) with the place of every value. Linear in the text: anchors are read
 * once, and what they multiply into is bounded by whoever expands the result. Faults never quote the text.
 */
export function readYaml(text: string, file: string): YamlReading {
  const lines = new LineCounter();
  const at = (offset: number): Origin => {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col };
  };
  // Unique keys are checked below: the parser compares every key with every other.
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
    // `silent` would let a second document pass.
    logLevel: 'error',
  });
  const reader: Reader = { at, faults: [], anchors: new Map() };
  const problems = [...document.errors, ...document.warnings];
  for (const problem of problems) reader.faults.push({ ...at(problem.pos[0]), path: '', message: explain(problem) });
  const nothing = emptyMap({ file });
  if (problems.length > 0) return { root: nothing, faults: reader.faults, complete: false };
  const root = document.contents === null ? nothing : read(document.contents, [], reader);
  if (root.kind === 'map') return { root: { ...root, at: { file } }, faults: reader.faults, complete: true };
  const empty = root.kind === 'scalar' && root.value === null;
  if (!empty) reader.faults.push({ ...root.at, path: '', message: 'expected a mapping of keys to values' });
  return { root: nothing, faults: reader.faults, complete: true };
}

interface Reader {
  readonly at: (offset: number) => Origin;
  readonly faults: Fault[];
  /** What an anchor holds, so far; null while it is being read. */
  readonly anchors: Map<string, Written | null>;
}

function read(node: Node | null, path: Path, reader: Reader): Written {
  const at = reader.at(node?.range?.[0] ?? 0);
  if (node === null) return { kind: 'scalar', value: null, text: undefined, at };
  if (isAlias(node)) {
    const anchored = reader.anchors.get(node.source);
    if (anchored === undefined) return broken('the alias has no anchor before it', at, path, reader);
    return anchored ?? broken('the alias stands inside its own anchor', at, path, reader);
  }
  const anchor = isScalar(node) || isMap(node) || isSeq(node) ? node.anchor : undefined;
  if (anchor !== undefined) reader.anchors.set(anchor, null);
  const written = readContent(node, at, path, reader);
  if (anchor !== undefined) reader.anchors.set(anchor, written);
  return written;
}

function readContent(node: Node, at: Origin, path: Path, reader: Reader): Written {
  if (isSeq<Node>(node)) {
    return { kind: 'list', items: node.items.map((item, index) => read(item, [...path, index], reader)), at };
  }
  if (isMap<Node, Node | null>(node)) return readMap(node.items, at, path, reader);
  if (!isScalar(node)) return broken('expected a value', at, path, reader);
  const text = node.type === 'PLAIN' ? node.source : undefined;
  const { value } = node;
  const plain = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' || value === null;
  return { kind: 'scalar', value: plain ? value : (node.source ?? ''), text, at };
}

function readMap(pairs: readonly Pair<Node, Node | null>[], at: Origin, path: Path, reader: Reader): WrittenMap {
  const own = new Map<string, WrittenEntry>();
  const merged = new Map<string, WrittenEntry>();
  for (const pair of pairs) {
    const key = reader.at(pair.key.range?.[0] ?? 0);
    const name = isScalar(pair.key) ? (pair.key.source ?? String(pair.key.value)) : undefined;
    const problem = name === undefined ? 'expected text as a key' : keyFault(name, own);
    if (name === undefined || problem !== undefined) {
      broken(problem ?? '', key, name === undefined ? path : [...path, name], reader);
    } else if (name === '<<' && isScalar(pair.key) && pair.key.type === 'PLAIN') {
      merge(read(pair.value, [...path, name], reader), merged, path, reader);
    } else {
      own.set(name, { key, value: pair.value === null ? missing(key) : read(pair.value, [...path, name], reader) });
    }
  }
  return { kind: 'map', entries: new Map([...merged, ...own]), at };
}

/** https://yaml.org/type/merge.html: keys of the mapping itself win, then those of the mappings that come first. */
function merge(from: Written, into: Map<string, WrittenEntry>, path: Path, reader: Reader): void {
  const sources = from.kind === 'list' ? from.items : [from];
  for (const source of sources) {
    if (source.kind !== 'map') broken('expected a mapping, or a list of them, to merge', source.at, path, reader);
    else for (const [key, entry] of source.entries) if (!into.has(key)) into.set(key, entry);
  }
}

function keyFault(name: string, seen: ReadonlyMap<string, unknown>): string | undefined {
  if (name === FORBIDDEN_KEY) return 'not allowed as a key';
  return seen.has(name) ? 'the key stands here twice' : undefined;
}

function missing(at: Origin): Written {
  return { kind: 'scalar', value: null, text: undefined, at };
}

function broken(message: string, at: Origin, path: Path, reader: Reader): Written {
  reader.faults.push({ ...at, path: formatPath(path), message });
  return missing(at);
}

const MESSAGES: Partial<Record<YAMLError['code'], string>> = {
  BAD_ALIAS: 'an alias needs a name',
  BAD_DQ_ESCAPE: 'an escape sequence that YAML does not know; single quotes take backslashes as they are',
  BAD_INDENT: 'wrong indentation',
  BAD_SCALAR_START: 'a value that starts with this character needs quotes',
  BLOCK_AS_IMPLICIT_KEY: 'a mapping cannot start here: a value that holds ": " needs quotes',
  MISSING_CHAR: 'a closing quote, bracket, brace or colon is missing',
  MULTILINE_IMPLICIT_KEY: 'a key must stand on one line, with ":" after it',
  MULTIPLE_DOCS: 'the file holds more than one document',
  RESOURCE_EXHAUSTION: 'nested too deeply',
  TAB_AS_INDENT: 'tabs cannot indent',
  TAG_RESOLVE_FAILED: 'a tag that is not known, or does not fit its value',
  UNEXPECTED_TOKEN: 'nothing can stand here: a bracket, comma or quote too many, or missing before',
};

/** By code, since the parser's own messages quote the text, which may be a secret. */
function explain(problem: YAMLError): string {
  return `invalid YAML: ${MESSAGES[problem.code] ?? problem.code.toLowerCase().replaceAll('_', ' ')}`;
}
