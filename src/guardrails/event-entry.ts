import { addEdit, type EditList, editList } from './edits.ts';
import type { TextLane } from './event-texts.ts';
import type { Token } from './held-event.ts';
import type { Place } from './scan.ts';

/** Which text a string of an event belongs to. */
export interface Thread {
  readonly key: string;
  /** What tells it from others that stream at the same time, see event-places.ts. */
  readonly scope: string;
  /** Object or array that the string stands in; -1: none. */
  readonly holder: number;
  /** Always a piece of a text, never whole. */
  readonly isPiece: boolean;
  /** May turn out to be the same in every event. */
  readonly mayBeConstant: boolean;
  readonly at: () => Place | undefined;
}

/** A text that runs through events, with the strings of it that are not decided. */
export interface Entry {
  readonly scope: string;
  readonly at: Place | undefined;
  /** None while there is nothing to follow. */
  lane: TextLane | undefined;
  /** Not decided, in order; those before `head` are. */
  tokens: Token[];
  head: number;
  /** Something was found in all of those before it. */
  seenBefore: number;
  /** Stands in place of what has gone already. */
  carried: string;
  /** The last event that had a piece of it, and in what. */
  turn: number;
  /** `turn`, when it was looked at last to see which text is quiet. */
  seen: number;
  holder: number;
  /** Its strings are pieces of it, never all of it. */
  isPiece: boolean;
  /** Events that had texts, when it went on. */
  told: number;
  /** The value in all events so far; undefined: it changes. */
  constant: string | undefined;
  /** How often that has come again. */
  repeats: number;
  isFinished: boolean;
}

export function isToRead({ mayBeWhole, event, edits }: Token): boolean {
  return mayBeWhole && (event.mayMatch || edits !== undefined);
}

/** Something was found in what is not decided. */
export function markSeen(entry: Entry): void {
  const { tokens, head, seenBefore } = entry;
  for (let i = Math.max(head, seenBefore); i < tokens.length; i++) (tokens[i] as Token).isSeen = true;
  entry.seenBefore = tokens.length;
}

/** Gives up to `size` units to the token whose turn it is; how many are left. `isEdit`: what is carried stands for them. */
export function share(entry: Entry, size: number, isEdit: boolean): number {
  const token = entry.tokens[entry.head];
  if (token === undefined) return 0;
  const taken = Math.min(size, token.text.length - token.done);
  if (isEdit) {
    put(token, taken, entry.carried);
    entry.carried = '';
  }
  token.done += taken;
  if (token.done === token.text.length) entry.head++;
  return size - taken;
}

export function dropDecided(entry: Entry): void {
  const { tokens, head } = entry;
  if (head < tokens.length && head <= MANY_DECIDED) return;
  // Only when that are as many as are kept: else each of very many would cost a copy of all.
  if (head < tokens.length && 2 * head < tokens.length) return;
  if (head === tokens.length) tokens.length = 0;
  else entry.tokens = tokens.slice(head);
  entry.seenBefore = Math.max(0, entry.seenBefore - head);
  entry.head = 0;
}

/** Strings that are decided may pile up before they are dropped. */
const MANY_DECIDED = 64;

export function newEntry({ scope, at }: Thread, turn: number): Entry {
  return {
    scope,
    at: at(),
    lane: undefined,
    tokens: [],
    head: 0,
    seenBefore: 0,
    carried: '',
    turn,
    seen: turn,
    holder: -1,
    isPiece: false,
    told: 0,
    constant: '',
    repeats: 0,
    isFinished: false,
  };
}

/** Puts `text` in the place of the next `size` units. */
function put(token: Token, size: number, text: string): void {
  // Only this file makes edits of a token that is not decided.
  const edits = (token.edits ??= editList()) as EditList;
  join(edits, token.done, token.done + size, text);
}

/** Edits that touch become one. */
function join(edits: EditList, start: number, end: number, text: string): void {
  const { places, texts } = edits;
  if (places.length > 0 && places[places.length - 1] === start) {
    places[places.length - 1] = end;
    texts[texts.length - 1] += text;
  } else {
    addEdit(edits, start, end, text);
  }
}
