import { isList, isObject, type Json } from '../json.ts';
import { lineContentEnd, lineStart, nextLine } from './lines.ts';
import {
  type BlockText,
  blockEntries,
  blockItems,
  blockValue,
  type FlowOptions,
  flowText,
  isScalarValue,
  itemValue,
} from './render.ts';
import { type Quote, scalarText } from './scalar-text.ts';
import type { Style } from './style.ts';
import { contentEnd, isBlock, type Tree } from './tree.ts';

/** What a splice of one document carries along. */
export interface Splice {
  readonly text: string;
  readonly style: Style;
  /** What anchored values hold now, where it is not what they held; undefined where the anchor is gone. */
  readonly changed: Map<Tree, Json | undefined>;
  readonly edit: (start: number, end: number, replacement: string) => void;
  readonly visit: (tree: Tree, after: Json, slot: Slot) => void;
  /** Notes that a value is taken out, with the anchors in it. */
  readonly remove: (tree: Tree) => void;
}

/** Where a value stands: decides how another one in its place is written. */
export type Slot =
  | { readonly kind: 'root' }
  /** Behind a key in block style; `column` is the key's. */
  | { readonly kind: 'key'; readonly column: number; readonly head: number; readonly colon: boolean }
  /** Behind a dash; `column` is the dash's. */
  | { readonly kind: 'item'; readonly column: number; readonly head: number; readonly gap: number }
  /** Between brackets or braces. */
  | {
      readonly kind: 'flow';
      readonly head: number;
      readonly key: boolean;
      readonly colon: boolean;
      readonly options: FlowOptions;
    };

/** Thrown where text cannot be changed in place; the document is then written anew. */
export class NotInPlace extends Error {
  override readonly name = 'NotInPlace';
}

/** Writes another value in the place of one. */
export function replaceValue(tree: Tree, after: Json, slot: Slot, splice: Splice): void {
  splice.remove(tree);
  if (slot.kind === 'flow') replaceInFlow(tree, after, slot, splice);
  else if (slot.kind === 'root') replaceRoot(tree, after, splice);
  else replaceInBlock(tree, after, slot, splice);
}

function replaceInFlow(tree: Tree, after: Json, slot: Slot & { kind: 'flow' }, splice: Splice): void {
  const text = isSameKind(tree, after) ?? flowText(after, slot.options, splice.style);
  if (tree.kind === 'scalar' && tree.style === 'empty') {
    if (tree.propsStart !== tree.start) throw new NotInPlace();
    splice.edit(slot.head, slot.head, slot.key ? `${slot.colon ? '' : ':'} ${text}` : text);
  } else replaceInline(tree, text, after, splice);
}

/** Text in the quotes that the text before it had. */
function isSameKind(tree: Tree, after: Json): string | undefined {
  const quote: Quote | undefined =
    tree.kind === 'scalar' && (tree.style === 'single' || tree.style === 'double') ? tree.style : undefined;
  return quote !== undefined && typeof after === 'string' && !after.includes('\n')
    ? scalarText(after, { quote })
    : undefined;
}

/** A value between others on its line; its anchor stays where it is a scalar again, since others may stand for it. */
function replaceInline(tree: Tree, text: string, after: Json, splice: Splice): void {
  const keepsAnchor = tree.anchor !== undefined && !tree.tagged;
  splice.edit(keepsAnchor ? tree.start : tree.propsStart, tree.end, text);
  if (keepsAnchor) splice.changed.set(tree, after);
}

function replaceRoot(tree: Tree, after: Json, splice: Splice): void {
  const { text, style } = splice;
  if (tree.propsStart !== tree.start) throw new NotInPlace();
  if (isScalarValue(after) || style.json || isEmptyCollection(after)) {
    if (isBlock(tree) && text.slice(lineStart(text, tree.start), tree.start).trim() !== '') throw new NotInPlace();
    const json = flowText(
      after,
      { json: style.json, indent: style.json && text.includes('\n', tree.start + 1) ? '' : undefined },
      style,
    );
    splice.edit(tree.start, isBlock(tree) ? lineContentEnd(text, contentEnd(tree)) : tree.end, json);
    return;
  }
  if (lineStart(text, tree.start) !== tree.start) throw new NotInPlace();
  const lines = isList(after) ? blockItems(after, 0, style) : isObject(after) ? blockEntries(after, 0, style) : '';
  splice.edit(
    tree.start,
    isBlock(tree) || isBlockScalar(tree) ? nextLine(text, contentEnd(tree)) : nextLine(text, tree.end),
    lines,
  );
}

