import { guessWide } from './charset.ts';
import type { Engine } from './engine.ts';
import { SHORT } from './event-texts.ts';
import { inspectInSteps } from './inspect.ts';
import { Lane } from './lane.ts';
import { rulesAt } from './path-filter.ts';
import { looksLikeJson } from './peek.ts';
import type { Piece } from './run.ts';
import { finish, STEP, type Steps } from './steps.ts';
import type { StreamInspector, StreamOptions } from './stream.ts';
import type { Tally } from './tally.ts';
import { encodeLossless, LosslessDecoder } from './text-decoder.ts';
import type { Unreadable } from './unreadable.ts';

/** JSON under the name of text is read as JSON up to this size, and as text beyond. */
const MOST_JSON = 262_144;

/** Plain text that streams. */
export class TextStream implements StreamInspector {
  readonly #engine: Engine;
  readonly #tally: Tally;
  readonly #limit: number;
  readonly #decoder = new LosslessDecoder();
  readonly #lane: Lane;
  /** Taken, and not given. */
  #text = '';
  /** Undefined until it can be told. */
  #isJson: boolean | undefined;
  #json: Uint8Array[] = [];
  #size = 0;
  unreadable: Unreadable | undefined;
  /** Chunks that have come. */
  mark = 0;

  constructor(engine: Engine, tally: Tally, { limit }: StreamOptions) {
    this.#engine = engine;
    this.#tally = tally;
    this.#limit = limit;
    // What is limited to some JSON paths finds nothing in plain text.
    this.#lane = new Lane({ ...engine, rules: rulesAt(engine.rules, undefined) }, tally);
  }

  get holds(): boolean {
    return this.#text !== '' || this.#json.length > 0;
  }

  push(chunk: Uint8Array): Uint8Array {
    if (this.unreadable === 'too_large' || chunk.length === 0) return NOTHING;
    this.mark++;
    const next = this.#isJson === false ? chunk : this.#toText(chunk);
    if (next === undefined) return NOTHING;
    return next.length <= SHORT ? this.#pushText(next) : finish(this.#pushLong(next));
  }

  *pushInSteps(chunk: Uint8Array): Steps<Uint8Array> {
    if (this.unreadable === 'too_large' || chunk.length === 0) return NOTHING;
    this.mark++;
    const next = this.#isJson === false ? chunk : this.#toText(chunk);
    return next === undefined ? NOTHING : yield* this.#pushLong(next);
  }

  end(): Uint8Array {
    return finish(this.endInSteps());
  }

  *endInSteps(): Steps<Uint8Array> {
    if (this.unreadable === 'too_large') return NOTHING;
    if (this.#isJson === true) {
      const { bytes } = yield* inspectInSteps(this.#engine, this.#takeJson(), undefined, this.#tally);
      return this.#tally.blockedBy === undefined ? bytes : NOTHING;
    }
    const out = [yield* this.#pushLong(this.#takeJson())];
    const rest = this.#decoder.end();
    this.#text += rest;
    if (rest !== '') out.push(yield* this.#give(yield* this.#lane.pushInSteps(rest)));
    out.push(yield* this.#give(yield* this.#lane.endInSteps()));
    return joined(out);
  }

  release(before = this.mark): Uint8Array {
    return this.#isJson === false && before >= this.mark ? finish(this.#give(this.#lane.release())) : NOTHING;
  }

  /** Takes a chunk of what may be JSON; gives all that has come as soon as that is plain text. */
  #toText(chunk: Uint8Array): Uint8Array | undefined {
    const isFirst = this.#json.length === 0;
    this.#json.push(chunk);
    this.#size += chunk.length;
    if (this.#size > Math.min(MOST_JSON, this.#limit)) this.#isJson = false;
    // What was looked at before is not looked at again for white space that comes after it.
    else if (isFirst || !isBlank(chunk)) this.#isJson ??= this.#mayBeJson();
    return this.#isJson === false ? this.#takeJson() : undefined;
  }

  /** Undefined as long as only white space has come. */
  #mayBeJson(): boolean | undefined {
    const begun = Buffer.concat(this.#json);
    if (guessWide(begun, true) !== undefined) this.unreadable = 'unknown_charset';
    const text = begun.toString('latin1').replace(/^\u00ef\u00bb\u00bf/, '');
    return /^\s*$/.test(text) ? undefined : looksLikeJson(text);
  }

  #takeJson(): Uint8Array {
    const bytes = this.#json.length === 1 ? (this.#json[0] as Uint8Array) : Buffer.concat(this.#json);
    this.#json = [];
    return bytes;
  }

  #pushText(chunk: Uint8Array): Uint8Array {
    const text = this.#decoder.push(chunk);
    if (text === '') return NOTHING;
    this.#text += text;
    const out = this.#lane.push(text);
    return this.#kept(out.length <= FEW ? this.#giveAll(out) : finish(this.#give(out)));
  }

  *#pushLong(chunk: Uint8Array): Steps<Uint8Array> {
    const out: Uint8Array[] = [];
    for (let at = 0; at < chunk.length && this.unreadable !== 'too_large'; at += STEP) {
      if (at > 0) yield;
      const text = this.#decoder.push(chunk.subarray(at, at + STEP));
      if (text === '') continue;
      this.#text += text;
      out.push(this.#kept(yield* this.#give(yield* this.#lane.pushInSteps(text))));
    }
    return joined(out);
  }

  #kept(out: Uint8Array): Uint8Array {
    if (this.#text.length > this.#limit) {
      this.unreadable = 'too_large';
      this.#text = '';
    }
    return out;
  }

  /** As bytes, and no longer held. */
  *#give(pieces: readonly Piece[]): Steps<Uint8Array> {
    if (pieces.length <= FEW) return this.#giveAll(pieces);
    const out: Uint8Array[] = [];
    for (let at = 0; at < pieces.length; at += FEW) {
      out.push(this.#giveAll(pieces.slice(at, at + FEW)));
      yield;
    }
    return joined(out);
  }

  #giveAll(pieces: readonly Piece[]): Uint8Array {
    let out = '';
    let done = 0;
    for (const { raw, text } of pieces) {
      out += text ?? this.#text.slice(done, done + raw);
      done += raw;
    }
    this.#text = this.#text.slice(done);
    return out === '' ? NOTHING : encodeLossless(out);
  }
}

/** Pieces that are given at once. */
const FEW = 1024;

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const some = parts.filter(({ length }) => length > 0);
  return some.length === 0 ? NOTHING : some.length === 1 ? (some[0] as Uint8Array) : Buffer.concat(some);
}

/** Whether all of it is white space in ASCII. */
function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((c) => c === 32 || c === 10 || c === 13 || c === 9);
}

const NOTHING = new Uint8Array(0);
