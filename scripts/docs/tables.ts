import type { Field, ObjectShape, Shape } from '../../src/config/shape-tree.ts';

export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n');
}

export const code = (value: unknown): string => `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;

/** What a value may be, in a word or two. */
function typeOf(shape: Shape): string {
  if (shape.kind === 'scalar') {
    if (shape.unit !== undefined) return shape.unit === 'ms' ? 'duration' : 'size';
    if (shape.values !== undefined) return shape.values.map(code).join(', ');
    if (shape.url === true) return 'URL';
    return shape.accepts.has('string') ? 'text' : [...shape.accepts].join(' or ');
  }
  if (shape.kind === 'list') {
    const { item } = shape;
    if (item.kind === 'scalar') return `list of ${typeOf(item)}`;
    const texts = item.kind === 'choice' ? item.options.filter((option) => option.kind === 'scalar') : [];
    return ['list of mappings', ...texts.map(typeOf)].join(' or ');
  }
  if (shape.kind === 'record')
    return `mapping of names to ${shape.value.kind === 'scalar' ? typeOf(shape.value) : 'entries'}`;
  if (shape.kind === 'choice') return [...new Set(shape.options.map(typeOf))].join(' or ');
  return 'mapping';
}

export function rowsOf(fields: ReadonlyMap<string, Field>, prefix: string): string[][] {
  const rows: string[][] = [];
  for (const [key, field] of fields) {
    const nested = field.shape.kind === 'object' ? field.shape.fields : undefined;
    const fallback = nested !== undefined || field.default === undefined ? '' : code(field.default);
    const path = `${prefix}${key}`;
    rows.push([code(path), typeOf(field.shape), field.required ? 'required' : fallback, field.description ?? '']);
    if (nested !== undefined) rows.push(...rowsOf(nested, `${path}.`));
  }
  return rows;
}

/** The mappings that stand in lists and under names of one's own: each its own table, but those that another page has. */
export function entryTables(
  fields: ReadonlyMap<string, Field>,
  elsewhere: readonly string[] = [],
  prefix = '',
): string {
  return [...fields]
    .flatMap(([name, { shape }]) => {
      const key = `${prefix}${name}`;
      if (elsewhere.includes(key)) return [];
      if (shape.kind === 'object') return entryTables(shape.fields, elsewhere, `${key}.`);
      const entry = shape.kind === 'list' ? shape.item : shape.kind === 'record' ? shape.value : undefined;
      const options = entry?.kind === 'choice' ? entry.options : entry === undefined ? [] : [entry];
      const where = shape.kind === 'list' ? `${key}[]` : `${key}.NAME`;
      return options.flatMap((option) => {
        if (option.kind !== 'object') return [];
        return [`### ${code(where)}${which(option)}\n\n${table(KEY_HEADS, rowsOf(option.fields, ''))}`];
      });
    })
    .filter((table) => table !== '')
    .join('\n\n');
}

/** What tells one of several mappings apart: a key that only it has, or the values of one that all have. */
function which({ fields, mark }: ObjectShape): string {
  if (mark !== undefined) return ` with ${code(mark)}`;
  for (const key of ['transport', 'type']) {
    const { shape, required } = fields.get(key) ?? {};
    if (required === true && shape?.kind === 'scalar' && shape.values !== undefined)
      return ` with ${key} ${shape.values.map(code).join(' or ')}`;
  }
  return '';
}

export const KEY_HEADS = ['Key', 'Type', 'Default', 'Meaning'];
