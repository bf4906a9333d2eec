/** Bytes of a value that is kept; a longer one counts as absent. What is asked for are counts and names. */
const MAX_VALUE = 65_536;
/** Bytes of a key that is compared. */
const MAX_KEY = 64;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * Picks the values of a few members out of JSON that arrives in pieces, by their paths: `usage`, `response.usage`. Holds only these,
 * however long the text is or how deep it nests. What is not JSON has no members; nothing throws. A list at the top counts as the
 * documents in it.
 */
export class JsonMembers {
  readonly #wanted: ReadonlySet<string>;
  /** The paths of all containers that a wanted member may stand in, each with a dot behind it. */
  readonly #holders: ReadonlySet<string>;
  /** What was found, the last of each name. */
  values = new Map<string, unknown>();

  /** For each open container that may hold a wanted member: its path, and whether it is a list. Others are only counted. */
  #open: { readonly path: string; readonly list: boolean }[] = [];
  #depth = 0;
  #inString = false;
  #escaped = false;
  /** What of a key was read; undefined: this string is no key, or one that is not asked for. */
  #key: string | undefined;
  #expectKey = false;
  /** Path of the value that comes, when its container is one that counts. */
  #path: string | undefined;
  #kept: Uint8Array[] | undefined;
  #keptBytes = 0;
  #keptDepth = 0;
  #keptPath = '';

  constructor(wanted: ReadonlySet<string>) {
    this.#wanted = wanted;
    this.#holders = new Set([...wanted].flatMap(holdersOf));
  }

  /** Forgets everything, to begin with another document. */
  reset(): void {
    this.values = new Map();
    this.#open = [];
    this.#depth = 0;
    this.#inString = false;
    this.#escaped = false;
    this.#key = undefined;
    this.#expectKey = false;
    this.#path = undefined;
    this.#kept = undefined;
  }

  write(bytes: Uint8Array, from = 0, to = bytes.length): void {
    let keepFrom = from;
    for (let at = from; at < to; at++) {
      if (this.#inString) {
        at = this.#skipString(bytes, at, to);
        continue;
      }
      switch (bytes[at]) {
        case QUOTE:
          this.#inString = true;
          this.#key = this.#expectKey ? '' : undefined;
          break;
        case COLON:
          if (this.#kept === undefined && this.#path !== undefined && this.#wanted.has(this.#path)) {
            this.#kept = [];
            this.#keptBytes = 0;
            this.#keptDepth = this.#depth;
            this.#keptPath = this.#path;
            keepFrom = at + 1;
          }
          break;
        case OPEN_OBJECT:
        case OPEN_LIST:
          this.#enter(bytes[at] === OPEN_LIST);
          break;
        case COMMA:
        case CLOSE_OBJECT:
        case CLOSE_LIST: {
          if (this.#kept !== undefined && this.#depth === this.#keptDepth) this.#found(bytes.subarray(keepFrom, at));
          if (bytes[at] === COMMA) this.#next();
          else this.#leave();
          break;
        }
        default:
      }
    }
    if (this.#kept !== undefined) this.#keep(bytes.subarray(keepFrom, to));
  }

  /** The place of the last byte that was read as the string's. */
  #skipString(bytes: Uint8Array, from: number, to: number): number {
    for (let at = from; at < to; at++) {
      const byte = bytes[at];
      if (this.#escaped) this.#escaped = false;
      else if (byte === BACKSLASH) {
        this.#escaped = true;
        // No name that is asked for needs one.
        this.#key = undefined;
      } else if (byte === QUOTE) {
        this.#inString = false;
        if (this.#key !== undefined) this.#path = (this.#holder()?.path ?? '') + this.#key;
        this.#expectKey = false;
        return at;
      }
      if (this.#key === undefined) {
        if (!this.#escaped) at = quietUntil(bytes, at + 1, to) - 1;
      } else if (this.#key.length < MAX_KEY) this.#key += String.fromCharCode(byte ?? 0);
      else this.#key = undefined;
    }
    return to;
  }

  /** The innermost container, when it is one that counts. */
  #holder(): { readonly path: string; readonly list: boolean } | undefined {
    return this.#open.length === this.#depth ? this.#open.at(-1) : undefined;
  }

  #enter(list: boolean): void {
    const path = this.#pathOfNew(list);
    this.#depth++;
    this.#path = undefined;
    if (path !== undefined && this.#kept === undefined) this.#open.push({ path, list });
    this.#expectKey = this.#holder()?.list === false;
  }

  #pathOfNew(list: boolean): string | undefined {
    if (this.#depth === 0) return '';
    const holder = this.#holder();
    if (holder === undefined) return undefined;
    if (holder.list) return this.#depth === 1 && !list ? '' : undefined;
    const path = `${this.#path ?? ''}.`;
    return !list && this.#path !== undefined && this.#holders.has(path) ? path : undefined;
  }

  #leave(): void {
    if (this.#open.length === this.#depth) this.#open.pop();
    if (this.#depth > 0) this.#depth--;
    this.#path = undefined;
    this.#expectKey = false;
  }

  #next(): void {
    this.#path = undefined;
    this.#expectKey = this.#holder()?.list === false;
  }

  #keep(bytes: Uint8Array): void {
    this.#keptBytes += bytes.length;
    // Copied: whoever gave the bytes may use them for something else.
    if (this.#keptBytes <= MAX_VALUE) this.#kept?.push(new Uint8Array(bytes));
    else this.#kept = [];
  }

  #found(last: Uint8Array): void {
    this.#keep(last);
    const kept = this.#kept ?? [];
    this.#kept = undefined;
    if (this.#keptBytes > MAX_VALUE) return;
    try {
      this.values.set(this.#keptPath, JSON.parse(Buffer.concat(kept).toString()));
    } catch {
      // Not JSON: then it is not there.
    }
  }
}

/** The place of the first quote or backslash from `from` on. */
function quietUntil(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to && bytes[at] !== QUOTE && bytes[at] !== BACKSLASH) at++;
  return at;
}

/** `a.b.c` stands in `a.` and `a.b.`. */
function holdersOf(path: string): string[] {
  const names = path.split('.').slice(0, -1);
  return names.map((_, index) => `${names.slice(0, index + 1).join('.')}.`);
}
