import type { Run } from './run.ts';
import { LEFT_OUT, newChange, nextChange, UNDECIDED } from './view.ts';

/**
 * The view of a text that comes in pieces: what the pieces give together is what the whole gives. Holds back a few units at
 * most: an escape or a pair of surrogates that is not complete, a full stop of another script.
 */
export class ViewReader {
  readonly #change = newChange();
  #held = '';

  /** Units at the end of what came that are not decided yet. */
  get held(): number {
    return this.#held.length;
  }

  /** Stretches that are what they seem come as one run, whose `text` is its `raw`; what is left out has no `text`. */
  push(text: string): Run[] {
    return this.#read(this.#held + text, false);
  }

  /** Nothing comes after what came. More can be pushed all the same; it is a new text then. */
  end(): Run[] {
    return this.#held === '' ? [] : this.#read(this.#held, true);
  }

  #read(text: string, isEnd: boolean): Run[] {
    const runs: Run[] = [];
    const change = this.#change;
    this.#held = '';
    let done = 0;
    while (nextChange(text, done, text.length, isEnd, change)) {
      const { start, end, unit } = change;
      if (start > done) addAsIs(runs, text.slice(done, start));
      if (unit === UNDECIDED) {
        this.#held = text.slice(start);
        return runs;
      }
      runs.push({
        text: unit === LEFT_OUT ? '' : String.fromCharCode(unit),
        raw: text.slice(start, end),
        edited: false,
      });
      done = end;
    }
    if (done < text.length) addAsIs(runs, done === 0 ? text : text.slice(done));
    return runs;
  }
}

function addAsIs(runs: Run[], text: string): void {
  runs.push({ text, raw: text, edited: false });
}
