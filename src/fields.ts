/**
 * Header or trailer fields as one flat list: name, value, name, value… in wire order and with the sender's own case.
 * It is what the sockets give and take, so that a message that nobody changes is never rebuilt. The length is always even,
 * which is what the casts in this file rest on.
 */
export type Fields = readonly string[];

/** The first value of a field, or undefined. `name` must be lower case (RFC 9110 §5.1: names are case-insensitive). */
export function getField(fields: Fields, name: string): string | undefined {
  for (let i = 0; i < fields.length; i += 2) {
    const candidate = fields[i] as string;
    if (candidate.length === name.length && (candidate === name || candidate.toLowerCase() === name)) {
      return fields[i + 1];
    }
  }
  return undefined;
}

/** How many times a field occurs. `name` must be lower case. */
export function countField(fields: Fields, name: string): number {
  let count = 0;
  for (let i = 0; i < fields.length; i += 2) {
    const candidate = fields[i] as string;
    if (candidate.length === name.length && candidate.toLowerCase() === name) count++;
  }
  return count;
}

/** A copy without the fields for which `drop` says true; it is asked with the lower-case name. */
export function withoutFields(fields: Fields, drop: (lowerName: string) => boolean): string[] {
  const out: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string;
    if (!drop(name.toLowerCase())) out.push(name, fields[i + 1] as string);
  }
  return out;
}

/** The same fields as name–value pairs, for interfaces that want them so. */
export function fieldPairs(fields: Fields): [string, string][] {
  const out: [string, string][] = [];
  for (let i = 0; i < fields.length; i += 2) out.push([fields[i] as string, fields[i + 1] as string]);
  return out;
}
