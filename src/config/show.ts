import { Document, isMap, isScalar, isSeq, type Node } from 'yaml';
import type { Environment } from '../environment.ts';
import { readVariable } from './environment.ts';
import { formatOrigin, type Path } from './faults.ts';
import type { LoadResult } from './load.ts';
import { present } from './mask.ts';
import { MASK } from './secret.ts';
import { parsedShape } from './shape.ts';
import { VARIABLES } from './variables.ts';

/**
 * The effective configuration as YAML, each value with its origin as a comment: `file:line:column`, `env NAME`, or `default`.
 * Secrets come out as `***`, so what is printed loads again but for these.
 */
export function showConfig(result: LoadResult, env: Environment): string {
  const document = new Document(present(result.values, parsedShape()));
  annotate(document.contents, [], result);
  const secrets = VARIABLES.flatMap((variable) => {
    const found = 'secret' in variable && !('key' in variable) ? readVariable(env, variable.name) : undefined;
    return found === undefined ? [] : [` ${variable.description}: ${MASK} (${found.at.file})`];
  });
  const file = ` configuration file: ${result.file ?? 'none'}`;
  document.commentBefore = [file, ...secrets].join('\n');
  return document.toString({ lineWidth: 0 });
}

function annotate(node: Node | null, path: Path, result: LoadResult): void {
  if (isMap<{ value: unknown }, Node | null>(node) && node.items.length > 0) {
    for (const pair of node.items) annotate(pair.value, [...path, String(pair.key.value)], result);
  } else if (isSeq<Node>(node) && node.items.length > 0) {
    for (const [index, item] of node.items.entries()) annotate(item, [...path, index], result);
  } else if (isScalar(node) || isMap(node) || isSeq(node)) {
    // An empty collection keeps its comment on its line only in this style.
    if (!isScalar(node)) node.flow = true;
    const origin = result.originOf(path);
    node.comment = ` ${origin === undefined ? 'default' : formatOrigin(origin)}`;
  }
}
