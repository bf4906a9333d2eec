import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { AgentService, ErrorSchema } from '../contract/gen/outrider/agent/v1/agent_pb.ts';
import { BYTES, FIXED64, VARINT } from './guard-grpc-wire.ts';

/** How the content of a field is read. `any`: a message that says its type. */
export type Kind = 'string' | 'bytes' | 'uint' | 'bool' | 'double' | 'message' | 'map' | 'struct' | 'timestamp' | 'any';

export interface Field {
  /** `"name":`. The same names as in JSON on HTTP. */
  readonly label: string;
  readonly kind: Kind;
  /** How it is written. */
  readonly wire: number;
  readonly isRepeated: boolean;
  /** Its own bit; and those of the fields that cannot stand beside it. */
  readonly bit: number;
  readonly others: number;
  readonly shape: Shape;
}

/** Fields of a message by their numbers. */
export interface Shape {
  readonly fields: readonly (Field | undefined)[];
}

/** A message of which nothing is known. */
export const UNKNOWN: Shape = { fields: [] };

const compiled = new Map<string, Shape>();

/** Messages of protobuf that have a JSON of their own. */
const OWN: Readonly<Record<string, Kind>> = {
  'google.protobuf.Struct': 'struct',
  'google.protobuf.Timestamp': 'timestamp',
};

function shapeOf(message: DescMessage): Shape {
  const known = compiled.get(message.typeName);
  if (known !== undefined) return known;
  const fields: (Field | undefined)[] = [];
  const shape: Shape = { fields };
  // Before its fields, which may lead back to it.
  compiled.set(message.typeName, shape);
  for (const [index, field] of message.fields.entries()) {
    // A bit for each; no message of the contract has so many.
    if (index > 29) throw new TypeError(`${message.typeName} has more fields than are counted`);
    const [kind, inner] = kindOf(field);
    const others = field.oneof === undefined ? [] : field.oneof.fields.filter((other) => other !== field);
    fields[field.number] = {
      label: `${JSON.stringify(field.jsonName)}:`,
      kind,
      wire: kind === 'uint' || kind === 'bool' ? VARINT : kind === 'double' ? FIXED64 : BYTES,
      isRepeated: field.fieldKind === 'list',
      bit: 1 << index,
      others: others.reduce((bits, other) => bits | (1 << message.fields.indexOf(other)), 0),
      shape: inner === undefined ? UNKNOWN : shapeOf(inner),
    };
  }
  return shape;
}

function kindOf(field: DescField): readonly [Kind, DescMessage?] {
  switch (field.fieldKind) {
    case 'scalar':
      return [scalarKind(field.scalar)];
    case 'message':
      return messageKind(field.message);
    case 'list':
      if (field.listKind === 'message') return messageKind(field.message);
      break;
    case 'map':
      if (field.mapKey === ScalarType.STRING && field.mapKind === 'scalar' && field.scalar === ScalarType.STRING) {
        return ['map'];
      }
      break;
    default:
  }
  throw new TypeError(`${field.toString()} is of a kind that is not read here`);
}

function messageKind(message: DescMessage): readonly [Kind, DescMessage?] {
  const own = OWN[message.typeName];
  return own === undefined ? ['message', message] : [own];
}

function scalarKind(scalar: ScalarType): Kind {
  switch (scalar) {
    case ScalarType.STRING:
      return 'string';
    case ScalarType.BYTES:
      return 'bytes';
    case ScalarType.DOUBLE:
      return 'double';
    case ScalarType.UINT32:
    case ScalarType.UINT64:
      return 'uint';
    case ScalarType.BOOL:
      return 'bool';
    default:
      throw new TypeError(`scalars of type ${scalar} are not read here`);
  }
}

export interface Method {
  readonly input: Shape;
  readonly output: Shape;
  /** Whether the reply is a stream of messages. */
  readonly isStream: boolean;
}

const METHODS: ReadonlyMap<string, Method> = new Map(
  AgentService.methods.map(({ name, input, output, methodKind }) => {
    // A request is read whole, which no method with a stream of requests could do with.
    if (methodKind !== 'unary' && methodKind !== 'server_streaming')
      throw new TypeError(`${name} streams its requests`);
    const method = { input: shapeOf(input), output: shapeOf(output), isStream: methodKind === 'server_streaming' };
    return [name.toLowerCase(), method];
  }),
);

/** Of a newer minor version: whatever text is found in there counts. */
const UNKNOWN_METHOD: Method = { input: UNKNOWN, output: UNKNOWN, isStream: true };

/** `name`: in lower case. */
export function methodOf(name: string): Method {
  return METHODS.get(name) ?? UNKNOWN_METHOD;
}

function field(name: string, kind: Kind, bit: number, isRepeated = false): Field {
  const wire = kind === 'uint' ? VARINT : BYTES;
  return { label: `"${name}":`, kind, wire, isRepeated, bit, others: 0, shape: UNKNOWN };
}

/** https://github.com/googleapis/googleapis/blob/master/google/rpc/status.proto */
export const STATUS: Shape = {
  fields: [undefined, field('code', 'uint', 1), field('message', 'string', 2), field('details', 'any', 4, true)],
};

const ERROR: Shape = shapeOf(ErrorSchema);

/** The message that a type's name, or an URL that ends with it, stands for. */
export function shapeOfType(type: string): Shape {
  return type.slice(type.lastIndexOf('/') + 1) === ErrorSchema.typeName ? ERROR : UNKNOWN;
}
