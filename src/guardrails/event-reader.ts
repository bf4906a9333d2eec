import type { Thread } from './event-entry.ts';
import type { EventLanes } from './event-lanes.ts';
import { shortened } from './event-places.ts';
import type { EventTexts } from './event-texts.ts';
import type { HeldEvent } from './held-event.ts';
import { beginsLikeJson, isBlank, JoinedLines, JsonEvents } from './json-events.ts';
import { SseLines } from './sse-lines.ts';
import { STEP, type Steps } from './steps.ts';

/** Reads the texts of one event after the other, into lanes. */
export interface EventReader {
  /** Reads a short event that is like one before; false when it is not. */
  readAlike(event: HeldEvent, lanes: EventLanes): boolean;
  /** False when the event is not what it is said to be; it was read as text. */
  read(event: HeldEvent, lanes: EventLanes): Steps<boolean>;
}

const BYTE_ORDER_MARK = 0xfeff;
/** What ends the streams of some protocols, and is no text. */
const DONE = '[DONE]';
/** Units of a step, and as many as a line is worth besides. */
const TURN = 4096;
const WORTH = 64;

/** Server-sent events (WHATWG HTML §9.2). Their data are JSON, or else plain text. */
export class SseReader implements EventReader {
  readonly #texts: EventTexts;
  readonly #json: JsonEvents;
  #isFirst = true;

  constructor(texts: EventTexts) {
    this.#texts = texts;
    this.#json = new JsonEvents(texts);
  }

  readAlike(event: HeldEvent, lanes: EventLanes): boolean {
    return this.#json.readAlike(event, lanes);
  }

  *read(event: HeldEvent, lanes: EventLanes): Steps<true> {
    const { text } = event;
    const lines = new SseLines(text, this.#isFirst && text.charCodeAt(0) === BYTE_ORDER_MARK ? 1 : 0);
    this.#isFirst = false;
    // Of long ones, each text is looked at by itself.
    event.mayMatch = text.length > STEP || this.#texts.mayMatch(text, true);
    const data: number[] = [];
    let name = '';
    let spent = 0;
    while (lines.next()) {
      if (spent > TURN) {
        spent = 0;
        yield;
      }
      const { field, start, end } = lines;
      spent += WORTH;
      if (field === 'data') {
        data.push(start, end);
        continue;
      }
      if (field === 'event') name = text.slice(start, end);
      if (event.mayMatch) {
        const form = field === 'unknown' ? 'field' : 'line';
        spent += end - start;
        yield* lanes.singleInSteps(event, form, text.slice(start, end), [start, end], nowhere);
      }
    }
    if (data.length > 0) yield* this.#readData(event, lanes, data, name);
    return true;
  }

  *#readData(event: HeldEvent, lanes: EventLanes, data: number[], name: string): Steps<void> {
    // Lines have a start and an end.
    const start = data[0] as number;
    const end = data[1] as number;
    const isOne = data.length === 2;
    const joined = isOne ? undefined : yield* JoinedLines.of(event.text, data);
    const source = joined?.text ?? event.text;
    const from = isOne ? start : 0;
    const to = isOne ? end : source.length;
    if (beginsLikeJson(source, from, to)) {
      if (yield* this.#json.read(event, lanes, source, from, to, name, joined)) return;
    }
    const text = isOne ? source.slice(start, end) : source;
    if (text === DONE) yield* lanes.finish('');
    else if (event.isShort) lanes.push(event, 'data', text, data, plainThread(name));
    else yield* lanes.pushInSteps(event, 'data', text, data, plainThread(name));
  }
}

/** Lines of JSON: NDJSON, JSON Lines, JSON text sequences. */
export class JsonLineReader implements EventReader {
  readonly #texts: EventTexts;
  readonly #json: JsonEvents;
  #isFirst = true;

  constructor(texts: EventTexts) {
    this.#texts = texts;
    this.#json = new JsonEvents(texts);
  }

  readAlike(event: HeldEvent, lanes: EventLanes): boolean {
    return this.#json.readAlike(event, lanes);
  }

  *read(event: HeldEvent, lanes: EventLanes): Steps<boolean> {
    const { text } = event;
    let from = this.#isFirst && text.charCodeAt(0) === BYTE_ORDER_MARK ? 1 : 0;
    this.#isFirst = false;
    let to = text.length;
    while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
    while (from < to && isBlank(text.charCodeAt(from))) from++;
    if (to === from) return true;
    // Of long ones, each text is looked at by itself.
    event.mayMatch = text.length > STEP || this.#texts.mayMatch(text, true);
    if (beginsLikeJson(text, from, to)) {
      if (yield* this.#json.read(event, lanes, text, from, to, '', undefined)) return true;
    }
    if (yield* this.#json.isScalar(text, from, to)) {
      yield* this.#json.numberInSteps(event, lanes, text.slice(from, to), [from, to], nowhere);
      return true;
    }
    yield* lanes.pushInSteps(event, 'line', text.slice(from, to), [from, to], plainThread(''));
    return false;
  }
}

/** A plain text goes on where a JSON string that is all of an event does. */
function plainThread(name: string): Thread {
  return { key: `${shortened(name)}\n[0`, scope: '', holder: -1, isPiece: false, mayBeConstant: false, at: nowhere };
}

function nowhere(): undefined {
  return undefined;
}
