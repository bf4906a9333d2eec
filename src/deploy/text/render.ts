import { isList, isObject, type Json } from '../json.ts';
import { isBlockText, jsonText, type Scalar, scalarText } from './scalar-text.ts';
import type { Style } from './style.ts';

/** A value in block style: what stands behind the `:` or `-`, and the lines below, each with its line end. */
export interface BlockText {
  readonly inline: string;
  readonly lines: string;
}

/** `column` is that of the key; `dash` that of the list's dashes. */
export function blockValue(value: Json, column: number, style: Style): BlockText {
  if (isList(value) && value.length > 0) {
    return { inline: '', lines: blockItems(value, column + style.dash, style) };
  }
  if (isObject(value) && Object.keys(value).length > 0) {
    return { inline: '', lines: blockEntries(value, column + style.indent.length, style) };
  }
  return scalarOrEmpty(value, column, style.indent.length, style);
}

export function blockEntries(value: Readonly<Record<string, Json>>, column: number, style: Style): string {
  return Object.entries(value)
    .map(([key, one]) => blockEntry(key, one, column, style))
    .join('');
}

export function blockEntry(key: string, value: Json, column: number, style: Style): string {
  const { inline, lines } = blockValue(value, column, style);
  return `${' '.repeat(column)}${scalarText(key)}:${inline === '' ? '' : ` ${inline}`}${style.eol}${lines}`;
}

export function blockItems(values: readonly Json[], column: number, style: Style): string {
  return values.map((value) => blockItem(value, column, style)).join('');
}

/** `gap`: columns from the dash to what follows. */
export function blockItem(value: Json, column: number, style: Style, gap = 2): string {
  const { inline, lines } = itemValue(value, column, style, gap);
  return `${' '.repeat(column)}-${' '.repeat(gap - 1)}${inline}${style.eol}${lines}`;
}

/** A list's item, `column` being that of its dash. */
export function itemValue(value: Json, column: number, style: Style, gap = 2): BlockText {
  const inner = column + gap;
  const lines = isList(value)
    ? blockItems(value, inner, style)
    : isObject(value)
      ? blockEntries(value, inner, style)
      : '';
  if (lines === '') return scalarOrEmpty(value, column, gap, style);
  const end = lines.indexOf(style.eol);
  return { inline: lines.slice(inner, end), lines: lines.slice(end + style.eol.length) };
}

function scalarOrEmpty(value: Json, column: number, step: number, style: Style): BlockText {
  if (typeof value === 'string' && isBlockText(value)) return literal(value, column, step, style);
  return { inline: isScalarValue(value) ? scalarText(value) : isList(value) ? '[]' : '{}', lines: '' };
}

function literal(value: string, column: number, step: number, { eol }: Style): BlockText {
  const chomp = value.endsWith('\n') ? (value.endsWith('\n\n') ? '+' : '') : '-';
  // Where the text itself begins with a space, the indentation has to be said.
  const indentation = /^[\n ]/.test(value) ? String(step) : '';
  const pad = ' '.repeat(column + step);
  const body = (value.endsWith('\n') ? value.slice(0, -1) : value)
    .split('\n')
    .map((line) => (line === '' ? eol : `${pad}${line}${eol}`))
    .join('');
  return { inline: `|${indentation}${chomp}`, lines: body };
}

export interface FlowOptions {
  /** Quotes as JSON has them. */
  readonly json: boolean;
  /** Of the line that the value stands on; undefined: everything on one line. */
  readonly indent: string | undefined;
}

/** A value between brackets or braces. */
export function flowText(value: Json, options: FlowOptions, style: Style): string {
  const { json, indent } = options;
  if (isScalarValue(value)) return json ? jsonText(value) : scalarText(value, { flow: true });
  const inner = { json, indent: indent === undefined ? undefined : indent + style.indent };
  const parts = isList(value)
    ? value.map((item) => flowText(item, inner, style))
    : Object.entries(value).map(([key, one]) => flowEntry(key, one, inner, style));
  const [open, close] = isList(value) ? ['[', ']'] : ['{', '}'];
  if (parts.length === 0) return `${open}${close}`;
  if (inner.indent === undefined) return `${open}${parts.join(`,${style.space}`)}${close}`;
  const line = `${style.eol}${inner.indent}`;
  return `${open}${line}${parts.join(`,${line}`)}${style.eol}${indent}${close}`;
}

export function flowEntry(key: string, value: Json, options: FlowOptions, style: Style): string {
  const name = options.json ? jsonText(key) : scalarText(key, { flow: true });
  return `${name}:${style.space}${flowText(value, options, style)}`;
}

export function isScalarValue(value: Json): value is Scalar {
  return typeof value !== 'object' || value === null;
}
