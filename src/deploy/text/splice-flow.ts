import type { Json } from '../json.ts';
import { lineStart } from './lines.ts';
import { matchItems } from './match-items.ts';
import { mapChange, predecessor } from './merged.ts';
import { type FlowOptions, flowEntry, flowText } from './render.ts';
import { NotInPlace, replaceValue, type Slot, type Splice } from './slot.ts';
import { type Entry, entryEnd, type Item, type MapTree, type SeqTree } from './tree.ts';

export function spliceFlowMap(tree: MapTree, after: Readonly<Record<string, Json>>, slot: Slot, splice: Splice): void {
  if (splice.text[tree.start] !== '{') return replaceValue(tree, after, slot, splice);
  const change = mapChange(tree, after, splice);
  if (change.kept.length === 0) return replaceValue(tree, after, slot, splice);
  const options = layoutOf(tree, tree.entries, after, slot, splice);
  const keys = Object.keys(after);
  const added = Map.groupBy(change.added, (key) => predecessor(key, keys, change.kept));
  const texts = (entry: Entry | undefined) =>
    (added.get(entry) ?? []).map((key) => flowEntry(key, after[key] ?? null, options, splice.style));
  const parts: Part[] = [...texts(undefined)];
  const kept = new Set(change.kept);
  for (const entry of tree.entries) {
    if (!kept.has(entry)) {
      splice.remove(entry.value);
      continue;
    }
    if (!entry.merge) {
      const { head, colon } = entry;
      splice.visit(entry.value, after[entry.key] ?? null, { kind: 'flow', head, key: true, colon, options });
    }
    parts.push(entry, ...texts(entry));
  }
  join(tree, tree.entries, parts, options, splice);
}

export function spliceFlowSeq(tree: SeqTree, after: readonly Json[], slot: Slot, splice: Splice): void {
  const { style } = splice;
  const matches = matchItems(
    tree.items.map(({ value }) => value.data),
    after,
  );
  if (matches.length === 0) return replaceValue(tree, after, slot, splice);
  const options = layoutOf(tree, tree.items, after, slot, splice);
  const parts: Part[] = [];
  const kept = new Map(matches);
  let done = 0;
  for (const [index, item] of tree.items.entries()) {
    const now = kept.get(index);
    if (now === undefined) {
      splice.remove(item.value);
      continue;
    }
    parts.push(...after.slice(done, now).map((value) => flowText(value, options, style)));
    splice.visit(item.value, after[now] ?? null, { kind: 'flow', head: item.head, key: false, colon: false, options });
    parts.push(item);
    done = now + 1;
  }
  parts.push(...after.slice(done).map((value) => flowText(value, options, style)));
  join(tree, tree.items, parts, options, splice);
}

/** What stays, or the text of what is new. */
type Part = string | Entry | Item;

interface Layout extends FlowOptions {
  /** Where one line becomes several: the indentation of the closing bracket. */
  readonly opened: string | undefined;
}

/** On lines of their own where the first is, or where one line would become too long; quoted as JSON where all of it is. */
function layoutOf(
  tree: MapTree | SeqTree,
  parts: readonly (Entry | Item)[],
  after: Json,
  slot: Slot,
  { text, style }: Splice,
): Layout {
  const first = parts[0]?.start ?? tree.end;
  const json = style.json || parts.every(({ start }) => text[start] === '"');
  if (text.slice(tree.start, first).includes('\n')) return { json, indent: indentAt(text, first), opened: undefined };
  const line = flowText(after, { json, indent: undefined }, style);
  if (line.length <= style.width) return { json, indent: undefined, opened: undefined };
  const opened = (slot.kind === 'flow' ? slot.options.indent : undefined) ?? indentAt(text, tree.start);
  return { json, indent: opened + style.indent, opened };
}

function indentAt(text: string, offset: number): string {
  return /^[ \t]*/.exec(text.slice(lineStart(text, offset), offset))?.[0] ?? '';
}

/** Writes the separators anew where a neighbour is new or gone; those between what stays are kept. */
function join(
  tree: MapTree | SeqTree,
  old: readonly (Entry | Item)[],
  parts: readonly Part[],
  layout: Layout,
  splice: Splice,
): void {
  const { text, style } = splice;
  const close = tree.end - 1;
  const between = layout.indent === undefined ? `,${style.space}` : `,${style.eol}${layout.indent}`;
  const following = new Map(old.map((part, index) => [part, old[index + 1]]));
  const gapAfter = (part: Entry | Item): string | undefined => {
    const next = following.get(part);
    if (next === undefined || layout.opened !== undefined) return undefined;
    return text.slice(entryEnd(part), next.start);
  };
  const [first] = old;
  const last = old.at(-1);
  if (first === undefined || last === undefined) throw new NotInPlace();
  const { opened } = layout;
  const tail = opened === undefined ? text.slice(entryEnd(last), close) : style.eol + opened;
  let from = tree.start + 1;
  let pending = opened === undefined ? text.slice(from, first.start) : between.slice(1);
  let previous: Part | undefined;
  for (const part of parts) {
    if (previous !== undefined)
      pending += typeof previous === 'string' ? between : (gapAfter(previous) ?? afterLast(tail, between));
    if (typeof part === 'string') pending += part;
    else {
      emit(from, part.start, pending, splice);
      from = entryEnd(part);
      pending = '';
    }
    previous = part;
  }
  emit(from, close, pending + tailAfter(previous, last, tail, gapAfter), splice);
}

function emit(start: number, end: number, replacement: string, { text, edit }: Splice): void {
  if (text.slice(start, end) !== replacement) edit(start, end, replacement);
}

/** Between what was the last and what now follows it: the comment behind it stays with it. */
function afterLast(tail: string, between: string): string {
  const comment = tail.lastIndexOf('#');
  if (comment === -1) return between;
  const end = tail.indexOf('\n', comment);
  const kept = tail.slice(0, end === -1 ? tail.length : end).trimEnd();
  return `${kept.trimStart().startsWith(',') ? '' : ','}${kept}${between.slice(1)}`;
}

function tailAfter(
  previous: Part | undefined,
  last: Entry | Item,
  tail: string,
  gapAfter: (part: Entry | Item) => string | undefined,
): string {
  if (previous === last) return tail;
  const end = tail.lastIndexOf('#');
  // The comments of the tail have gone with what they stand behind.
  const closing =
    end === -1 ? tail : `${tail.trimStart().startsWith(',') ? ',' : ''}${tail.slice(tail.indexOf('\n', end))}`;
  if (previous === undefined || typeof previous === 'string') return closing;
  const gap = gapAfter(previous) ?? '';
  return gap.includes('#') ? `${gap.replace(',', '').trimEnd()}${closing}` : closing;
}
