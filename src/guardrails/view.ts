import { isAsciiLetter, isDigit, unitAt } from './characters.ts';
import { addEdit, type Edits, editList } from './edits.ts';
import { escapedUnit, hexDigit } from './escapes.ts';
import { AS_IS, BACKSLASH, HALF, lookalikeOfPair, lookalikes, NOTHING, STOP, suspect } from './lookalikes.ts';
import { finish, STEP, type Steps } from './steps.ts';

/**
 * A text as a human or a lenient reader may take it: escapes decoded, what stands for an ASCII digit, letter, dash, space or
 * sign as that character, zero-width and combining characters left out. No two units of it stand for the same of the original.
 */
export interface View {
  readonly text: string;
  /**
   * The way back. For each unit of `text` that does not take exactly one unit of the original, in order, three numbers: its
   * place in `text`, how many units were left out right before it, and how many more than one it stands for.
   */
  readonly changes: readonly number[];
}

/** What a text has at some place; one object serves for all places of a text. */
export interface Change {
  /** In the original, of what `unit` stands for. */
  start: number;
  end: number;
  /** What stands there in the view; or `LEFT_OUT`; or `UNDECIDED`: it depends on what comes after the text. */
  unit: number;
}

export const LEFT_OUT = -1;
export const UNDECIDED = -2;

export function newChange(): Change {
  return { start: 0, end: 0, unit: 0 };
}

/** Whether the view of a text is another text, or may be when more comes. */
export function mayHide(text: string): boolean {
  const from = text.search(suspect());
  return from >= 0 && nextChange(text, from, text.length, false, newChange());
}

export function viewOf(text: string): View {
  return finish(viewInSteps(text));
}

/** Units that are put together at once. */
const ROOM = 4096;
/** A stretch without changes from this length on is taken as it is. */
const LONG = 64;

export function* viewInSteps(text: string): Steps<View> {
  const changes: number[] = [];
  const change = newChange();
  let out = '';
  let units: number[] = [];
  let length = 0;
  let done = 0;
  let left = 0;
  for (let stop = STEP; done < text.length; stop += STEP) {
    if (stop > STEP) yield;
    let at = Math.max(done, stop - STEP);
    while (nextChange(text, at, Math.min(stop, text.length), true, change)) {
      const { start, end, unit } = change;
      if (start - done >= LONG || units.length >= ROOM) {
        out += String.fromCharCode(...units) + text.slice(done, start);
        units = [];
      } else {
        for (let i = done; i < start; i++) units.push(unitAt(text, i));
      }
      if (left > 0 && start > done) {
        changes.push(length, left, 0);
        left = 0;
      }
      length += start - done;
      if (unit === LEFT_OUT) {
        left += end - start;
      } else {
        if (left > 0 || end - start > 1) changes.push(length, left, end - start - 1);
        left = 0;
        length++;
        units.push(unit);
      }
      at = end;
      done = end;
    }
    if (stop >= text.length) break;
  }
  if (done === 0) return { text, changes: NO_CHANGES };
  if (left > 0 && done < text.length) changes.push(length, left, 0);
  return { text: out + String.fromCharCode(...units) + text.slice(done), changes };
}

const NO_CHANGES: readonly number[] = Object.freeze([]);

/**
 * Edits of a view as edits of the original. A stretch begins where its first unit begins there, and ends where its last one
 * does: what was left out in between is inside, what was left out around it is not.
 */
export function* mapFromView({ changes }: View, edits: Edits): Steps<Edits> {
  if (changes.length === 0) return edits;
  const out = editList();
  let known = 0;
  let shift = 0;
  const { places, texts } = edits;
  for (let i = 0; i < texts.length; i++) {
    if (i % 4096 === 4095) yield;
    // Edits have two places each, changes three numbers.
    const start = places[2 * i] as number;
    const end = places[2 * i + 1] as number;
    while (known < changes.length && (changes[known] as number) < start) {
      shift += (changes[known + 1] as number) + (changes[known + 2] as number);
      known += 3;
    }
    // What comes in the place of nothing is the rest of the edit before.
    const leftOut = end > start && changes[known] === start ? (changes[known + 1] as number) : 0;
    const from = start + shift + leftOut;
    while (known < changes.length && (changes[known] as number) < end) {
      shift += (changes[known + 1] as number) + (changes[known + 2] as number);
      known += 3;
    }
    addEdit(out, from, end + shift, texts[i] as string);
  }
  return out;
}

