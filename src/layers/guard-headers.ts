import { type Fields, withoutFields } from '../fields.ts';
import { decodeBytes } from '../guardrails/bytes.ts';
import type { Engine } from '../guardrails/engine.ts';
import { Tally } from '../guardrails/tally.ts';
import { encodeLossless } from '../guardrails/text-decoder.ts';
import type { Side } from './guard-side.ts';
import { isFieldSigned } from './guard-signed.ts';
import { edited, editsOf } from './guard-text.ts';

export interface InspectedFields {
  /** The same object when nothing was changed. */
  readonly fields: Fields;
  /** Lower-case name of a field that would have to change, and that a signature covers. */
  readonly signed: string | undefined;
}

/** Runs the rules over the values of the fields with these lower-case names. */
export function inspectFields(engine: Engine, fields: Fields, names: readonly string[], tally: Tally): InspectedFields {
  let out: string[] | undefined;
  let signed: string | undefined;
  for (let i = 0; i < fields.length && tally.blockedBy === undefined; i += 2) {
    // Fields come in pairs, so both are there.
    const name = (fields[i] as string).toLowerCase();
    if (!names.includes(name)) continue;
    const value = fields[i + 1] as string;
    // Each character is one byte on the wire.
    const { text } = decodeBytes(Buffer.from(value, 'latin1'));
    const edits = editsOf(engine, text, tally);
    if (edits.texts.length === 0) continue;
    out ??= [...fields];
    out[i + 1] = fieldValue(edited(text, edits));
    if (isFieldSigned(fields, name)) signed ??= name;
  }
  return { fields: out ?? fields, signed };
}

/** A replacement may hold what no field may: line ends, and other control characters (RFC 9110 §5.5). */
function fieldValue(text: string): string {
  return Buffer.from(encodeLossless(text))
    .toString('latin1')
    .replace(/[^\t -~\u0080-\u00ff]/g, ' ')
    .trim();
}

/** Fields behind the body come too late to refuse anything: when a rule blocks, or could not redact, all of the names are left out. */
export async function inspectTrailers(side: Side, trailers: Promise<Fields>): Promise<Fields> {
  const { headers: names } = side.state.settings;
  const came = await trailers;
  const tally = new Tally();
  const { fields, signed } = inspectFields(side.engine, came, names, tally);
  side.findings.add(tally.hits);
  side.findings.record();
  return tally.blockedBy === undefined && signed === undefined
    ? fields
    : withoutFields(came, (name) => names.includes(name));
}
