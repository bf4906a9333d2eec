import type { Edit } from './edit.ts';
import type { Hunk } from './hunk.ts';
import { lineEnds } from './lines.ts';

/** Characters that are looked through before the search is given up. */
const MAX_SEARCHED = 2_000_000_000;

/** A hunk's text that is not there as it was put in. */
export interface Lost {
  readonly hunk: Hunk;
  /** Where it was to be found. */
  readonly near: number;
}

/**
 * The edits that take hunks back, in a text that may have been changed between them since; or the first hunk that cannot be
 * found. The hunks stand in their order. Those whose surroundings are untouched are found first, the others between them.
 */
export function findHunks(text: string, hunks: readonly Hunk[]): readonly Edit[] | Lost {
  const search = { text, left: MAX_SEARCHED };
  const places = surroundedPlaces(search, hunks);
  fill(places, hunks, text.length, (hunk, { from, to }) => loosePlace(search, hunk, from, to));
  fill(places, hunks, text.length, (hunk, gap) => countedPlace(text, hunk, gap));
  const edits: Edit[] = [];
  for (const [index, hunk] of hunks.entries()) {
    const place = places[index];
    if (place === undefined) return { hunk, near: nearest(places, hunks, index) };
    edits.push({ start: place, end: place + hunk.now.length, text: hunk.old });
  }
  return edits;
}

/** What lies between two hunks that have a place. */
interface Gap {
  readonly before: Hunk | undefined;
  readonly behind: Hunk | undefined;
  readonly from: number;
  readonly to: number;
}

type Places = (number | undefined)[];

/** Finds places for hunks that have none yet. */
function fill(
  places: Places,
  hunks: readonly Hunk[],
  end: number,
  find: (hunk: Hunk, gap: Gap) => number | undefined,
): void {
  const following = nextPlaced(places);
  let before: Hunk | undefined;
  let from = 0;
  for (const [index, hunk] of hunks.entries()) {
    const next = following[index] ?? hunks.length;
    const gap = { before, behind: hunks[next], from, to: places[next] ?? end };
    const place = places[index] ?? find(hunk, gap);
    if (place === undefined) continue;
    places[index] = place;
    before = hunk;
    from = place + hunk.now.length;
  }
}

/** For each, the next one that has a place. */
function nextPlaced(places: Readonly<Places>): number[] {
  let next = places.length;
  return places
    .map((place, index) => ({ place, index }))
    .toReversed()
    .map(({ place, index }) => {
      const following = next;
      if (place !== undefined) next = index;
      return following;
    })
    .toReversed();
}

/** Where lines were changed but none came or went between the hunks on both sides, the number of the line tells. */
function countedPlace(text: string, hunk: Hunk, { before, behind, from, to }: Gap): number | undefined {
  if (behind === undefined || hunk.now !== '') return undefined;
  const first = before === undefined ? 0 : before.line + lineEnds(before.now, 0, before.now.length);
  if (lineEnds(text, from, to) !== behind.line - first) return undefined;
  let at = from;
  for (let line = first; line < hunk.line; line += 1) at = text.indexOf('\n', at) + 1;
  return at;
}

interface Search {
  readonly text: string;
  left: number;
}

/** Where each hunk stands with all of its surroundings; the drift of those found so far says where to look. */
function surroundedPlaces(search: Search, hunks: readonly Hunk[]): Places {
  let drift = 0;
  let from = 0;
  return hunks.map((hunk) => {
    const lead = hunk.before.join('');
    const whole = lead + hunk.now + hunk.behind.join('');
    const expected = hunk.at + drift;
    const start = search.text.startsWith(whole, expected - lead.length)
      ? expected - lead.length
      : only(search, whole, Math.max(0, from - lead.length), search.text.length);
    if (start === undefined || start + lead.length < from) return undefined;
    drift = start + lead.length - hunk.at;
    from = start + lead.length + hunk.now.length;
    return start + lead.length;
  });
}

/** The one place between two others where a hunk stands with some of its surroundings. */
function loosePlace(search: Search, { now, before, behind }: Hunk, from: number, to: number): number | undefined {
  const most = before.length + behind.length;
  for (let pieces = most - 1; pieces >= (now === '' ? 1 : 0); pieces -= 1) {
    for (let lead = Math.min(pieces, before.length); lead >= Math.max(0, pieces - behind.length); lead -= 1) {
      const left = before.slice(before.length - lead).join('');
      const right = behind.slice(0, pieces - lead).join('');
      const start = only(
        search,
        left + now + right,
        Math.max(0, from - left.length),
        Math.min(search.text.length, to + right.length),
      );
      if (start !== undefined && start + left.length >= from && start + left.length + now.length <= to)
        return start + left.length;
    }
  }
  return undefined;
}

/** Where a text stands, if that is one place. */
function only(search: Search, wanted: string, from: number, to: number): number | undefined {
  const { text } = search;
  if (wanted.trim() === '' || search.left < 0) return undefined;
  search.left -= to - from;
  const first = text.indexOf(wanted, from);
  if (first === -1 || first + wanted.length > to) return undefined;
  const second = text.indexOf(wanted, first + 1);
  return second === -1 || second + wanted.length > to ? first : undefined;
}

function nearest(places: Readonly<Places>, hunks: readonly Hunk[], index: number): number {
  const before = places.findLastIndex((place, at) => at < index && place !== undefined);
  const drift = (places[before] ?? 0) - (hunks[before]?.at ?? 0);
  return Math.max(0, (hunks[index]?.at ?? 0) + drift);
}
