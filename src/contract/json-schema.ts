import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { MAX_DEPTH } from './free-json.ts';
import { COMMENTS } from './gen/comments.ts';
import { file_outrider_agent_v1_agent } from './gen/outrider/agent/v1/agent_pb.ts';
import { type MemberRules, rulesOf } from './rules.ts';

export type JsonSchema = Record<string, unknown>;

/**
 * JSON Schema 2020-12 (https://json-schema.org/draft/2020-12) of the whole contract: each message as JSON stands under `$defs`, by its
 * name. Published as `schema/outrider-agent-v1.schema.json`.
 */
export function contractJsonSchema(): JsonSchema & { $defs: Record<string, JsonSchema> } {
  const { messages, proto } = file_outrider_agent_v1_agent;
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: proto.package,
    $defs: schemasOf(messages, '#/$defs/'),
  };
}

/** The schemas of these messages and of all that they are made of, by name; they refer to each other under `prefix`. */
export function schemasOf(roots: readonly DescMessage[], prefix: string): Record<string, JsonSchema> {
  const found = new Set<DescMessage>();
  const collect = (desc: DescMessage): void => {
    if (found.has(desc) || isWellKnown(desc)) return;
    found.add(desc);
    for (const { message } of desc.fields) if (message !== undefined) collect(message);
  };
  roots.forEach(collect);
  return Object.fromEntries([...found].map((desc) => [desc.name, messageSchema(desc, (of) => prefix + of.name)]));
}

type Refer = (desc: DescMessage) => string;

function messageSchema(desc: DescMessage, refer: Refer): JsonSchema {
  const { required, oneOfThese, members = {} } = rulesOf(desc.name);
  const properties = desc.fields.map((field) => [field.jsonName, memberSchema(field, members[field.jsonName], refer)]);
  // Those that came later are not known here, so that none at all is right as well.
  const pairs = desc.oneofs.flatMap(({ fields }) => pairsOf(fields.map(({ jsonName }) => jsonName)));
  return {
    ...described(desc.typeName),
    type: 'object',
    properties: Object.fromEntries(properties),
    ...(required.length > 0 && { required: [...required] }),
    ...(oneOfThese !== undefined && { anyOf: oneOfThese.map((name) => present(desc, name)) }),
    ...(pairs.length > 0 && { not: { anyOf: pairs.map((pair) => ({ required: pair })) } }),
  };
}

/** There, and not empty. */
function present(desc: DescMessage, name: string): JsonSchema {
  const list = desc.fields.find(({ jsonName }) => jsonName === name)?.fieldKind === 'list';
  return { required: [name], properties: { [name]: list ? { minItems: 1 } : { minLength: 1 } } };
}

function memberSchema(field: DescField, rules: MemberRules | undefined, refer: Refer): JsonSchema {
  // What is said of the member goes before what is said of its type.
  return { ...fieldSchema(field, refer), ...ruleSchema(rules), ...described(`${field.parent.typeName}.${field.name}`) };
}

function fieldSchema(field: DescField, refer: Refer): JsonSchema {
  switch (field.fieldKind) {
    case 'scalar':
      return scalarSchema(field.scalar);
    case 'message':
      return typeSchema(field.message, refer);
    case 'list':
      return {
        type: 'array',
        items: field.message === undefined ? scalarSchema(field.scalar) : typeSchema(field.message, refer),
      };
    default:
      return { type: 'object', additionalProperties: scalarSchema(field.scalar) };
  }
}

function typeSchema(desc: DescMessage, refer: Refer): JsonSchema {
  if (desc.typeName === 'google.protobuf.Struct') {
    return { type: 'object', $comment: `nested at most ${MAX_DEPTH} levels deep` };
  }
  if (desc.typeName === 'google.protobuf.Timestamp') return { type: 'string', format: 'date-time' };
  return { $ref: refer(desc) };
}

function isWellKnown(desc: DescMessage): boolean {
  return desc.typeName.startsWith('google.protobuf.');
}

function scalarSchema(type: ScalarType | undefined): JsonSchema {
  switch (type) {
    case ScalarType.BYTES:
      return { type: 'string', contentEncoding: 'base64' };
    case ScalarType.BOOL:
      return { type: 'boolean' };
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return { type: 'number' };
    case ScalarType.UINT32:
      return { type: 'integer', minimum: 0, maximum: 0xffff_ffff };
    case ScalarType.INT32:
      return { type: 'integer', minimum: -0x8000_0000, maximum: 0x7fff_ffff };
    default:
      return { type: 'string' };
  }
}

function ruleSchema({ pattern, moreThan, schemes, known }: MemberRules = {}): JsonSchema {
  return {
    ...(pattern !== undefined && { pattern: pattern.source }),
    ...(moreThan !== undefined && { exclusiveMinimum: moreThan }),
    ...(schemes !== undefined && { pattern: `^(${schemes.map((scheme) => scheme.slice(0, -1)).join('|')})://` }),
    // No `enum`: the set is open.
    ...(known !== undefined && { examples: [...known] }),
  };
}

function described(name: string): JsonSchema {
  const description = COMMENTS.get(name);
  return description === undefined ? {} : { description };
}

function pairsOf(names: readonly string[]): [string, string][] {
  return names.flatMap((one, i) => names.slice(i + 1).map((other): [string, string] => [one, other]));
}
