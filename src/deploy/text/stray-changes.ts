import { getAt } from '../edit.ts';
import { isEqual } from '../equal.ts';
import { isSidecar } from '../found-sidecar.ts';
import { isList, isObject, type Json, type JsonObject, type Path } from '../json.ts';
import { SIDECAR_NAME } from '../plan.ts';
import { shown } from '../shown.ts';

/** A file at three times, each as its documents' data. */
export interface Times {
  /** As it is, with a sidecar. */
  readonly given: readonly Json[];
  /** As its record says that it was. */
  readonly ejected: readonly Json[];
  /** What injecting makes of `ejected`: with several plans, since the one that made `given` is not known. */
  readonly injected: readonly (readonly Json[])[];
}

/**
 * Where ejecting changes what no injection touches: the record, a comment that anybody can write, would rewrite the rest of the
 * file. Paths begin with the document's index.
 */
export function strayChanges({ given, ejected, injected }: Times): Path[] {
  const strays: Path[] = [];
  compare({ was: ejected, is: given, becomes: injected }, [], strays);
  return strays;
}

/** One place at the three times; undefined where there is nothing. */
interface Place {
  readonly was: Json | undefined;
  readonly is: Json | undefined;
  readonly becomes: readonly (Json | undefined)[];
}

function compare({ was, is, becomes }: Place, path: Path, strays: Path[]): void {
  if (isEqual(was, is) || becomes.some((one) => isEqual(is, one))) return;
  const touching = becomes.filter((one) => !isEqual(was, one));
  const all = [was, is, ...(touching.length > 0 ? touching : [was])];
  if (all.every(isObject)) {
    compareMaps({ was, is, becomes } as Place & Record<'was' | 'is', JsonObject>, path, strays);
  } else if (all.every(isList)) {
    compareLists({ was, is, becomes } as Place & Record<'was' | 'is', readonly Json[]>, path, strays);
  } else if (touching.length === 0 || !touching.some((one) => keepsWords(was, is, one))) {
    strays.push(path);
  }
}

/** What injecting leaves of a text that it changes, such as the words of a command line, must be there now. */
function keepsWords(was: Json | undefined, is: Json | undefined, becomes: Json | undefined): boolean {
  if (typeof was !== 'string' || typeof is !== 'string' || typeof becomes !== 'string') return true;
  const [now, then] = [is, becomes].map((text) => new Set(text.split(/\s+/)));
  return was.split(/\s+/).every((word) => then?.has(word) !== true || now?.has(word) === true);
}

function compareMaps(place: Place & Record<'was' | 'is', JsonObject>, path: Path, strays: Path[]): void {
  const { was, is, becomes } = place;
  for (const key of new Set([...Object.keys(was), ...Object.keys(is)])) {
    const at = [...path, key];
    const own = {
      was: memberOf(was, key),
      is: memberOf(is, key),
      becomes: becomes.map((one) => memberOf(one, key)),
    };
    const lost = own.was === undefined && own.becomes.every((one) => one === undefined);
    if (lost && (ridesAlong(own.is) || waitsFor(place, path))) continue;
    compare(own, at, strays);
  }
}

/** In Compose, the MCP servers of another plan: they are on the sidecar's network. */
function ridesAlong(service: Json | undefined): boolean {
  return getAt(service, ['network_mode']) === `service:${SIDECAR_NAME}`;
}

/** In Compose, that the agent waits for them. */
function waitsFor({ was, becomes }: Place, path: Path): boolean {
  const adds = (one: Json | undefined) =>
    isObject(one) && Object.keys(one).some((key) => memberOf(was, key) === undefined);
  return path.at(-1) === 'depends_on' && becomes.some(adds);
}

