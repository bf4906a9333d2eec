import { unescapeJson } from './escapes.ts';
import { CLASSES, isEndKind, type MemberClass, memberClass } from './event-members.ts';
import { JsonTokens, KEY, MAX_DEPTH, NUMBER, STRING, TRUE } from './json-tokens.ts';
import { DEEPER } from './path-filter.ts';
import type { Place } from './scan.ts';
import { STEP, type Steps } from './steps.ts';

/** Longer values tell nothing apart. */
const MOST_UNITS = 128;

/**
 * Where the strings of an event that is JSON stand, and which of them are one text with those of other events: same kind of
 * event, same path, same `index` (`*_index`, `item_id`, `artifactId`) beside or above it. One object serves all events of a
 * stream.
 */
export class EventPlaces {
  readonly tokens = new JsonTokens();
  #source = '';
  #kind = '';
  /** For each token that is no key. */
  #classes = new Uint8Array(0);
  /** Of containers: what tells it from others at the same path; its path; whether it holds pieces. Most have none of these. */
  readonly #tags = new Map<number, string>();
  readonly #plainIndexes = new Map<number, string>();
  readonly #hasKind = new Set<number>();
  readonly #paths = new Map<number, string>();
  readonly #isPiece = new Map<number, boolean>();

  /** What the last event was read by. */
  #isKnown = false;
  #name = '';
  #keys: string[] = [];
  #telling: { token: number; raw: string }[] = [];

  /** Nothing but the texts differs from the event before. */
  isLikeLast = false;
  /** All strings are pieces of texts. */
  hasPieces = false;
  /** All texts of the event are over. */
  isEnd = false;
  /** Containers whose texts are over. */
  readonly finished: number[] = [];

