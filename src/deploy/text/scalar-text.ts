export type Scalar = null | boolean | number | string;
export type Quote = 'single' | 'double';

/** What readers of YAML 1.1 or 1.2 take for something else than text. */
const NOT_TEXT: readonly RegExp[] = [
  /^(~|null|true|false|yes|no|on|off|y|n|=|<<)$/i,
  // Numbers of every base, versions, dates, times, sexagesimal numbers (`8080:80` to some readers) and ranges of ports.
  /^[-+.\d][\d_.:,eE+-]*$/,
  /^[-+]?0[box][\da-f_]+$/i,
  /^[-+]?\.(inf|nan)$/i,
  /^\d{4}-\d\d?-\d\d?([Tt\s]|$)/,
];
/** Deliberately narrow: what it leaves out is quoted. */
const PLAIN = /^(?:[A-Za-z0-9_/$(+.^]|-{1,2}[A-Za-z0-9])(?:[\w/$(){}+.^,;<>=@%*!?&|~[\]\\'"-]|:(?=\S)| (?=[^\s#]))*$/;
const FLOW_MARKS = /[,[\]{}]|:$/;

/** A scalar on one line. `flow`: between brackets or braces. */
export function scalarText(value: Scalar, { flow = false, quote }: { flow?: boolean; quote?: Quote } = {}): string {
  if (typeof value === 'number') return numberText(value);
  if (typeof value !== 'string') return String(value);
  if (quote === undefined && isPlain(value, flow)) return value;
  if (quote === 'single' && /^[\x20-\x7e\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd]*$/.test(value))
    return `'${value.replaceAll("'", "''")}'`;
  return jsonText(value);
}

/** As JSON, which is YAML too; with the characters escaped that YAML does not take, or takes for line breaks. */
export function jsonText(value: Scalar): string {
  return JSON.stringify(value).replaceAll(
    /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** What a reader could take for a line break, or not take at all, where it is not escaped. */
const NOT_PRINTABLE = /[^\n\t\x20-\x7e\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd]/;

/** True for text that is better written on lines of its own. */
export function isBlockText(value: string): boolean {
  let end = value.length;
  while (value[end - 1] === '\n') end -= 1;
  return value.lastIndexOf('\n', end - 1) !== -1 && /\S/.test(value[end - 1] ?? '') && !NOT_PRINTABLE.test(value);
}

function isPlain(value: string, flow: boolean): boolean {
  if (!PLAIN.test(value) || /[\s:]$/.test(value) || NOT_TEXT.some((pattern) => pattern.test(value))) return false;
  return !flow || !FLOW_MARKS.test(value);
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return '.nan';
  if (!Number.isFinite(value)) return value > 0 ? '.inf' : '-.inf';
  return Object.is(value, -0) ? '-0' : String(value);
}