/**
 * Finds the first place from `from` on, before `to`, where the view differs from the text, and fills `change` in; false when
 * there is none. `isEnd`: nothing comes after the text.
 */
export function nextChange(text: string, from: number, to: number, isEnd: boolean, change: Change): boolean {
  const table = lookalikes();
  for (let i = from; i < to; i++) {
    const c = text.charCodeAt(i);
    if (table[c] === AS_IS) continue;
    read(text, i, isEnd, change);
    if (change.end > i + 1 || change.unit !== c) return true;
  }
  return false;
}

/** For what comes after; filled in and read at once. */
const next = newChange();

/** What the view has for what begins at `at`. */
function read(text: string, at: number, isEnd: boolean, change: Change): void {
  readCharacter(text, at, isEnd, change);
  if (change.unit < 0 || lookalikes()[change.unit] !== STOP) return;
  // A name goes on after it, and be it with something that does not show: elsewhere it ends a sentence, or parts a list.
  readCharacter(text, change.end, isEnd, next);
  if (next.unit === UNDECIDED) change.unit = UNDECIDED;
  else if (next.unit === LEFT_OUT || isDigit(next.unit) || isAsciiLetter(next.unit)) change.unit = DOT;
}

const DOT = 46;

function readCharacter(text: string, at: number, isEnd: boolean, change: Change): void {
  readUnit(text, at, isEnd, change);
  if (change.unit < 0) return;
  // The table has a number for each code unit.
  const kind = lookalikes()[change.unit] as number;
  if (kind === NOTHING) change.unit = LEFT_OUT;
  else if (kind === HALF) readPair(text, isEnd, change);
  else if (kind > BACKSLASH) change.unit = kind;
}

/** The first half is there already. */
function readPair(text: string, isEnd: boolean, change: Change): void {
  const { start, end, unit } = change;
  readUnit(text, end, isEnd, change);
  if (change.unit !== UNDECIDED) {
    const isLow = change.unit >= 0xdc00 && change.unit < 0xe000;
    const kind = isLow ? lookalikeOfPair(unit, change.unit) : AS_IS;
    change.unit = kind === AS_IS ? unit : kind === NOTHING ? LEFT_OUT : kind;
    if (kind === AS_IS) change.end = end;
  }
  change.start = start;
}

/** There is none. */
const NONE = -3;
/** Of one escape: as many as there are when JSON was put into a JSON string, and that into another, four times over. */
const MOST_BACKSLASHES = 15;
const LOWER_U = 117;

/**
 * A unit, decoded when it is an escape of JSON, be it one that was escaped again. A backslash that begins none stands for
 * itself, and so do several.
 */
function readUnit(text: string, at: number, isEnd: boolean, change: Change): void {
  change.start = at;
  change.end = at + 1;
  if (at >= text.length) {
    change.unit = isEnd ? NONE : UNDECIDED;
    return;
  }
  change.unit = text.charCodeAt(at);
  if (change.unit !== 92) return;
  let letterAt = at + 1;
  while (unitAt(text, letterAt) === 92 && letterAt - at < MOST_BACKSLASHES) letterAt++;
  const letter = unitAt(text, letterAt);
  const unit = letter === 92 ? -1 : escapedUnit(text, letterAt - 1);
  if (unit >= 0) {
    change.unit = unit;
    change.end = letterAt + (letter === LOWER_U ? 5 : 1);
  } else if (!isEnd && breaksOff(text, letterAt)) {
    change.unit = UNDECIDED;
  } else {
    change.end = letterAt;
  }
}

/** Whether the text ends within what may become an escape whose letter is at `at`. */
function breaksOff(text: string, at: number): boolean {
  if (at >= text.length) return true;
  if (unitAt(text, at) !== LOWER_U || at + 5 <= text.length) return false;
  for (let i = at + 1; i < text.length; i++) if (hexDigit(unitAt(text, i)) < 0) return false;
  return true;
}