  /** Reads an event; false when it is no JSON. `name`: what else tells its kind. */
  *read(source: string, from: number, to: number, name: string): Steps<boolean> {
    const { tokens } = this;
    if (!(yield* this.#isJson(source, from, to))) {
      this.#isKnown = false;
      return false;
    }
    this.#source = source;
    // Events of a stream mostly differ in their texts only.
    this.isLikeLast = this.#isKnown && tokens.isSameShape && name === this.#name && (yield* this.#saysTheSame());
    if (this.isLikeLast) return true;
    // What is larger hardly comes again.
    this.#isKnown = tokens.count <= MOST_KNOWN;
    this.#name = name;
    this.#kind = shortened(name);
    this.#keys.length = 0;
    this.#telling.length = 0;
    this.hasPieces = false;
    this.isEnd = false;
    this.finished.length = 0;
    for (const known of [this.#tags, this.#plainIndexes, this.#hasKind, this.#paths, this.#isPiece]) known.clear();
    if (this.#classes.length < tokens.count) this.#classes = new Uint8Array(tokens.types.length);
    else if (this.#classes.length > tokens.types.length) this.#classes = this.#classes.slice(0, tokens.types.length);
    for (let i = 0; i < tokens.count; i++) {
      if (i % TURN === TURN - 1) yield;
      if (tokens.types[i] !== KEY) this.#classify(i);
      else if (this.#isKnown) this.#keys.push(this.#raw(i));
    }
    // A number that merely counts the events tells nothing.
    this.#telling = this.#telling.filter(
      ({ token }) => this.classOf(token) !== 'plain-index' || this.#hasIndex(tokens.holders[token] as number),
    );
    return true;
  }

  *#isJson(source: string, from: number, to: number): Steps<boolean> {
    const { tokens } = this;
    tokens.begin(source, from, to);
    if (to - from > STEP) yield;
    for (let end = tokens.next(); ; end = tokens.next()) {
      if (end !== 'pause') return end === 'valid';
      yield;
    }
  }

  /** Whether a token is known to be what it was in the last event that was like this one. */
  tells(token: number): boolean {
    return this.#telling.some((telling) => telling.token === token);
  }

  /** Keys, and the values that tell events apart, are those of the event before. */
  *#saysTheSame(): Steps<boolean> {
    const { types, count } = this.tokens;
    let next = 0;
    for (let i = 0; i < count; i++) {
      if (i % TURN === TURN - 1) yield;
      // There are as many keys as before.
      if (types[i] === KEY && !this.#isRaw(i, this.#keys[next++] as string)) return false;
    }
    for (const { token, raw } of this.#telling) if (!this.#isRaw(token, raw)) return false;
    return true;
  }

  #isRaw(token: number, raw: string): boolean {
    // Tokens have a start and an end.
    const start = this.tokens.starts[token] as number;
    return (this.tokens.ends[token] as number) - start === raw.length && this.#source.startsWith(raw, start);
  }

  #raw(token: number): string {
    return this.#source.slice(this.tokens.starts[token], this.tokens.ends[token]);
  }

  /** Whether a text is one number or literal. */
  *isScalar(source: string, from: number, to: number): Steps<boolean> {
    this.#isKnown = false;
    return (yield* this.#isJson(source, from, to)) && this.tokens.containers === 0 && this.tokens.count <= 1;
  }

  classOf(token: number): MemberClass {
    // What was read has a class.
    return CLASSES[this.#classes[token] as number] as MemberClass;
  }

  /** What the text of a token is joined by. */
  key(token: number): string {
    const { holders, where } = this.tokens;
    const holder = holders[token] as number;
    return this.#step(holder < 0 ? this.#kind : this.#path(holder), where[token] as number);
  }

  /** Whether what a token says is never a whole text. */
  isPiece(token: number): boolean {
    const cls = this.classOf(token);
    if (cls === 'piece') return true;
    if (this.hasPieces && cls === 'text') return true;
    const holder = this.tokens.holders[token] as number;
    return holder >= 0 && this.#holdsPieces(holder);
  }

  /** What tells the texts in a container from others, outermost first; begins with that of the containers around it. */
  scope(container: number): string {
    let scope = '';
    for (let at = container; at >= 0; at = this.tokens.parents[at] as number) {
      const tag = this.#tag(at);
      if (tag !== '') scope = `\n${tag}${scope}`;
    }
    return scope;
  }

  /** What is said of the whole event. */
  get wholeScope(): string {
    let scope = '';
    for (let at = 0; at < this.tokens.containers; at++) {
      const tag = this.#tag(at);
      if (tag !== '') scope += `\n${tag}`;
    }
    return scope;
  }

  /** Where a token is; holds on to nothing of the event. `isClean`: whether a key may be shown. */
  place(token: number, isClean: (key: string) => boolean): Place {
    const { holders, where, parents, parentWhere, types } = this.tokens;
    const steps: string[] = [];
    const position: (string | number)[] = [];
    const add = (where: number): void => {
      const step = where < 0 ? -1 - where : this.#text(where);
      position.push(step);
      if (typeof step === 'number') steps.push(`[${step}]`);
      else steps.push(step.length <= 64 && /^[A-Za-z_$][\w$-]*$/.test(step) && isClean(step) ? `.${step}` : '.*');
    };
    let at = holders[token] as number;
    if (types[token] === KEY) {
      // A key is where its value is; it is text to be read itself.
      position.push(this.#text(token));
      steps.push('.*');
    } else if (at >= 0) {
      add(where[token] as number);
    }
    for (; at >= 0; at = parents[at] as number) if ((parents[at] as number) >= 0) add(parentWhere[at] as number);
    const path = `$${steps.toReversed().join('')}`;
    const fromRoot = position.toReversed();
    if (fromRoot.length >= MAX_DEPTH) fromRoot.push(DEEPER);
    return { path: () => path, position: () => fromRoot };
  }

  #classify(token: number): void {
    const { types, holders, where } = this.tokens;
    const holder = holders[token] as number;
    const cls = this.#named(where[token] as number, holder);
    this.#classes[token] = CLASSES.indexOf(cls);
    if (!TELLING.has(cls) || holder < 0) return;
    const type = types[token];
    if (this.#isKnown) this.#telling.push({ token, raw: this.#raw(token) });
    switch (cls) {
      case 'kind':
        if (type === STRING) this.#addKind(token, holder);
        return;
      case 'index':
      case 'plain-index': {
        if (type !== STRING && type !== NUMBER) return;
        const value = this.#value(token);
        if (cls === 'plain-index') this.#plainIndexes.set(holder, value);
        else this.#addTag(holder, `${this.#text(where[token] as number)}=${value}\r`);
        return;
      }
      case 'finish':
        if (type === STRING && this.#value(token) !== '') this.finished.push(holder);
        return;
      case 'append':
        if (type === TRUE) this.hasPieces = true;
        return;
      case 'done':
        if (type !== STRING && type !== NUMBER) this.hasPieces = true;
        if (type === TRUE) this.isEnd = true;
        return;
      case 'end':
        if (type === TRUE) this.isEnd = true;
        return;
      default:
    }
  }

  /** The kind of an event is what its outermost object says, and with JSON-RPC the result or the parameters in there. */
  #addKind(token: number, holder: number): void {
    const { parents, parentWhere } = this.tokens;
    this.#hasKind.add(holder);
    const parent = parents[holder] as number;
    if (parent >= 0) {
      const name = parentWhere[holder] as number;
      if ((parents[parent] as number) >= 0 || name < 0 || !/^(?:result|params)$/.test(this.#text(name))) return;
    }
    const value = this.#value(token);
    this.#kind += `\n${value}`;
    if (isEndKind(value)) this.isEnd = true;
  }

  #named(where: number, holder: number): MemberClass {
    if (where >= 0) return memberClass(this.#text(where));
    if (holder < 0) return 'text';
    // An element is what its array is; names of arrays say nothing more.
    const { parents, parentWhere } = this.tokens;
    const name = parentWhere[holder] as number;
    if (name < 0) return (parents[holder] as number) < 0 ? 'text' : 'other';
    const cls = memberClass(this.#text(name));
    return cls === 'text' || cls === 'piece' || cls === 'protocol' ? cls : 'other';
  }

  #holdsPieces(container: number): boolean {
    const known = this.#isPiece.get(container);
    if (known !== undefined) return known;
    const { parents, parentWhere } = this.tokens;
    const name = parentWhere[container] as number;
    const parent = parents[container] as number;
    const holds =
      (name >= 0 && memberClass(this.#text(name)) === 'piece') || (parent >= 0 && this.#holdsPieces(parent));
    this.#isPiece.set(container, holds);
    return holds;
  }

  #path(container: number): string {
    const known = this.#paths.get(container);
    if (known !== undefined) return known;
    const { parents, parentWhere } = this.tokens;
    const parent = parents[container] as number;
    const where = parentWhere[container] as number;
    const tag = this.#tag(container);
    const base = parent < 0 ? this.#kind : this.#path(parent);
    // Elements that have an index are known by it, wherever they stand.
    const path = where < 0 && tag !== '' ? `${base}\n[]\r${tag}` : `${this.#step(base, where)}\r${tag}`;
    this.#paths.set(container, path);
    return path;
  }

  #step(base: string, where: number): string {
    return where < 0 ? `${base}\n[${-1 - where}` : `${base}\n${shortened(this.#text(where))}`;
  }

  #tag(container: number): string {
    const tag = this.#tags.get(container) ?? '';
    const index = this.#plainIndexes.get(container) ?? '';
    if (index === '') return tag;
    return this.#hasIndex(container) ? `${tag}index=${index}\r` : tag;
  }

  /** Whether `index` counts: in an element of an array, or beside a kind. */
  #hasIndex(container: number): boolean {
    const { parents, parentWhere } = this.tokens;
    const isElement = (parentWhere[container] as number) < 0 && (parents[container] as number) >= 0;
    return isElement || this.#hasKind.has(container);
  }

  /** A string or key without its escapes. */
  #text(token: number): string {
    const { starts, ends, escaped } = this.tokens;
    const raw = this.#source.slice(starts[token], ends[token]);
    return escaped[token] === 1 ? unescapeJson(raw).text : raw;
  }

  #value(token: number): string {
    const { starts, ends } = this.tokens;
    return (ends[token] as number) - (starts[token] as number) > MOST_UNITS ? '' : this.#text(token);
  }

  #addTag(container: number, tag: string): void {
    const tags = this.#tags.get(container) ?? '';
    if (tags.length <= MOST_TAGS) this.#tags.set(container, tags + tag);
  }
}

/** A name as part of others: of those that share a long one, each would be as long. */
export function shortened(name: string): string {
  if (name.length <= 2 * MOST_UNITS) return name;
  return `${name.slice(0, MOST_UNITS)}\r${name.length}\r${name.slice(-MOST_UNITS)}`;
}

/** What was said of a container tells enough from here on: it is part of the name of each text in there. */
const MOST_TAGS = 1024;

/** Classes of members that say something of the whole event, or of what is around them. */
const TELLING: ReadonlySet<MemberClass> = new Set(['kind', 'index', 'plain-index', 'finish', 'end', 'done', 'append']);
/** Tokens that are looked at in one step. */
const TURN = 1024;
/** Tokens of an event that is remembered. */
const MOST_KNOWN = 8192;
