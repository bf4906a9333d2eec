import fc from 'fast-check';
import type { Json } from '../../../src/deploy/json.ts';

/** A change of one place: where, told by numbers that any data can be walked by, and what. */
export interface Change {
  readonly steps: readonly number[];
  readonly kind: 'set' | 'remove' | 'add';
  readonly value: Json;
  readonly key: string;
  readonly at: number;
}

const leaf: fc.Arbitrary<Json> = fc.oneof(
  fc.constantFrom<Json>(
    'yes',
    'no',
    '8080:80',
    '0o17',
    '1_000',
    '',
    ' x',
    'x ',
    '#',
    '# x',
    'a: b',
    'a #b',
    '- a',
    '*a',
    '&a',
    '!a',
    '%a',
    '@a',
    '`a',
  ),
  fc.constantFrom<Json>(
    'two\nlines',
    'two\nlines\n',
    '\n  first\n',
    'a\n\n',
    'a\r\nb',
    'tab\tbed\n\tx',
    'trail \n x',
    '---\n...\n',
    'é ✓ 🙂',
    '\u0085',
    '\u2028',
    "it's",
    '"',
    '\\',
    '{a}',
    '[a]',
    'a,b',
    '<<',
    '=',
    '~',
    '.',
    '-',
    '--port',
    '2020-01-01',
    '12:30:45',
    '$HOME',
    '${A:?b}',
  ),
  fc.constantFrom<Json>(null, true, false, 0, -1, 1.5, 1e21, 8080),
  fc.string({ maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 6 }).filter((text) => text.isWellFormed()),
);

const keys = fc
  .oneof(fc.constantFrom('name', 'image', 'new', 'yes', '80', 'a: b', '<<', '', 'a b'), fc.string({ maxLength: 5 }))
  .filter((key) => key !== '__proto__');

export const { json } = fc.letrec<{ json: Json }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    leaf,
    fc.array(tie('json'), { maxLength: 3 }),
    fc.array(fc.record({ name: leaf, value: tie('json') }, { noNullPrototype: true }), { maxLength: 3 }),
    fc.dictionary(keys, tie('json'), { maxKeys: 3 }).map((value): Json => ({ ...value })),
  ),
}));

export const arbitraryChange: fc.Arbitrary<Change> = fc.record({
  steps: fc.array(fc.nat(30), { maxLength: 5 }),
  kind: fc.constantFrom('set', 'set', 'remove', 'add', 'add'),
  value: json,
  key: keys,
  at: fc.nat(20),
});

/** The changed data. */
export function change(data: Json, edit: Change, depth = 0): Json {
  if (typeof data !== 'object' || data === null) return edit.kind === 'set' ? edit.value : data;
  const step = edit.steps[depth];
  if (Array.isArray(data)) return changeList(data, edit, depth, step);
  const entries = Object.entries(data);
  const index = entries.length > 0 && step !== undefined ? step % entries.length : -1;
  if (index >= 0 && depth + 1 < edit.steps.length) {
    return Object.fromEntries(
      entries.map(([key, value], at) => [key, at === index ? change(value, edit, depth + 1) : value]),
    );
  }
  if (edit.kind === 'remove') return Object.fromEntries(entries.filter((_, at) => at !== edit.at % entries.length));
  if (edit.kind === 'set' && entries.length > 0) {
    return Object.fromEntries(
      entries.map(([key, value], at) => [key, at === edit.at % entries.length ? edit.value : value]),
    );
  }
  const rest = entries.filter(([key]) => key !== edit.key);
  return Object.fromEntries(rest.toSpliced(edit.at % (rest.length + 1), 0, [edit.key, edit.value]));
}

function changeList(data: readonly Json[], edit: Change, depth: number, step: number | undefined): Json {
  const index = data.length > 0 && step !== undefined ? step % data.length : -1;
  if (index >= 0 && depth + 1 < edit.steps.length) {
    return data.map((value, at) => (at === index ? change(value, edit, depth + 1) : value));
  }
  if (edit.kind === 'remove') return data.filter((_, at) => at !== edit.at % data.length);
  if (edit.kind === 'set') return data.map((value, at) => (at === edit.at % data.length ? edit.value : value));
  return data.toSpliced(edit.at % (data.length + 1), 0, edit.value);
}