function memberOf(value: Json | undefined, key: string): Json | undefined {
  return isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

interface Item {
  readonly index: number;
  readonly value: Json;
  readonly key: string;
  readonly label: string | undefined;
}

function compareLists(place: Place & Record<'was' | 'is', readonly Json[]>, path: Path, strays: Path[]): void {
  const became = place.becomes.filter(isList);
  const skip = sameAtStart(place.was, place.is, became);
  const was = itemsOf(place.was, skip);
  const is = itemsOf(place.is, skip);
  const becomes = became.map((one) => itemsOf(one, skip));
  // What no injection changes in the list must be in it now, as often.
  const then = becomes.map((one) => counted(one));
  const now = counted(is);
  const kept: Item[] = [];
  const changed: Item[] = [];
  for (const item of was) {
    const stays = then.map((one) => taken(one, item.key)).every(Boolean);
    if (taken(now, item.key)) continue;
    (stays ? kept : changed).push(item);
  }
  const restIs = rest(is, was);
  const restBecomes = becomes.map((one) => rest(one, was));
  const used = new Set<Item>();
  for (const item of kept) {
    const twin = item.label === undefined ? sameIndex(place, item, restIs) : twinOf(item, 0, restIs);
    if (twin !== undefined) used.add(twin);
    compare({ was: item.value, is: twin?.value, becomes: [item.value] }, [...path, twin?.index ?? item.index], strays);
  }
  for (const [rank, item] of changed.entries()) {
    const twins = restBecomes.map((one) => twinOf(item, rank, one));
    const twin = twinOf(item, rank, restIs);
    for (const one of [twin, ...twins]) if (one !== undefined) used.add(one);
    compare(
      { was: item.value, is: twin?.value, becomes: twins.map((one) => one?.value) },
      [...path, twin?.index ?? item.index],
      strays,
    );
  }
  const added = restBecomes.map((items) => items.filter((item) => !used.has(item)));
  for (const item of restIs) {
    if (!used.has(item) && !mayGo(item, added, path)) strays.push([...path, item.index]);
  }
}

/** True for an item that injecting can have added. */
function mayGo({ value, label }: Item, added: readonly (readonly Item[])[], path: Path): boolean {
  if (isSidecar(memberOf(value, 'name') ?? memberOf(value, 'Name'), memberOf(value, 'image'))) return true;
  // Whole objects of the platform are known by their names: among programs, the MCP servers of another plan may go as well.
  if (path.length > 0 && path.at(-1) !== 'items') return added.some((items) => items.length > 0);
  return added.some((items) => items.some((item) => item.label === label));
}

function sameAtStart(was: readonly Json[], is: readonly Json[], becomes: readonly (readonly Json[])[]): number {
  const index = was.findIndex((item, at) => ![is, ...becomes].every((one) => isEqual(one[at], item)));
  return index === -1 ? was.length : index;
}

function itemsOf(list: readonly Json[], from: number): Item[] {
  return list.slice(from).map((value, at) => ({ index: from + at, value, key: keyOf(value), label: labelOf(value) }));
}

/** The same for equal data: the order of keys does not count. */
function keyOf(value: Json): string {
  return JSON.stringify(value, (_, one: Json) =>
    isObject(one) ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1))) : one,
  );
}

/** What tells an item of a list from the others; undefined where nothing does. */
function labelOf(value: Json): string | undefined {
  const name = memberOf(value, 'name') ?? memberOf(value, 'Name') ?? getAt(value, ['metadata', 'name']);
  return name === undefined ? undefined : `${shown(memberOf(value, 'kind'))} ${shown(name)}`;
}

function counted(items: readonly Item[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { key } of items) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

function taken(counts: Map<string, number>, key: string): boolean {
  const left = counts.get(key) ?? 0;
  if (left > 0) counts.set(key, left - 1);
  return left > 0;
}

/** The items that are not in the other list as well. */
function rest(items: readonly Item[], others: readonly Item[]): Item[] {
  const counts = counted(others);
  return items.filter(({ key }) => !taken(counts, key));
}

function sameIndex({ was, is }: Place, { index }: Item, items: readonly Item[]): Item | undefined {
  return isList(was) && isList(is) && was.length === is.length ? items.find((one) => one.index === index) : undefined;
}

function twinOf({ label }: Item, rank: number, items: readonly Item[]): Item | undefined {
  if (label !== undefined) return items.find((one) => one.label === label);
  return items.filter((one) => one.label === undefined)[rank];
}
