import fc from 'fast-check';

/** Text of a manifest with everything that is awkward to edit: comments, blank lines, flow and block style, anchors. */
export function arbitraryManifest(): fc.Arbitrary<string> {
  return fc
    .record({
      documents: fc.array(mapping, { minLength: 1, maxLength: 3 }),
      eol: fc.constantFrom('\n', '\n', '\r\n'),
      step: fc.constantFrom(2, 2, 4),
      dash: fc.boolean(),
      start: fc.boolean(),
      end: fc.constantFrom('\n', '', '\n\n', '\n# the end\n'),
    })
    .map(({ documents, eol, step, dash, start, end }) => {
      const style: Style = { step, dash: dash ? step : 0, anchors: [], next: 0 };
      const parts = documents.map((document) => {
        style.anchors = [];
        return blockLines(document, 0, style).join('\n');
      });
      return ((start ? '# first\n---\n' : '') + parts.join('\n---\n') + end).replaceAll('\n', eol);
    });
}

interface Style {
  step: number;
  dash: number;
  /** Of mappings, which merge keys can name; and of everything, for aliases. */
  anchors: { name: string; mapping: boolean }[];
  next: number;
}

interface Part {
  kind: 'map' | 'seq' | 'scalar' | 'flow' | 'literal' | 'alias' | 'named';
  entries: { key: string; value: Part; comment: number }[];
  text: string;
  pick: number;
}

const key = fc.constantFrom('name', 'image', 'env', 'ports', 'a', 'b', 'c-d', 'on', '8080', 'x.y/z', 'value', 'args');
const scalar = fc.constantFrom(
  ...[
    '1',
    'text',
    '"quoted # text"',
    "'it''s'",
    'true',
    'null',
    '',
    '0.5',
    '"8080:80"',
    'a: b',
    '~',
    '010',
    '1e3',
    '"a\\nb"',
  ].map((text) => (text === 'a: b' ? "'a: b'" : text)),
);
const flow = fc.constantFrom(
  '{}',
  '[]',
  '[1, 2]',
  '{a: 1, b: "2"}',
  '["x", "y",]',
  '{ "a": {"b": [1]}, c: }',
  '[[1], {a: b}]',
);
const multi = fc.constantFrom('[\n@1,  # one\n@two\n]', '{\n@"a": 1,\n@"b": [2]\n}', '[\n@a, # a\n@b # b\n]');

const { node } = fc.letrec<{ node: Part; map: Part; seq: Part }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    { weight: 4, arbitrary: leaf('scalar', scalar) },
    { weight: 1, arbitrary: leaf('flow', fc.oneof(flow, multi)) },
    { weight: 1, arbitrary: leaf('literal', fc.constantFrom('line one\n\nline # two', 'echo\n  $X', 'x')) },
    { weight: 1, arbitrary: leaf('alias', fc.constant('')) },
    { weight: 4, arbitrary: tie('map') },
    { weight: 3, arbitrary: tie('seq') },
  ),
  map: parts(
    'map',
    fc.uniqueArray(fc.record({ key, value: tie('node'), comment: fc.nat(9) }), {
      selector: (one) => one.key,
      minLength: 1,
      maxLength: 5,
    }),
  ),
  seq: fc.oneof(
    parts('seq', fc.array(fc.record({ key, value: tie('node'), comment: fc.nat(9) }), { minLength: 1, maxLength: 4 })),
    parts(
      'named',
      fc.array(fc.record({ key, value: tie('node'), comment: fc.nat(9) }), { minLength: 1, maxLength: 4 }),
    ),
  ),
}));

const mapping = node.filter(({ kind }) => kind === 'map');

function leaf(kind: Part['kind'], text: fc.Arbitrary<string>): fc.Arbitrary<Part> {
  return fc.record({ kind: fc.constant(kind), entries: fc.constant([]), text, pick: fc.nat(99) });
}

function parts(kind: Part['kind'], entries: fc.Arbitrary<Part['entries']>): fc.Arbitrary<Part> {
  return fc.record({ kind: fc.constant(kind), entries, text: fc.constant(''), pick: fc.nat(99) });
}

/** Lines of a block collection. */
function blockLines(part: Part, column: number, style: Style): string[] {
  const pad = ' '.repeat(column);
  const merge =
    part.kind === 'map' && part.pick % 5 === 0 ? style.anchors.findLast(({ mapping }) => mapping) : undefined;
  const lines = merge ? [`${pad}<<: *${merge.name}`] : [];
  for (const [index, { key: name, value, comment }] of part.entries.entries()) {
    if (comment === 1) lines.push(`${pad}# before ${(style.next += 1)}`);
    if (comment === 2) lines.push('');
    if (part.kind === 'map')
      lines.push(...entryLines(`${pad}${name}:`, value, column, style.dash, comment === 3, style));
    else if (part.kind === 'named')
      lines.push(
        ...entryLines(`${pad}- name: n${index}\n${pad}  value:`, value, column + 2, style.dash, comment === 3, style),
      );
    else lines.push(...itemLines(pad, value, column, style));
    if (comment === 4) lines.push(`${pad}# behind ${(style.next += 1)}`);
  }
  return lines;
}

function entryLines(head: string, value: Part, column: number, dash: number, comment: boolean, style: Style): string[] {
  const remark = comment ? ` # remark ${(style.next += 1)}` : '';
  const inline = inlineText(value, column, style);
  if (inline !== undefined) return `${head}${inline === '' ? '' : ` ${inline}`}${remark}`.split('\n');
  const anchor = anchorOf(value, style);
  const pad = ' '.repeat(column + style.step);
  if (value.kind === 'literal')
    return [`${head} |-${remark}`, ...value.text.split('\n').map((line) => (line === '' ? '' : pad + line))];
  const lines = blockLines(value, column + (value.kind === 'map' ? style.step : dash), style);
  anchor.written();
  return [...`${head}${anchor.text}${remark}`.split('\n'), ...lines];
}

function itemLines(pad: string, value: Part, column: number, style: Style): string[] {
  const inline = inlineText(value, column, style);
  if (inline !== undefined) return `${pad}- ${inline}`.split('\n');
  if (value.kind === 'literal')
    return [`${pad}- |-`, ...value.text.split('\n').map((line) => (line === '' ? '' : `${pad}  ${line}`))];
  const lines = blockLines(value, column + 2, style);
  const [first = ''] = lines;
  return first.trim().startsWith('#') || first === ''
    ? [`${pad}-`, ...lines]
    : [`${pad}- ${first.trimStart()}`, ...lines.slice(1)];
}

function inlineText(value: Part, column: number, style: Style): string | undefined {
  if (value.kind === 'alias') {
    const anchor = style.anchors[value.pick % (style.anchors.length || 1)];
    return anchor ? `*${anchor.name}` : 'plain';
  }
  if (value.kind === 'scalar') {
    const anchor = anchorOf(value, style);
    anchor.written();
    return `${anchor.text} ${value.text}`.trim();
  }
  if (value.kind !== 'flow') return undefined;
  const pad = ' '.repeat(column + style.step);
  return value.text.replaceAll('@', `${pad}  `).replaceAll(/\n(?=[\]}])/g, `\n${pad}`);
}

/** Some values have an anchor; once they are written, others may stand for them. */
function anchorOf(value: Part, style: Style): { text: string; written: () => void } {
  if (value.pick % 4 !== 0) return { text: '', written: () => undefined };
  const name = `n${(style.next += 1)}`;
  return {
    text: ` &${name}`,
    written: () => style.anchors.push({ name, mapping: value.kind === 'map' }),
  };
}
