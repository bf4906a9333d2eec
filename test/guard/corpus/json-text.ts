import type { Random } from './random.ts';

/** Digits that go into JSON as a number, however many there are. */
export class JsonNumber {
  readonly digits: string;

  constructor(digits: string) {
    this.digits = digits;
  }
}

export type Json = string | number | boolean | null | JsonNumber | readonly Json[] | { readonly [key: string]: Json };

/** How a program writes JSON. */
export interface JsonStyle {
  readonly indent: number;
  /** After colons and commas, as Python does. */
  readonly spaced: boolean;
  /** What is not ASCII as `\u00e9`. */
  readonly ascii: boolean;
  /** `/` as `\/`, as PHP does. */
  readonly slashes: boolean;
}

export const COMPACT: JsonStyle = { indent: 0, spaced: false, ascii: false, slashes: false };

export function jsonStyle(random: Random): JsonStyle {
  return random.weighted([
    [60, COMPACT],
    [15, { indent: 0, spaced: true, ascii: true, slashes: false }],
    [15, { indent: 2, spaced: true, ascii: false, slashes: false }],
    [5, { indent: 0, spaced: false, ascii: true, slashes: true }],
  ]);
}

export function toJson(value: Json, style: JsonStyle = COMPACT, depth = 0): string {
  if (value instanceof JsonNumber) return value.digits;
  if (typeof value === 'string') return quoted(value, style);
  if (value === null || typeof value !== 'object') return String(value);
  const isArray = Array.isArray(value);
  const members = isArray
    ? value.map((item: Json) => toJson(item, style, depth + 1))
    : Object.entries(value).map(
        ([key, item]) => `${quoted(key, style)}:${style.spaced ? ' ' : ''}${toJson(item, style, depth + 1)}`,
      );
  const [open, close] = isArray ? ['[', ']'] : ['{', '}'];
  if (members.length === 0) return open + close;
  if (style.indent === 0) return open + members.join(style.spaced ? ', ' : ',') + close;
  const line = `\n${' '.repeat(style.indent * depth)}`;
  const inner = line + ' '.repeat(style.indent);
  return open + inner + members.join(`,${inner}`) + line + close;
}

function quoted(text: string, { ascii, slashes }: JsonStyle): string {
  let out = JSON.stringify(text);
  if (ascii) out = out.replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return slashes ? out.replaceAll('/', '\\/') : out;
}
