import type { DescMessage } from '@bufbuild/protobuf';
import { WireType } from '@bufbuild/protobuf/wire';
import { AgentError } from './agent-error.ts';

/** Messages within a message, and fields that are not known: each becomes an object of a hundred bytes and more. */
const MAX_OBJECTS = 500_000;

/** As deep as protobuf's own reader goes. */
const MAX_DEPTH = 100;

/** What is read of one kind of message: where its messages are. */
type Shape = Map<number, Shape | null>;

const shapes = new WeakMap<DescMessage, Shape>();

interface Walk {
  readonly bytes: Uint8Array;
  at: number;
  objects: number;
}

/**
 * Throws `bad_request` for bytes that would become too many objects: two bytes are enough for an empty part, which in memory takes
 * more than fifty times that. Only looks where messages begin and end; what is malformed is left to the reader that comes after.
 */
export function boundObjects(desc: DescMessage, bytes: Uint8Array): void {
  // Two bytes are the least that a field takes.
  if (bytes.length > 2 * MAX_OBJECTS) walk(shapeOf(desc), { bytes, at: 0, objects: 0 }, bytes.length, 0);
}

function shapeOf(desc: DescMessage): Shape {
  const known = shapes.get(desc);
  if (known !== undefined) return known;
  const shape: Shape = new Map();
  shapes.set(desc, shape);
  for (const field of desc.fields) {
    const inner = field.message === undefined ? null : shapeOf(field.message);
    // An entry of a map is a message of its own, with the value as its second field.
    shape.set(
      field.number,
      field.fieldKind === 'map'
        ? new Map([
            [1, null],
            [2, inner],
          ])
        : inner,
    );
  }
  return shape;
}

function walk(shape: Shape, state: Walk, end: number, depth: number): void {
  while (state.at < end) {
    const tag = varint(state);
    const inner = shape.get(tag >>> 3);
    if (inner !== null && ++state.objects > MAX_OBJECTS) {
      throw new AgentError('bad_request', `the message is made of more than ${MAX_OBJECTS} parts`);
    }
    const wireType: WireType = tag & 7;
    switch (wireType) {
      case WireType.Varint:
        varint(state);
        break;
      case WireType.Bit64:
        state.at += 8;
        break;
      case WireType.Bit32:
        state.at += 4;
        break;
      case WireType.LengthDelimited: {
        const length = varint(state);
        const stop = Math.min(state.at + length, end);
        if (inner && depth < MAX_DEPTH) walk(inner, state, stop, depth + 1);
        state.at = stop;
        break;
      }
      // The fields of a group are counted like any others.
      case WireType.StartGroup:
      case WireType.EndGroup:
        break;
      default:
        state.at = end;
    }
  }
}

/** Of 32 bits; of more, the lowest are enough here. */
function varint(state: Walk): number {
  let value = 0;
  for (let shift = 0; state.at < state.bytes.length; shift += 7) {
    const byte = state.bytes[state.at++] ?? 0;
    if (shift < 32) value |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  return value >>> 0;
}
