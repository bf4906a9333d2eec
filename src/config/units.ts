const UNITS_MS: ReadonlyArray<readonly [string, number]> = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
];

const UNITS_BYTES: ReadonlyArray<readonly [string, number]> = [
  ['GiB', 2 ** 30],
  ['MiB', 2 ** 20],
  ['KiB', 2 ** 10],
  ['GB', 1e9],
  ['MB', 1e6],
  ['kB', 1e3],
  ['B', 1],
];

/** `25s`, or a number of seconds without unit, to milliseconds. The schema has checked the form; NaN for an unknown unit. */
export function parseDuration(text: string): number {
  return parse(/[a-z]$/.test(text) ? text : `${text}s`, UNITS_MS);
}

/** `10MiB`, or a number without unit, to bytes. The schema has checked the form; NaN for an unknown unit. */
export function parseBytes(text: string): number {
  return parse(/[A-Za-z]$/.test(text) ? text : `${text}B`, UNITS_BYTES);
}

/** The shortest text that parses back to this number of milliseconds. */
export function formatDuration(ms: number): string {
  return format(ms, UNITS_MS, 'ms');
}

/** The shortest text that parses back to this number of bytes. */
export function formatBytes(bytes: number): string {
  return format(bytes, UNITS_BYTES, 'B');
}

function parse(text: string, units: ReadonlyArray<readonly [string, number]>): number {
  const unit = text.replace(/^[\d.]+/, '');
  const factor = units.find(([name]) => name === unit)?.[1] ?? Number.NaN;
  return Math.round(Number.parseFloat(text) * factor);
}

function format(count: number, units: ReadonlyArray<readonly [string, number]>, smallest: string): string {
  const whole = count === 0 ? undefined : units.find(([, factor]) => Number.isInteger(count / factor));
  return whole === undefined ? `${count}${smallest}` : `${count / whole[1]}${whole[0]}`;
}
