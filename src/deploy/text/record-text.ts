import { BrokenRecord, decodeRecord, type EjectRecord, encodeRecord } from './record.ts';

/** Where a record stands in a file. */
export interface RecordText {
  readonly record: EjectRecord;
  /** The file without it; in JSON, with `JSON_PLACE` in its place. */
  readonly rest: string;
  /** Offset of the record, and how many characters of lines `rest` misses there. */
  readonly at: number;
  readonly length: number;
}

/** Two records, or one that cannot be read. */
export interface RecordFault {
  readonly at: number;
  readonly message: string;
}

const COLUMNS = 98;
const MARKER = /^# outrider:record (\d+) lines?\b.*\r?\n?/gm;
/** What the sidecar's variable holds until the record is known. */
export const JSON_PLACE = 'outrider:record:';
const IN_JSON = /(?<!\\)"outrider:record:([\w-]+)"/g;
const BROKEN = 'the record of outrider inject is broken: take the file as it was from your version control';

/** Comment lines for the end of a YAML file. */
export function yamlRecord(record: EjectRecord, eol: string): string {
  const lines = encodeRecord(record).match(new RegExp(`.{1,${COLUMNS}}`, 'g')) ?? [];
  const count = `${lines.length} ${lines.length === 1 ? 'line' : 'lines'}`;
  const what = `# outrider:record ${count} that "outrider eject" takes the sidecar out by; leave them as they are`;
  return [what, ...lines.map((line) => `# ${line}`)].map((line) => line + eol).join('');
}

/** JSON text with the record as the value of each variable that waits for it. */
export function withJsonRecord(text: string, record: EjectRecord): string {
  return text.replaceAll(`"${JSON_PLACE}"`, `"${JSON_PLACE}${encodeRecord(record)}"`);
}

/** The record that a file carries; undefined without one. */
export function findRecord(text: string): RecordText | RecordFault | undefined {
  const [marker, another] = [...text.matchAll(MARKER)];
  if (another !== undefined) {
    const message = 'two records of outrider inject: files were put together; eject each of them by itself';
    return { at: another.index, message };
  }
  if (marker !== undefined) return findYaml(text, marker);
  const [first, ...others] = [...text.matchAll(IN_JSON)];
  if (first === undefined) return undefined;
  const wrong = others.find(([value]) => value !== first[0]);
  if (wrong !== undefined) return { at: wrong.index, message: BROKEN };
  const rest = text.replaceAll(IN_JSON, `"${JSON_PLACE}"`);
  return decoded(first[1] ?? '', text, { rest, at: first.index, length: 0 });
}

/** True where the record is the only difference: it is another one after any edit, since it tells where the edits stand. */
export function isSameBesidesRecord(one: string, other: string): boolean {
  return one === other || withoutRecord(one) === withoutRecord(other);
}

function withoutRecord(text: string): string {
  const found = findRecord(text);
  return found === undefined || 'message' in found ? text : found.rest;
}

function findYaml(text: string, marker: RegExpExecArray): RecordText | RecordFault {
  const at = marker.index;
  const count = Number(marker[1]);
  let end = at + marker[0].length;
  const lines: string[] = [];
  for (const [line, data = ''] of text.slice(end).matchAll(/# ([\w-]+)[ \t]*(?:\r?\n|$)|[^]/g)) {
    if (data === '' || lines.length === count) break;
    lines.push(data);
    end += line.length;
  }
  if (lines.length !== count) return { at, message: BROKEN };
  return decoded(lines.join(''), text, { rest: text.slice(0, at) + text.slice(end), at, length: end - at });
}

function decoded(data: string, text: string, place: Omit<RecordText, 'record'>): RecordText | RecordFault {
  try {
    return { record: decodeRecord(data, text.length), ...place };
  } catch (error) {
    if (!(error instanceof BrokenRecord)) throw error;
    return { at: place.at, message: error.message === '' ? BROKEN : `${BROKEN} (${error.message})` };
  }
}
