import { safeParse } from 'zod';
import { type Fault, formatPath, type Path } from './faults.ts';
import { type Field, fieldsOf, type ScalarShape, type Shape } from './shape-tree.ts';
import { DEEPEST, type Written, type WrittenMap, type WrittenScalar } from './written.ts';

/** Aliases multiply: this many values, once expanded, are more than any real configuration holds. */
const MOST_VALUES = 250_000;

/**
 * Turns what was written into what the validator reads. The schema decides what an unquoted value means, as with the typed
 * YAML readers of other languages: `1.10` for a text stays `1.10`, `yes` for a switch is true. A key with nothing behind it,
 * or with an empty text that it cannot take, is as if it were not there.
 */
export function settle(root: WrittenMap, shape: Shape): { value: unknown; faults: Fault[] } {
  const faults: Fault[] = [];
  let budget = MOST_VALUES;

  const visit = (written: Written, shape: Shape | undefined, path: Path): unknown => {
    budget--;
    if (budget < 0 || path.length > DEEPEST) {
      const message = budget < 0 ? 'too many values, with all aliases expanded' : 'nested too deeply';
      if (faults.length === 0) faults.push({ ...written.at, path: formatPath(path.slice(0, 3)), message });
      return undefined;
    }
    if (written.kind === 'scalar') return scalarValue(written, scalarIn(shape));
    if (written.kind === 'list') {
      const item = shape?.kind === 'list' ? shape.item : undefined;
      return written.items.map((value, index) => visit(value, item, [...path, index]));
    }
    const fields = fieldsOf(shape, (key) => textOf(written, key));
    const result: Record<string, unknown> = {};
    for (const [key, { value }] of written.entries) {
      const field = fields.get(key);
      if (field !== undefined && isAbsent(value, field.schema)) continue;
      result[key] = visit(value, field?.shape ?? (shape?.kind === 'record' ? shape.value : undefined), [...path, key]);
    }
    return result;
  };

  return { value: visit(root, shape, []), faults };
}

/** What was written for a key that tells options apart, such as `transport`: text, or something else that stands there. */
export function textOf(written: WrittenMap, key: string): unknown {
  const value = written.entries.get(key)?.value;
  return value?.kind === 'scalar' ? value.value : value;
}

function isAbsent(written: Written, schema: Field['schema']): boolean {
  if (written.kind !== 'scalar') return false;
  return written.value === null || (written.value === '' && !safeParse(schema, '').success);
}

function scalarIn(shape: Shape | undefined): ScalarShape | undefined {
  if (shape?.kind === 'choice') return shape.options.find((option) => option.kind === 'scalar');
  return shape?.kind === 'scalar' ? shape : undefined;
}

function scalarValue({ value, text }: WrittenScalar, shape: ScalarShape | undefined): WrittenScalar['value'] {
  if (shape === undefined || text === undefined || value === null) return value;
  const { accepts } = shape;
  if (typeof value !== 'string') {
    const fits = typeof value === 'number' ? accepts.has('number') : accepts.has('boolean');
    return fits || !accepts.has('string') ? value : text;
  }
  if (!accepts.has('boolean')) return value;
  if (/^(y|yes|on)$/i.test(text)) return true;
  return /^(n|no|off)$/i.test(text) ? false : value;
}
