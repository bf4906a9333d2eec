import type { Json } from '../json.ts';

interface Common {
  /** Offset of the value itself, behind its anchor and tag. */
  readonly start: number;
  /** Behind the value; behind the last line break of a block scalar. Of block collections, see `contentEnd`. */
  readonly end: number;
  /** Offset of the anchor or tag that comes first; `start` where there is neither. */
  readonly propsStart: number;
  /** Behind the anchor or tag that comes last; `propsStart` where there is neither. */
  readonly propsEnd: number;
  readonly anchor: string | undefined;
  readonly tagged: boolean;
  readonly data: Json;
  /** True where an alias or a merge key stands in it. */
  readonly hasAlias: boolean;
  /** Values in it, with what aliases stand for. */
  readonly size: number;
  /** Levels in it, with what aliases stand for. */
  readonly depth: number;
}

export interface ScalarTree extends Common {
  readonly kind: 'scalar';
  readonly style: 'plain' | 'single' | 'double' | 'block' | 'empty';
}

export interface AliasTree extends Common {
  readonly kind: 'alias';
  readonly target: Tree;
}

export interface MapTree extends Common {
  readonly kind: 'map';
  readonly flow: boolean;
  readonly entries: readonly Entry[];
}

export interface SeqTree extends Common {
  readonly kind: 'seq';
  readonly flow: boolean;
  readonly items: readonly Item[];
}

/** A value of a document with the place of its text. */
export type Tree = ScalarTree | AliasTree | MapTree | SeqTree;

export interface Entry {
  readonly key: string;
  /** Of the key, or the `?` before it. */
  readonly start: number;
  /** Behind the `:`, or behind the key where there is none. */
  readonly head: number;
  readonly colon: boolean;
  /** True for `<<`. */
  readonly merge: boolean;
  readonly value: Tree;
}

export interface Item {
  /** Of the `-`, or of the value in a flow sequence. */
  readonly start: number;
  /** Behind the `-`; `start` in a flow sequence. */
  readonly head: number;
  readonly value: Tree;
}

/** Where the text of a value ends, without the comments behind it. */
export function contentEnd(tree: Tree): number {
  if (tree.kind === 'map' && !tree.flow) {
    const last = tree.entries.at(-1);
    return last === undefined ? tree.end : entryEnd(last);
  }
  if (tree.kind === 'seq' && !tree.flow) {
    const last = tree.items.at(-1);
    return last === undefined ? tree.end : entryEnd(last);
  }
  return tree.end;
}

export function entryEnd({ head, value }: Entry | Item): number {
  return value.kind === 'scalar' && value.style === 'empty' ? Math.max(head, value.start) : contentEnd(value);
}

export function isBlock(tree: Tree): boolean {
  return (tree.kind === 'map' || tree.kind === 'seq') && !tree.flow;
}

export function children(tree: Tree): readonly (Entry | Item)[] {
  if (tree.kind === 'map') return tree.entries;
  return tree.kind === 'seq' ? tree.items : [];
}
