import type { Json } from '../json.ts';
import { column, lineContentEnd, lineStart, nextLine } from './lines.ts';
import { matchItems } from './match-items.ts';
import { mapChange, predecessor } from './merged.ts';
import { blockEntry, blockItem } from './render.ts';
import { isBlockScalar, NotInPlace, pastComments, replaceValue, type Slot, type Splice } from './slot.ts';
import { type Entry, entryEnd, type Item, type MapTree, type SeqTree } from './tree.ts';

export function spliceBlockMap(tree: MapTree, after: Readonly<Record<string, Json>>, slot: Slot, splice: Splice): void {
  const { text, style } = splice;
  const change = mapChange(tree, after, splice);
  const [first] = tree.entries;
  if (first === undefined || change.kept.length === 0) return replaceValue(tree, after, slot, splice);
  const at = column(text, first.start);
  const keys = Object.keys(after);
  const added = Map.groupBy(change.added, (key) => predecessor(key, keys, change.kept));
  const blank = blankBetween(tree.entries, splice);
  const lines = (entry: Entry | undefined) =>
    (added.get(entry) ?? [])
      .map((key) => (entry ? blank : '') + blockEntry(key, after[key] ?? null, at, style))
      .join('');
  insertFirst(change.kept[0], lines(undefined), first, splice);
  const kept = new Set(change.kept);
  for (const entry of tree.entries) {
    if (!kept.has(entry)) removeBlock(entry, tree.entries, splice);
    else if (!entry.merge) {
      splice.visit(entry.value, after[entry.key] ?? null, {
        kind: 'key',
        column: at,
        head: entry.head,
        colon: entry.colon,
      });
    }
    insertAfter(entry, lines(entry), splice);
  }
}

export function spliceBlockSeq(tree: SeqTree, after: readonly Json[], slot: Slot, splice: Splice): void {
  const { text, style } = splice;
  const matches = matchItems(
    tree.items.map(({ value }) => value.data),
    after,
  );
  const [first] = tree.items;
  if (first === undefined || matches.length === 0) return replaceValue(tree, after, slot, splice);
  const at = column(text, first.start);
  const kept = new Map(matches.flatMap(([old, now]) => (tree.items[old] ? [[tree.items[old], now] as const] : [])));
  const blank = blankBetween(tree.items, splice);
  const lines = (from: number, to: number, gap: number, before: string) =>
    after
      .slice(from, to)
      .map((value) => before + blockItem(value, at, style, gap))
      .join('');
  const ends = [...kept.values(), after.length];
  insertFirst([...kept.keys()][0], lines(0, ends[0] ?? 0, gapOf(first, text), ''), first, splice);
  let next = 1;
  for (const item of tree.items) {
    const now = kept.get(item);
    const gap = gapOf(item, text);
    if (now === undefined) {
      removeBlock(item, tree.items, splice);
      continue;
    }
    splice.visit(item.value, after[now] ?? null, { kind: 'item', column: at, head: item.head, gap });
    insertAfter(item, lines(now + 1, ends[next] ?? after.length, gap, blank), splice);
    next += 1;
  }
}

/** A blank line where all the entries that are there have one between them. */
function blankBetween(entries: readonly (Entry | Item)[], { text, style }: Splice): string {
  const isSpaced = entries.slice(1).every((entry, index) => {
    const before = entries[index];
    return before !== undefined && /^[ \t]*\r?\n/m.test(text.slice(nextLine(text, entryEnd(before)), entry.start));
  });
  return isSpaced && entries.length > 1 ? style.eol : '';
}

/** Columns from the dash to what follows; 2 where that says nothing. */
function gapOf({ start, head, value }: Item, text: string): number {
  const gap = value.propsStart - start;
  return gap > 1 &&
    gap < 10 &&
    text.slice(head, value.propsStart).trim() === '' &&
    !text.slice(head, value.propsStart).includes('\n')
    ? gap
    : 2;
}

function startsLine({ start }: Entry | Item, text: string): boolean {
  return text.slice(lineStart(text, start), start).trim() === '';
}

/** Before all others: above the comments that stand right above the first, unless they may speak of the whole. */
function insertFirst(keptFirst: Entry | Item | undefined, lines: string, first: Entry | Item, splice: Splice): void {
  if (lines === '') return;
  const { text, style } = splice;
  if (!startsLine(first, text)) {
    // Behind a dash: the new lines take the place of the first, which moves down.
    const pad = ' '.repeat(column(text, first.start));
    splice.edit(
      first.start,
      first.start,
      `${lines.slice(pad.length, -style.eol.length)}${style.eol}${keptFirst === first ? pad : ''}`,
    );
    if (keptFirst !== first) throw new NotInPlace();
    return;
  }
  const at = lineStart(text, first.start);
  splice.edit(at, at, lines);
}

function insertAfter(entry: Entry | Item, lines: string, { text, edit }: Splice): void {
  if (lines === '') return;
  const at = pastComments(text, nextLine(text, entryEnd(entry)), column(text, entry.start) + 1);
  edit(at, at, lines);
}

/** Takes out lines; comments above stay. What stands behind a dash makes room for what follows. */
function removeBlock(entry: Entry | Item, all: readonly (Entry | Item)[], splice: Splice): void {
  const { text } = splice;
  splice.remove(entry.value);
  const end = nextLine(text, entryEnd(entry));
  if (startsLine(entry, text)) {
    splice.edit(lineStart(text, entry.start), pastComments(text, end, column(text, entry.start) + 1), '');
    return;
  }
  const next = all[all.indexOf(entry) + 1];
  if (next === undefined) throw new NotInPlace();
  if (text.slice(end, next.start).trim() === '') splice.edit(entry.start, next.start, '');
  else if (isBlockScalar(entry.value)) throw new NotInPlace();
  else splice.edit(entry.start, lineContentEnd(text, entryEnd(entry)), '');
}
