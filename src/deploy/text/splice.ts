import { isEqual } from '../equal.ts';
import { isList, isObject, type Json } from '../json.ts';
import type { Edit } from './edit.ts';
import { replaceValue, type Slot, type Splice } from './slot.ts';
import { spliceBlockMap, spliceBlockSeq } from './splice-block.ts';
import { spliceFlowMap, spliceFlowSeq } from './splice-flow.ts';
import type { Style } from './style.ts';
import { children, type Tree } from './tree.ts';

/** The edits that turn the text of a document into one that holds `after`. The text ends with a line end. */
export function spliceEdits(text: string, root: Tree, after: Json, style: Style): Edit[] {
  const edits: Edit[] = [];
  const changed: Splice['changed'] = new Map();
  const splice: Splice = {
    text,
    style,
    changed,
    edit: (start, end, replacement) => edits.push({ start, end, text: replacement }),
    visit: (tree, wanted, slot) => visit(tree, wanted, slot, splice),
    remove: (tree) => remove(tree, splice),
  };
  splice.visit(root, after, { kind: 'root' });
  return edits;
}

function visit(tree: Tree, after: Json, slot: Slot, splice: Splice): void {
  const { changed } = splice;
  if (isEqual(tree.data, after) && (!tree.hasAlias || changed.size === 0)) return;
  if (tree.kind === 'alias') {
    const now = changed.has(tree.target) ? changed.get(tree.target) : tree.target.data;
    if (!isEqual(now, after)) replaceValue(tree, after, slot, splice);
    return;
  }
  if (tree.kind === 'map' && isObject(after) && tree.entries.length > 0 && Object.keys(after).length > 0) {
    if (tree.flow) spliceFlowMap(tree, after, slot, splice);
    else spliceBlockMap(tree, after, slot, splice);
  } else if (tree.kind === 'seq' && isList(after) && tree.items.length > 0 && after.length > 0) {
    if (tree.flow) spliceFlowSeq(tree, after, slot, splice);
    else spliceBlockSeq(tree, after, slot, splice);
  } else if (!isEqual(tree.data, after)) {
    replaceValue(tree, after, slot, splice);
    return;
  }
  if (tree.anchor !== undefined && !changed.has(tree) && !isEqual(tree.data, after)) changed.set(tree, after);
}

/** What goes takes its anchors along. */
function remove(tree: Tree, splice: Splice): void {
  if (tree.anchor !== undefined) splice.changed.set(tree, undefined);
  for (const { value } of children(tree)) remove(value, splice);
}
