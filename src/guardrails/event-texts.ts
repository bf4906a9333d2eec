import { addEdit, type Edits, editList, NO_EDITS } from './edits.ts';
import type { Engine } from './engine.ts';
import { unescapeJson } from './escapes.ts';
import { Lane } from './lane.ts';
import { rulesAt } from './path-filter.ts';
import type { Rule } from './rule.ts';
import type { Piece } from './run.ts';
import { isHinted, type Place, rulesFor, Scan } from './scan.ts';
import { STEP, type Steps } from './steps.ts';
import type { Tally } from './tally.ts';
import { mayHide, viewOf } from './view.ts';

/** One text that comes in pieces; see lane.ts. */
export interface TextLane {
  /** Whether anything is held back. */
  readonly holds: boolean;
  push(text: string): readonly Piece[];
  pushInSteps(text: string): Steps<readonly Piece[]>;
  end(): readonly Piece[];
  endInSteps(): Steps<readonly Piece[]>;
  release(): readonly Piece[];
}

/** What reads the texts of a stream of events. */
export interface EventTexts {
  /** Length of the shortest text in which anything may be found. */
  readonly shortest: number;
  /** Matches found so far. */
  readonly matches: number;
  readonly isBlocked: boolean;
  newLane(at: Place | undefined): TextLane;
  /** Edits of a short text that is whole. `quiet`: it was read before, so that rules that only count have counted. */
  read(text: string, at: Place | undefined, quiet: boolean): Edits;
  /** The same for a text of any length. */
  readInSteps(text: string, at: Place | undefined, quiet: boolean): Steps<Edits>;
  /**
   * False only when nothing is found in `text`; `joined`: in any of the texts in there, which have characters outside `\w`
   * before and after them, and may be JSON strings with their escapes.
   */
  mayMatch(text: string, joined: boolean): boolean;
  /** Whether a value may match for what its key says, whatever the text alone says. */
  isNamed(at: Place | undefined): boolean;
}

/** With the rules of an engine, which count in `tally`. */
export function eventTexts(engine: Engine, tally: Tally): EventTexts {
  const redacting: Engine = { ...engine, rules: engine.rules.filter(changes) };
  const laneFor = (using: Engine, at: Place | undefined): Lane => {
    const rules = at === undefined ? rulesAt(using.rules, undefined) : rulesFor(using, at);
    return new Lane(rules === using.rules ? using : { ...using, rules }, tally, at);
  };
  const isNamed = (at: Place | undefined): boolean =>
    engine.hasHints && at !== undefined && rulesFor(engine, at).some(isHinted);
  const read = (text: string, at: Place | undefined, quiet: boolean): Edits => {
    const scan = new Scan(quiet ? redacting : engine, text.length, tally);
    const hides = mayHide(text);
    const candidates = scan.candidates(text, false, hides);
    return scan.text(text, quiet ? candidates.filter(changes) : candidates, hides, at);
  };
  return {
    shortest: engine.shortest,
    get matches() {
      return tally.matches;
    },
    get isBlocked() {
      return tally.blockedBy !== undefined;
    },
    newLane: (at) => laneFor(engine, at),
    read,
    *readInSteps(text, at, quiet) {
      if (text.length <= SHORT) return read(text, at, quiet);
      const using = quiet ? redacting : engine;
      if (text.length <= STEP && !isNamed(at)) {
        const scan = new Scan(using, text.length, tally);
        if (scan.candidates(text, false, mayHide(text)).length === 0) return NO_EDITS;
      }
      // As one piece of a text, which is read bit by bit.
      return yield* readBySlices(laneFor(using, at), text);
    },
    isNamed,
    mayMatch: (text, joined) => {
      const plain = joined ? unescapeJson(text).text : text;
      if (engine.screen(plain, joined).length > 0) return true;
      return mayHide(plain) && engine.screen(viewOf(plain).text, joined).length > 0;
    },
  };
}

function* readBySlices(lane: Lane, text: string): Steps<Edits> {
  const edits = editList();
  let done = 0;
  let carried = '';
  const add = ({ raw, text }: Piece): void => {
    // What has no text of its own yet goes with what comes next.
    if (text !== undefined) carried += text;
    if (text !== undefined && raw > 0) {
      addEdit(edits, done, done + raw, carried);
      carried = '';
    }
    done += raw;
  };
  for (const piece of yield* lane.pushInSteps(text)) add(piece);
  for (const piece of yield* lane.endInSteps()) add(piece);
  return edits;
}

/** Up to here, no text takes long. */
export const SHORT = 2048;

/** Whether a rule does more than count. */
function changes({ action }: Rule): boolean {
  return action !== 'warn';
}
