import { type Json, type Path } from '../json.ts';

/** A text that names a port of somebody. */
export interface Call {
  readonly path: Path;
  readonly called: number;
}

export interface Callee {
  readonly names: readonly string[];
  /** Undefined: any. */
  readonly port: number | undefined;
  /** Those that are not meant. */
  readonly besides: readonly number[];
}

/** Texts such as `http://NAME:PORT`; what is about images, which look like it, is left out. */
export function callsIn(value: Json, at: Path, { names, port, besides }: Callee): Call[] {
  const address = addressPattern(names, port);
  return textsIn(value, at).flatMap(({ path, text }) => {
    if (NO_CALLS.some((key) => path.includes(key))) return [];
    const ports = [...text.matchAll(address)].map(([, digits, alone]) => Number(digits ?? alone ?? port));
    const called = ports.find((one) => !besides.includes(one) && one > 0 && one <= 65_535);
    return called === undefined ? [] : [{ path, called }];
  });
}

/** Keys of services whose values look like an address with a port. */
const NO_CALLS: readonly string[] = ['image', 'build', 'user'];

/** What means one's own network. */
export const LOOPBACK: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

function addressPattern(names: readonly string[], port: number | undefined): RegExp {
  const any = names.map((name) => name.replaceAll(/[^\w]/g, String.raw`\$&`)).join('|');
  // A user of that name, with a password behind it, is no call.
  if (port === undefined) {
    return new RegExp(String.raw`(?<=\w://)(?:${any}):(\d{2,5})(?![\w.@])|^(?:${any}):(\d{2,5})$`, 'g');
  }
  const implied = port === 80 ? String.raw`|http://(?:${any})(?![\w.:-])` : '';
  return new RegExp(String.raw`(?<![\w.-])(?:${any}):(${port})(?!\d)${implied}`, 'g');
}

function textsIn(value: Json, path: Path): { readonly path: Path; readonly text: string }[] {
  if (typeof value === 'string') return [{ path, text: value }];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    textsIn(item, [...path, Array.isArray(value) ? Number(key) : key]),
  );
}
