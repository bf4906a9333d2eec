import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { type CheckValue, checkScalar } from './check-scalar.ts';
import type { Faults, Path } from './faults.ts';
import { checkFreeObject, checkUnknown } from './free-json.ts';
import { type MemberRules, rulesOf } from './rules.ts';
import { isTimestamp } from './timestamp.ts';

type Json = Record<string, unknown>;

/** Checks the member `key` of `holder`, which is a copy when it may be mended. */
type CheckMember = (holder: Json, key: string, faults: Faults, above: Path | undefined) => void;

/** Gives the same object, or a mended copy when the faults are to be lenient. */
export type CheckObject = (value: object, faults: Faults, path: Path | undefined) => object;

const compiled = new WeakMap<DescMessage, CheckObject>();

/** Compiles, once for each message, a check of JSON against its descriptor and the rules. */
export function checkOf(desc: DescMessage): CheckObject {
  const known = compiled.get(desc);
  if (known !== undefined) return known;
  const members = new Map<string, CheckMember>();
  const { required, members: rules = {} } = rulesOf(desc.name);
  const missing = required.map((name) => checkMissing(desc, name, rules[name]));
  const oneofs = desc.oneofs.map(({ fields }) => fields.map(({ jsonName }) => jsonName));

  const check: CheckObject = (value, faults, path) => {
    // Any object is as good as a record of unknowns. What is mended may be somebody else's, or frozen.
    const object = (faults.lenient ? { ...value } : value) as Json;
    // Names that the sender chose are looked up in a map: `__proto__` and `constructor` are as unknown as any other.
    for (const key in object) {
      const member = members.get(key);
      if (member === undefined) checkUnknown(object[key], faults, path);
      else if (object[key] !== undefined) member(object, key, faults, path);
    }
    for (let i = 0; i < missing.length; i++) missing[i]?.(object, faults, path);
    for (let i = 0; i < oneofs.length; i++) checkOneof(object, oneofs[i] ?? [], faults, path);
    return object;
  };
  // Before its fields, which may lead back to it.
  compiled.set(desc, check);
  for (const field of desc.fields) members.set(field.jsonName, checkMember(field));
  return check;
}

function checkMissing(desc: DescMessage, name: string, rules: MemberRules | undefined) {
  const field = desc.fields.find(({ jsonName }) => jsonName === name);
  const mended = field?.scalar === ScalarType.UINT32 ? 0 : field?.fieldKind === 'list' ? [] : rules?.absent;
  return (object: Json, faults: Faults, path: Path | undefined): void => {
    const value = object[name];
    if (faults.lenient && mended !== undefined) {
      // Binary has no other way to leave a text out.
      if (value === undefined || value === '') object[name] = Array.isArray(mended) ? [] : mended;
    } else if (value === undefined) faults.add(path, name, 'is missing');
  };
}

function checkOneof(object: Json, names: readonly string[], faults: Faults, path: Path | undefined): void {
  let present = 0;
  for (const name of names) if (object[name] !== undefined) present++;
  if (present > 1) faults.add(path, undefined, `expected only one of ${names.join(', ')}`);
}

function checkMember(field: DescField): CheckMember {
  const check = checkField(field);
  return (holder, key, faults, above) => {
    const value = holder[key];
    if (value === null) {
      if (faults.lenient) delete holder[key];
      else faults.add(above, key, 'must not be null');
      return;
    }
    const mended = check(value, faults, above, key);
    if (mended !== value) holder[key] = mended;
  };
}

function checkField(field: DescField): CheckValue {
  switch (field.fieldKind) {
    case 'scalar':
      return checkScalar(field.scalar);
    case 'message':
      return checkMessage(field.message);
    case 'list':
      if (field.listKind === 'message') return checkList(checkMessage(field.message));
      if (field.listKind === 'scalar') return checkList(checkScalar(field.scalar));
      break;
    case 'map':
      if (field.mapKind === 'scalar' && field.mapKey === ScalarType.STRING) return checkMap(checkScalar(field.scalar));
      break;
    default:
  }
  throw new TypeError(`the contract has no fields such as ${field.parent.typeName}.${field.name}`);
}

function checkMessage(desc: DescMessage): CheckValue {
  if (desc.typeName === 'google.protobuf.Struct') {
    return (value, faults, above, key) => {
      checkFreeObject(value, faults, above, key);
      return value;
    };
  }
  if (desc.typeName === 'google.protobuf.Timestamp') {
    return (value, faults, above, key) => {
      if (typeof value !== 'string' || !isTimestamp(value)) faults.add(above, key, 'expected an RFC 3339 time');
      return value;
    };
  }
  const check = checkOf(desc);
  return (value, faults, above, key) => {
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return check(value, faults, { above, key });
    faults.add(above, key, 'expected an object');
    return value;
  };
}

function checkList(check: CheckValue): CheckValue {
  return (value, faults, above, key) => {
    if (!Array.isArray(value)) {
      faults.add(above, key, 'expected a list');
      return value;
    }
    const path = { above, key };
    const list: unknown[] = faults.lenient ? [...value] : value;
    for (let i = 0; i < list.length && !faults.full; i++) {
      const mended = check(list[i], faults, path, i);
      if (mended !== list[i]) list[i] = mended;
    }
    return list;
  };
}

function checkMap(check: CheckValue): CheckValue {
  return (value, faults, above, key) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      faults.add(above, key, 'expected an object');
      return value;
    }
    const path = { above, key };
    const map = faults.lenient ? { ...value } : value;
    for (const [name, entry] of Object.entries(map)) {
      if (faults.full) break;
      if (!name.isWellFormed()) faults.add(path, '*', 'expected a name that is well-formed Unicode');
      // An entry of its own in any case, also when it is called `__proto__`.
      if (entry === null && faults.lenient) Reflect.deleteProperty(map, name);
      else {
        const mended = check(entry, faults, path, '*');
        if (mended !== entry) Reflect.defineProperty(map, name, { value: mended });
      }
    }
    return map;
  };
}
