import { MASK } from './secret.ts';
import { optionsFor, type Shape } from './shape-tree.ts';
import { formatBytes, formatDuration } from './units.ts';

/** A parsed value as a file would write it, with `***` in place of all that the schema marks as secret. */
export function present(value: unknown, shape: Shape | undefined): unknown {
  if (shape === undefined) return MASK;
  if (Array.isArray(value)) return value.map((item) => present(item, shape.kind === 'list' ? shape.item : undefined));
  if (typeof value === 'object' && value !== null) {
    const inner = shapeWithin(value, shape);
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    return Object.fromEntries(entries.map(([key, item]) => [key, present(item, inner(key))]));
  }
  const scalar = shape.kind === 'choice' ? shape.options.find((option) => option.kind === 'scalar') : shape;
  if (scalar?.kind !== 'scalar' || scalar.secret === true) return MASK;
  if (typeof value === 'number' && scalar.unit !== undefined) {
    return scalar.unit === 'ms' ? formatDuration(value) : formatBytes(value);
  }
  return scalar.url === true && typeof value === 'string' ? maskUrl(value) : value;
}

function shapeWithin(value: object, shape: Shape): (key: string) => Shape | undefined {
  if (shape.kind === 'record') return () => shape.value;
  if (shape.kind === 'object') return (key) => shape.fields.get(key)?.shape;
  if (shape.kind !== 'choice') return () => undefined;
  const written = new Map<string, unknown>(Object.entries(value));
  const [option] = optionsFor(shape, (key) => written.get(key));
  return (key) => option?.fields.get(key)?.shape;
}

/** Addresses carry passwords and keys too: before the host, and in the query. */
function maskUrl(text: string): string {
  return text.replace(/\/\/[^/?#]*@/, `//${MASK}@`).replace(/\?[^#]+/, `?${MASK}`);
}
