import { isEqual } from '../equal.ts';
import { isObject, type Json } from '../json.ts';

/** An index before, and the index after of what is the same item. */
export type Match = readonly [before: number, after: number];

/** What lists of mappings name their items by. */
const NAMES = ['name', 'Name', 'key', 'Key', 'id', 'containerPort'];
/** Comparisons of items that are worth a small difference. */
const MAX_COMPARISONS = 250_000;

/** The items of a list that stay, both indexes rising. */
export function matchItems(before: readonly Json[], after: readonly Json[]): Match[] {
  for (const name of NAMES) {
    const [old, now] = [namesOf(before, name), namesOf(after, name)];
    if (old !== undefined && now !== undefined) return byName(old, now);
  }
  return byPlace(before, after);
}

/** Each item's name and index; undefined where one has none, or two have the same. */
function namesOf(items: readonly Json[], key: string): Map<string, number> | undefined {
  const names = new Map<string, number>();
  for (const [index, item] of items.entries()) {
    const name = isObject(item) ? item[key] : undefined;
    if (typeof name !== 'string' && typeof name !== 'number') return undefined;
    names.set(String(name), index);
  }
  return names.size === items.length ? names : undefined;
}

function byName(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): Match[] {
  const pairs: Match[] = [];
  for (const [name, index] of before) {
    const now = after.get(name);
    if (now !== undefined) pairs.push([index, now]);
  }
  return longestRising(pairs);
}

/** The most pairs whose second numbers rise; the others have moved. */
function longestRising(pairs: readonly Match[]): Match[] {
  const tails: number[] = [];
  const previous: number[] = [];
  for (const [index, [, now]] of pairs.entries()) {
    let [low, high] = [0, tails.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((pairs[tails[middle] ?? 0]?.[1] ?? 0) < now) low = middle + 1;
      else high = middle;
    }
    previous[index] = tails[low - 1] ?? -1;
    tails[low] = index;
  }
  const rising: Match[] = [];
  for (let at = tails.at(-1) ?? -1; at >= 0; at = previous[at] ?? -1) {
    const pair = pairs[at];
    if (pair) rising.push(pair);
  }
  return rising.toReversed();
}

function byPlace(before: readonly Json[], after: readonly Json[]): Match[] {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && isEqual(before[head], after[head])) head += 1;
  let tail = 0;
  while (tail < shorter - head && isEqual(before.at(-1 - tail), after.at(-1 - tail))) tail += 1;
  const matches: Match[] = Array.from({ length: head }, (_, index) => [index, index]);
  matches.push(...between(before, after, [head, before.length - tail], [head, after.length - tail]));
  for (let index = tail; index > 0; index -= 1) matches.push([before.length - index, after.length - index]);
  return matches;
}

type Range = readonly [from: number, to: number];

/** Equal items, and in the gaps between them those that stand opposite each other. */
function between(before: readonly Json[], after: readonly Json[], old: Range, now: Range): Match[] {
  const matches: Match[] = [];
  let [from, to] = [old[0], now[0]];
  for (const [index, other] of [...commonItems(before, after, old, now), [old[1], now[1]] as const]) {
    if (index - from === other - to) {
      for (let step = 0; from + step < index; step += 1) matches.push([from + step, to + step]);
    }
    if (index < old[1]) matches.push([index, other]);
    [from, to] = [index + 1, other + 1];
  }
  return matches;
}

/** The longest common subsequence. */
function commonItems(before: readonly Json[], after: readonly Json[], old: Range, now: Range): Match[] {
  const [rows, columns] = [old[1] - old[0], now[1] - now[0]];
  if (rows * columns > MAX_COMPARISONS) return [];
  const same = (row: number, column: number) => isEqual(before[old[0] + row], after[now[0] + column]);
  const width = columns + 1;
  const length = new Uint32Array((rows + 1) * width);
  const at = (row: number, column: number) => length[row * width + column] ?? 0;
  for (let row = rows - 1; row >= 0; row -= 1) {
    for (let column = columns - 1; column >= 0; column -= 1) {
      length[row * width + column] = same(row, column)
        ? at(row + 1, column + 1) + 1
        : Math.max(at(row + 1, column), at(row, column + 1));
    }
  }
  const matches: Match[] = [];
  for (let [row, column] = [0, 0]; row < rows && column < columns; ) {
    if (same(row, column)) {
      matches.push([old[0] + row, now[0] + column]);
      row += 1;
      column += 1;
    } else if (at(row + 1, column) >= at(row, column + 1)) row += 1;
    else column += 1;
  }
  return matches;
}
