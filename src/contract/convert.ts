import {
  create,
  type DescField,
  type DescMessage,
  type DescOneof,
  type JsonObject,
  type Message,
  ScalarType,
} from '@bufbuild/protobuf';
import { base64Decode, base64Encode } from '@bufbuild/protobuf/wire';
import type { Timestamp } from '@bufbuild/protobuf/wkt';
import { toStruct } from './free-json.ts';
import { rulesOf } from './rules.ts';
import { timestampFromMessage, timestampToMessage } from './timestamp.ts';
import { keepUnknown, restoreUnknown } from './unknown-fields.ts';

type Json = Record<string, unknown>;
type AnyMessage = Message & Json;
type Convert = (value: unknown) => unknown;
type Step = (from: Json, to: Json) => void;

/** Between the two forms of a message; both trust that the type is right, which `check` or protobuf have seen to. */
interface Conversion {
  readonly toMessage: (json: object) => Message;
  readonly fromMessage: (message: Message) => object;
}

const compiled = new WeakMap<DescMessage, Conversion>();

/** Compiles, once for each message, the way to and from its plain object. */
export function conversionOf(desc: DescMessage): Conversion {
  const known = compiled.get(desc);
  if (known !== undefined) return known;
  const writers: Step[] = [];
  const readers: Step[] = [];
  const conversion: Conversion = {
    toMessage(json) {
      // Generic code over descriptors: a message is a record of its local names.
      const message = create(desc) as AnyMessage;
      for (let i = 0; i < writers.length; i++) writers[i]?.(json as Json, message);
      restoreUnknown(json, message);
      return message;
    },
    fromMessage(message) {
      const json: Json = {};
      for (let i = 0; i < readers.length; i++) readers[i]?.(message, json);
      keepUnknown(message, json);
      return json;
    },
  };
  // Before its fields, which may lead back to it.
  compiled.set(desc, conversion);
  const written = new Set(rulesOf(desc.name).written);
  for (const field of desc.fields) writers.push(writer(field, converters(field)[0]));
  for (const member of desc.members) {
    if (member.kind === 'oneof') readers.push(oneofReader(member));
    else readers.push(reader(member, converters(member)[1], written.has(member.jsonName)));
  }
  return conversion;
}

function writer({ jsonName, localName, oneof }: DescField, to: Convert): Step {
  return (json, message) => {
    const value = json[jsonName];
    // A null is a fault in what is checked; from code that is not, it is as good as nothing.
    if (value === undefined || value === null) return;
    if (oneof === undefined) message[localName] = to(value);
    else message[oneof.localName] = { case: localName, value: to(value) };
  };
}

function reader(field: DescField, from: Convert, written: boolean): Step {
  const { jsonName, localName } = field;
  if (field.fieldKind === 'list') {
    return (message, json) => {
      // A list of a message is an array.
      if (written || (message[localName] as unknown[]).length > 0) json[jsonName] = from(message[localName]);
    };
  }
  if (field.fieldKind === 'map') {
    return (message, json) => {
      if (!isEmpty(message[localName])) json[jsonName] = message[localName];
    };
  }
  const implicit = !field.proto.proto3Optional;
  return (message, json) => {
    const value = message[localName];
    if (value === undefined || (implicit && !written && isZero(value))) return;
    json[jsonName] = from(value);
  };
}

function oneofReader(oneof: DescOneof): Step {
  const { localName } = oneof;
  const cases = new Map(
    oneof.fields.map((field) => [field.localName, { name: field.jsonName, from: converters(field)[1] }]),
  );
  return (message, json) => {
    // What protobuf makes of a oneof.
    const { case: chosen, value } = message[localName] as { case: string | undefined; value?: unknown };
    const known = chosen === undefined ? undefined : cases.get(chosen);
    if (known !== undefined) json[known.name] = known.from(value);
  };
}

const same: Convert = (value) => value;

function converters(field: DescField): [to: Convert, from: Convert] {
  if (field.fieldKind === 'list') {
    const [to, from] = field.listKind === 'message' ? messageConverters(field.message) : scalarConverters(field.scalar);
    // Of a value that has been checked.
    return [(list) => (list as unknown[]).map(to), (list) => (list as unknown[]).map(from)];
  }
  if (field.fieldKind === 'message') return messageConverters(field.message);
  return field.fieldKind === 'scalar' ? scalarConverters(field.scalar) : [same, same];
}

function scalarConverters(type: ScalarType | undefined): [to: Convert, from: Convert] {
  if (type !== ScalarType.BYTES) return [same, same];
  return [(text) => base64Decode(text as string), (bytes) => base64Encode(bytes as Uint8Array)];
}

function messageConverters(desc: DescMessage): [to: Convert, from: Convert] {
  // In messages a Struct is the object itself.
  if (desc.typeName === 'google.protobuf.Struct') return [(json) => toStruct(json as JsonObject), same];
  if (desc.typeName === 'google.protobuf.Timestamp') {
    return [(text) => timestampToMessage(text as string), (message) => timestampFromMessage(message as Timestamp)];
  }
  const conversion = conversionOf(desc);
  return [(json) => conversion.toMessage(json as object), (message) => conversion.fromMessage(message as Message)];
}

function isZero(value: unknown): boolean {
  return value === '' || value === 0 || value === false || (value instanceof Uint8Array && value.length === 0);
}

function isEmpty(map: unknown): boolean {
  for (const _ in map as object) return false;
  return true;
}
