import { isUtf8 } from 'node:buffer';
import { percentEncode } from '../contract/grpc-error.ts';
import type { Fields } from '../fields.ts';
import { asBuffer, asLatin1 } from '../guardrails/bytes.ts';
import type { Engine } from '../guardrails/engine.ts';
import { inspect } from '../guardrails/inspect.ts';
import { finish } from '../guardrails/steps.ts';
import type { Tally } from '../guardrails/tally.ts';
import { trailerLines } from '../protocols/envelope.ts';
import { JsonValues } from './guard-grpc-json.ts';
import { changedMessage, messageToJsonNow } from './guard-grpc-message.ts';
import { type Shape, STATUS, shapeOfType } from './guard-grpc-shapes.ts';
import { WireFault } from './guard-grpc-wire.ts';
import { inspectFields } from './guard-headers.ts';

/** What looks at how a call has ended. */
export interface EndReader {
  readonly engine: Engine;
  readonly tally: Tally;
  /** Lower-case names of the fields that the operator wants read. */
  readonly names: readonly string[];
  /** Told of what cannot be read; whether it may pass. */
  readonly mayPass: () => boolean;
}

const MESSAGE = 'grpc-message';
const DETAILS = 'grpc-status-details-bin';
/** Characters of the latter. */
const MOST_DETAILS = 65_536;

/**
 * Runs the rules over the fields that say how a call of gRPC ended: `grpc-message` and `grpc-status-details-bin`, and those that
 * the operator names. The same fields when nothing was changed. What cannot be read is left out, unless it may pass.
 */
export function inspectStatus(reader: EndReader, fields: Fields): Fields {
  const { engine, tally, names } = reader;
  let out: string[] | undefined;
  for (let i = 0; i < fields.length && tally.blockedBy === undefined; i += 2) {
    // Fields come in pairs, so both are there.
    const name = (fields[i] as string).toLowerCase();
    if (name !== MESSAGE && name !== DETAILS) continue;
    const value = fields[i + 1] as string;
    const now = name === MESSAGE ? statusMessage(reader, value) : statusDetails(reader, value);
    if (now === value) continue;
    out ??= [...fields];
    out[i + 1] = now;
  }
  const read = out === undefined ? fields : withoutEmpty(out);
  return names.length === 0 ? read : inspectFields(engine, read, names, tally).fields;
}

/** Whether there is any such text. */
export function hasStatusText(fields: Fields): boolean {
  for (let i = 0; i < fields.length; i += 2) {
    // Fields come in pairs. Most names are shorter or longer.
    const name = fields[i] as string;
    if (name.length !== MESSAGE.length && name.length !== DETAILS.length) continue;
    const lower = name.toLowerCase();
    if (lower === MESSAGE || lower === DETAILS) return true;
  }
  return false;
}

/** An empty `grpc-status-details-bin` would be a message, and none of an error. */
function withoutEmpty(fields: Fields): string[] {
  const out: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const [name = '', value = ''] = [fields[i], fields[i + 1]];
    if (value !== '' || name.toLowerCase() !== DETAILS) out.push(name, value);
  }
  return out;
}

/** Percent-encoded UTF-8; broken encoding stays as it is: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md */
function statusMessage({ engine, tally }: EndReader, value: string): string {
  const unescaped = value.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  const message = Buffer.from(unescaped, 'latin1').toString('utf8');
  const before = Buffer.from(JSON.stringify({ error: { message } }));
  const { bytes: after } = inspect(engine, before, JSON_TYPE, tally);
  if (after === before) return value;
  const values = new JsonValues(after);
  // Behind two names, which may be others now.
  values.next();
  values.next();
  return percentEncode(String(JSON.parse(values.next() ?? '""')));
}

const JSON_TYPE = 'application/json';

function statusDetails(reader: EndReader, value: string): string {
  const bytes = value.length > MOST_DETAILS ? undefined : fromBase64(value);
  const now = bytes === undefined ? undefined : inspectMessage(reader, bytes, STATUS);
  if (now === undefined) return reader.mayPass() ? value : '';
  return now === bytes ? value : Buffer.from(now).toString('base64').replace(/=+$/, '');
}

/** Undefined: it is none. */
function fromBase64(text: string): Uint8Array | undefined {
  if (!/^[\w+/-]*={0,2}$/.test(text)) return undefined;
  // Both alphabets are read.
  return Buffer.from(text, 'base64');
}

/** A message that stands for itself. Undefined when it cannot be read. */
function inspectMessage({ engine, tally }: EndReader, bytes: Uint8Array, shape: Shape): Uint8Array | undefined {
  try {
    const before = messageToJsonNow(bytes, shape);
    const { bytes: after } = inspect(engine, before, JSON_TYPE, tally);
    return after === before ? bytes : finish(changedMessage(bytes, shape, before, after));
  } catch (error) {
    if (error instanceof WireFault) return undefined;
    throw error;
  }
}

/** The same for the last frame of gRPC-Web: lines of fields. Undefined when it cannot be read. */
export function inspectTrailerFrame(reader: EndReader, payload: Uint8Array): Uint8Array | undefined {
  const fields: string[] = [];
  for (const line of asLatin1(payload).split(/\r\n?|\n/)) {
    const colon = line.indexOf(':');
    if (colon > 0) fields.push(line.slice(0, colon).trim(), line.slice(colon + 1).trim());
    else if (line !== '') return undefined;
  }
  const now = inspectStatus(reader, fields);
  return now === fields ? payload : trailerLines(now);
}

/**
 * The same for an error of Connect, alone or in the last message of a stream: JSON, with messages in base64 among its details.
 * Undefined when it cannot be read.
 */
export function inspectConnectEnd(reader: EndReader, payload: Uint8Array): Uint8Array | undefined {
  if (payload.length === 0) return payload;
  if (!isUtf8(payload)) return undefined;
  const { bytes, unreadable } = inspect(reader.engine, payload, JSON_TYPE, reader.tally);
  if (unreadable !== undefined) return undefined;
  let document: unknown;
  try {
    document = JSON.parse(asBuffer(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
  let isChanged = false;
  for (const detail of detailsOf(document)) {
    const value = fromBase64(detail.value);
    const now = value === undefined ? undefined : inspectMessage(reader, value, shapeOfType(detail.type));
    if (now === undefined) return undefined;
    if (now === value) continue;
    detail.set(Buffer.from(now).toString('base64').replace(/=+$/, ''));
    isChanged = true;
  }
  return isChanged ? Buffer.from(JSON.stringify(document)) : bytes;
}

interface Detail {
  readonly type: string;
  readonly value: string;
  readonly set: (value: string) => void;
}

/** Some readers do not look at the case of names. */
function detailsOf(document: unknown): Detail[] {
  const found: Detail[] = [];
  for (const holder of [document, ...members(document, 'error')]) {
    for (const list of members(holder, 'details')) {
      if (!Array.isArray(list)) continue;
      for (const item of list as unknown[]) {
        if (typeof item !== 'object' || item === null) continue;
        const type = members(item, 'type').find((name) => typeof name === 'string') ?? '';
        for (const [name, value] of Object.entries(item)) {
          if (name.toLowerCase() !== 'value' || typeof value !== 'string') continue;
          // It is one of the item's own members.
          found.push({ type, value, set: (now) => ((item as Record<string, unknown>)[name] = now) });
        }
      }
    }
  }
  return found;
}

function members(value: unknown, wanted: string): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => (name.toLowerCase() === wanted ? [member as unknown] : []));
}
