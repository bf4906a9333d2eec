import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { rulesOf } from '../../src/contract/rules.ts';

/** Any message as the JSON that this version writes of it: no member that says nothing. */
export function jsonOf(desc: DescMessage): fc.Arbitrary<object> {
  const { written, members: rules = {} } = rulesOf(desc.name);
  const members: Record<string, fc.Arbitrary<unknown>> = {};
  for (const field of desc.fields) {
    if (field.oneof !== undefined) continue;
    const { jsonName } = field;
    // An empty text for which readers take another counts as absent too.
    const any = written.includes(jsonName) && !rules[jsonName]?.absent;
    members[jsonName] = any ? valueOf(field) : valueOf(field).filter(says(field));
  }
  const plain = fc.record(members, { requiredKeys: [...written] });
  return desc.oneofs.reduce(
    (whole, { fields }) =>
      fc
        .tuple(whole, fc.option(fc.oneof(...fields.map((field) => fc.record({ [field.jsonName]: valueOf(field) })))))
        .map(([rest, chosen]) => ({ ...rest, ...chosen })),
    plain,
  );
}

/** Whether binary can tell a value from an absent one. */
function says(field: DescField): (value: unknown) => boolean {
  if (field.fieldKind === 'list') return (value) => (value as unknown[]).length > 0;
  if (field.fieldKind === 'map') return (value) => Object.keys(value as object).length > 0;
  if (field.fieldKind === 'message' || field.proto.proto3Optional) return () => true;
  return (value) => value !== '' && value !== 0;
}

function valueOf(field: DescField): fc.Arbitrary<unknown> {
  if (field.fieldKind === 'scalar') return scalarOf(field.scalar);
  if (field.fieldKind === 'message') return messageOf(field.message);
  if (field.fieldKind === 'map') return fc.dictionary(text, text, { maxKeys: 3 });
  const item = field.message === undefined ? scalarOf(field.scalar ?? ScalarType.STRING) : messageOf(field.message);
  return fc.array(item, { maxLength: 3 });
}

function messageOf(desc: DescMessage): fc.Arbitrary<unknown> {
  if (desc.typeName === 'google.protobuf.Struct') return struct;
  if (desc.typeName === 'google.protobuf.Timestamp') return time;
  return jsonOf(desc);
}

function scalarOf(type: ScalarType): fc.Arbitrary<unknown> {
  if (type === ScalarType.STRING) return text;
  if (type === ScalarType.BYTES)
    return fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString('base64'));
  return type === ScalarType.DOUBLE ? number : fc.nat({ max: 0xffff_ffff });
}

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom('__proto__', '\u0000', '\ufeff', '\uffff', '😀'),
);
// JSON has no -0.
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
const struct = fc.dictionary(
  text,
  fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      text,
      number,
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(text, tie('value'), { maxKeys: 3 }),
    ),
  })).value,
  { maxKeys: 4 },
);
const time = fc
  .date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true })
  .map((date) => date.toISOString().replace('.000Z', 'Z'));
