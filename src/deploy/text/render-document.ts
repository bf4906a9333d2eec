import { Document } from 'yaml';
import { isEqual } from '../equal.ts';
import { isList, type Json } from '../json.ts';
import { readTree } from './read-tree.ts';
import { blockEntries, blockItems, flowText, isScalarValue } from './render.ts';
import type { Style } from './style.ts';

/** How files are written that are new. */
const NEW: Style = { eol: '\n', indent: '  ', dash: 2, json: false, space: ' ', width: Infinity };

/** Documents as a file. JSON holds one. */
export function renderDocuments(documents: readonly Json[], format: 'yaml' | 'json'): string {
  const style = { ...NEW, json: format === 'json' };
  return documents.map((data) => renderDocument(data, style)).join('---\n');
}

/** A document, its last line with its end. */
export function renderDocument(data: Json, style: Style): string {
  if (style.json) return `${flowText(data, { json: true, indent: '' }, style)}${style.eol}`;
  const text = renderYaml(data, style);
  const { root } = readTree(text);
  if (isEqual(root?.data ?? null, data)) return text;
  const written = new Document(data, { aliasDuplicateObjects: false }).toString({ lineWidth: 0 });
  return style.eol === '\n' ? written : written.replaceAll('\n', style.eol);
}

function renderYaml(data: Json, style: Style): string {
  if (isScalarValue(data) || Object.keys(data).length === 0) {
    return `${flowText(data, { json: false, indent: undefined }, style)}${style.eol}`;
  }
  return isList(data) ? blockItems(data, 0, style) : blockEntries(data, 0, style);
}