function isEmptyCollection(value: Json): boolean {
  return !isScalarValue(value) && Object.keys(value).length === 0;
}

type BlockSlot = Slot & { kind: 'key' | 'item' };

function replaceInBlock(tree: Tree, after: Json, slot: BlockSlot, splice: Splice): void {
  if (!isScalarValue(after) || isBlock(tree) || isBlockScalar(tree)) return replaceLines(tree, after, slot, splice);
  const text = isSameKind(tree, after) ?? rendered(after, slot, splice).inline;
  const hasLines = rendered(after, slot, splice).lines !== '' && isSameKind(tree, after) === undefined;
  if (hasLines) return replaceLines(tree, after, slot, splice);
  if (tree.kind === 'scalar' && tree.style === 'empty') return replaceLines(tree, after, slot, splice);
  return replaceInline(tree, text, after, splice);
}

function rendered(after: Json, slot: BlockSlot, { style }: Splice): BlockText {
  return slot.kind === 'key' ? blockValue(after, slot.column, style) : itemValue(after, slot.column, style, slot.gap);
}

/** Where one of the two values takes lines of its own: what follows the key or dash goes, comments behind it stay. */
function replaceLines(tree: Tree, after: Json, slot: BlockSlot, splice: Splice): void {
  const { text } = splice;
  const { inline, lines } = rendered(after, slot, splice);
  if (slot.kind === 'key' && !slot.colon) throw new NotInPlace();
  const old = oldPlace(tree, slot, text);
  splice.edit(
    slot.head,
    old.inlineEnd,
    inline === '' ? '' : ` ${' '.repeat(slot.kind === 'item' ? slot.gap - 2 : 0)}${inline}`,
  );
  // Comments that stood before the lines would become part of a text.
  const bodyStart = inline.startsWith('|') ? nextLine(text, old.inlineEnd) : old.bodyStart;
  splice.edit(bodyStart, old.bodyEnd, lines);
}

interface OldPlace {
  /** Where what stands on the line of the key or dash ends; comments begin there. */
  readonly inlineEnd: number;
  /** The lines below. */
  readonly bodyStart: number;
  readonly bodyEnd: number;
}

function oldPlace(tree: Tree, { head, column }: BlockSlot, text: string): OldPlace {
  if (tree.kind === 'scalar' && tree.style === 'empty') {
    const inlineEnd = tree.propsStart === tree.start ? head : tree.propsEnd;
    const body = nextLine(text, inlineEnd);
    return { inlineEnd, bodyStart: body, bodyEnd: body };
  }
  if (isBlockScalar(tree)) {
    const header = /^[|>][\d+-]*/.exec(text.slice(tree.start, tree.start + 4))?.[0] ?? '';
    const inlineEnd = tree.start + header.length;
    return { inlineEnd, bodyStart: nextLine(text, inlineEnd), bodyEnd: tree.end };
  }
  if (isBlock(tree)) {
    const begin = lineStart(text, tree.start);
    const end = nextLine(text, contentEnd(tree));
    if (begin <= head) return { inlineEnd: lineContentEnd(text, contentEnd(tree)), bodyStart: end, bodyEnd: end };
    const inlineEnd = tree.propsStart < tree.start ? tree.propsEnd : head;
    if (inlineEnd > nextLine(text, head)) throw new NotInPlace();
    return { inlineEnd, bodyStart: begin, bodyEnd: pastComments(text, end, column + 1) };
  }
  const end = nextLine(text, tree.end);
  return { inlineEnd: tree.end, bodyStart: end, bodyEnd: end };
}

export function isBlockScalar(tree: Tree): boolean {
  return tree.kind === 'scalar' && tree.style === 'block';
}

/** Past the comments that follow right away at a column or deeper: they speak of what stands before them. */
export function pastComments(text: string, offset: number, from: number): number {
  let at = offset;
  for (;;) {
    const [line = ''] = /[^\n]*\n?/y.exec(text.slice(at, at + 2_000)) ?? [];
    const indent = line.search(/\S/);
    if (indent < from || line[indent] !== '#' || !line.endsWith('\n')) return at;
    at += line.length;
  }
}
