import { ScalarType } from '@bufbuild/protobuf';
import type { Faults, Path } from './faults.ts';

/** Checks one value that stands at `key`; gives what is to stand there instead. */
export type CheckValue = (value: unknown, faults: Faults, above: Path | undefined, key: string | number) => unknown;

const UINT32_MAX = 0xffff_ffff;
const INT32_MIN = -0x8000_0000;
const INT32_MAX = 0x7fff_ffff;
const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;

export function checkScalar(type: ScalarType): CheckValue {
  switch (type) {
    case ScalarType.STRING:
      return checkString;
    case ScalarType.BYTES:
      return checkBytes;
    case ScalarType.BOOL:
      return checkBoolean;
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return checkNumber;
    case ScalarType.UINT32:
      return checkInteger(0, UINT32_MAX);
    case ScalarType.INT32:
      return checkInteger(INT32_MIN, INT32_MAX);
    default:
      throw new TypeError('the contract has no scalars of 64 bits: they are no plain JSON numbers');
  }
}

const checkString: CheckValue = (value, faults, above, key) => {
  if (typeof value !== 'string') faults.add(above, key, 'expected a string');
  // Half of a surrogate pair has no UTF-8, so that it could not go on by every transport.
  else if (!value.isWellFormed()) {
    if (faults.lenient) return value.toWellFormed();
    faults.add(above, key, 'expected well-formed Unicode');
  }
  return value;
};

const checkBytes: CheckValue = (value, faults, above, key) => {
  if (typeof value !== 'string' || !isBase64(value)) faults.add(above, key, 'expected base64');
  return value;
};

/** Both alphabets, padded or not, as JSON of protobuf has it. */
function isBase64(text: string): boolean {
  return BASE64.test(text) && (text.endsWith('=') ? text.length % 4 === 0 : text.length % 4 !== 1);
}

const checkBoolean: CheckValue = (value, faults, above, key) => {
  if (typeof value !== 'boolean') faults.add(above, key, 'expected true or false');
  return value;
};

const checkNumber: CheckValue = (value, faults, above, key) => {
  if (typeof value !== 'number' || !Number.isFinite(value)) faults.add(above, key, 'expected a finite number');
  return value;
};

function checkInteger(from: number, to: number): CheckValue {
  const message = `expected a whole number from ${from} to ${to}`;
  return (value, faults, above, key) => {
    const whole = faults.lenient && typeof value === 'number' ? Math.round(value) : value;
    if (typeof whole !== 'number' || !Number.isInteger(whole) || whole < from || whole > to) {
      faults.add(above, key, message);
    }
    return whole;
  };
}
