import { isObject, type Json, type JsonObject } from '../json.ts';
import { numberOf, textOf } from './variables.ts';

/** Ports inside the container, both ends included. */
export interface Range {
  readonly first: number;
  readonly last: number;
}

/** One entry of `ports` or `expose`, in any of its forms. */
export interface PortEntry {
  /** Undefined where only Compose can know it. */
  readonly inside: Range | undefined;
  readonly udp: boolean;
  /** True where the entry itself says that HTTP is spoken there. */
  readonly web: boolean;
  /** The entry with one of its ports, and what answers to it on the host, leading to another port of the container. */
  move(from: number, to: number): Json;
}

export function readPort(entry: Json): PortEntry {
  return isObject(entry) ? readLong(entry) : readShort(entry);
}

function readLong(entry: JsonObject): PortEntry {
  const target = numberOf(entry['target']);
  const words = [entry['name'], entry['app_protocol']].filter((word) => typeof word === 'string');
  return {
    inside: target === undefined ? undefined : { first: target, last: target },
    udp: entry['protocol'] === 'udp',
    web: words.some((word) => /http|web/i.test(word)),
    move: (_, to) => ({ ...entry, target: to }),
  };
}

/** `[[ADDRESS:]HOST:]CONTAINER[/PROTOCOL]`; HOST and CONTAINER may be ranges, and each part a variable. */
function readShort(entry: Json): PortEntry {
  const [address, protocol] = cut(textOf(entry), '/');
  const [before, after] = cut(address, ':');
  const inside = rangeOf(after ?? before);
  return {
    inside,
    udp: protocol === 'udp',
    web: false,
    move: (from, to) => {
      if (typeof entry === 'number') return to;
      const host = after === undefined ? '' : `${hostOf(before, inside, from)}:`;
      return `${host}${to}${protocol === undefined ? '' : `/${protocol}`}`;
    },
  };
}

/** Of a range on the host that is as long as the container's, the one port that answers to it. */
function hostOf(host: string, inside: Range | undefined, from: number): string {
  const [before, after] = cut(host, ':');
  const outside = rangeOf(after ?? before);
  if (inside === undefined || outside === undefined || inside.first === inside.last) return host;
  if (outside.last - outside.first !== inside.last - inside.first) return host;
  const port = outside.first + from - inside.first;
  return after === undefined ? String(port) : `${before}:${port}`;
}

function rangeOf(text: string): Range | undefined {
  const one = numberOf(text);
  if (one !== undefined) return { first: one, last: one };
  const [, first, last] = /^(\d{1,5})-(\d{1,5})$/.exec(text) ?? [];
  return Number(first) <= Number(last) ? { first: Number(first), last: Number(last) } : undefined;
}

/** Cuts at the last separator that stands outside of `${…}` and `[…]`; without one there is no second part. */
function cut(text: string, separator: string): [string, string | undefined] {
  let depth = 0;
  for (let at = text.length - 1; at >= 0; at--) {
    const letter = text.charAt(at);
    if (letter === '}' || letter === ']') depth++;
    else if (letter === '{' || letter === '[') depth--;
    else if (letter === separator && depth === 0) return [text.slice(0, at), text.slice(at + 1)];
  }
  return [text, undefined];
}
