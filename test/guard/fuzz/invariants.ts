/** What must hold for every input and every set of rules. Each check says what is wrong, or nothing. */
import { isUtf8 } from 'node:buffer';
import { inspect } from '../../../src/guardrails/inspect.ts';
import { inspectStream } from '../../../src/guardrails/stream.ts';
import { Tally } from '../../../src/guardrails/tally.ts';
import { explains } from './aligned.ts';
import type { Setting } from './engines.ts';
import type { Input } from './inputs.ts';
import { lanes } from './lanes.ts';

/** What was found wrong: a short name that stays the same while the input shrinks, and details. */
export interface Violation {
  readonly invariant: string;
  readonly detail: string;
}

/** Milliseconds for an input of some kilobytes: thousands of times of what one takes. */
const MOST_MILLIS = 2000;

const latin1 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');

/** `chunks`: the same input, cut. */
export function violation(input: Input, setting: Setting, chunks: readonly Uint8Array[]): Violation | undefined {
  try {
    return check(input, setting, chunks);
  } catch (error) {
    return { invariant: 'throws', detail: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

function check(input: Input, setting: Setting, chunks: readonly Uint8Array[]): Violation | undefined {
  const { body, contentType } = input;
  const { engine } = setting;
  const before = Buffer.from(body);
  const start = performance.now();
  const whole = inspect(engine, body, contentType);
  if (performance.now() - start > MOST_MILLIS && isSlow(() => inspect(engine, body, contentType))) {
    return { invariant: 'work', detail: `${body.length} bytes take more than ${MOST_MILLIS} ms` };
  }
  if (!before.equals(body)) return { invariant: 'input', detail: 'the bytes that were given were written to' };
  const told = leaksInHits(whole.hits, setting);
  if (told !== undefined) return told;
  if (whole.blockedBy === undefined) {
    const wrong = checkOutput(
      input,
      setting,
      whole.bytes,
      whole.hits.some(({ action }) => action === 'redact'),
    );
    if (wrong !== undefined) return wrong;
  } else if (whole.hits.length !== 1 || whole.hits[0]?.rule !== whole.blockedBy) {
    return { invariant: 'block', detail: 'findings besides that of the rule that blocked' };
  }
  if (whole.blockedBy === undefined) {
    const wrong = checkLanes(input, setting, whole.bytes);
    if (wrong !== undefined) return wrong;
  }
  return (
    checkStream(input, setting, chunks, whole) ??
    (body.length % 4 === 0 ? checkReleases(input, setting, chunks, whole) : undefined)
  );
}

/** Whether it is so again and again, and not because something else had the processor. */
function isSlow(run: () => unknown): boolean {
  return [1, 2, 3].every(() => {
    const { user } = process.cpuUsage();
    run();
    return process.cpuUsage().user - user > MOST_MILLIS * 1000;
  });
}

function leaksInHits(hits: readonly object[], { words, engine }: Setting): Violation | undefined {
  const names = new Set(engine.rules.map(({ name }) => name));
  for (const hit of hits) {
    for (const [key, value] of Object.entries(hit)) {
      const isFine =
        (key === 'rule' && typeof value === 'string' && names.has(value)) ||
        (key === 'action' && ['redact', 'warn', 'block'].includes(String(value))) ||
        (key === 'count' && Number.isInteger(value) && Number(value) > 0) ||
        // Keys in paths are names.
        (key === 'path' &&
          typeof value === 'string' &&
          !/@|(?<![\w$-])\d{3}-\d\d-\d{4}/.test(value) &&
          !words.some((word) => value.toLowerCase().includes(word.toLowerCase())));
      if (!isFine)
        return { invariant: 'hits', detail: `${key} of a finding says too much, or is wrong: ${String(value)}` };
    }
  }
  return undefined;
}

function checkOutput(
  { body, contentType }: Input,
  setting: Setting,
  bytes: Uint8Array,
  redacted: boolean,
): Violation | undefined {
  const changed = !Buffer.from(body).equals(bytes);
  if (changed && !redacted) return { invariant: 'unchanged', detail: 'changed, though no rule redacted anything' };
  if (!changed) {
    // With masks, what comes in the place of a match may look like it.
    return redacted && setting.replacements !== undefined
      ? { invariant: 'redacted', detail: 'a rule redacted something, and nothing has changed' }
      : undefined;
  }
  const structure = structureKept(latin1(body), latin1(bytes), contentType, hasLines(setting));
  if (structure !== undefined) return { invariant: 'structure', detail: structure };
  if (setting.replacements !== undefined && !explains(latin1(body), latin1(bytes), setting.replacements, contentType)) {
    return { invariant: 'bytes', detail: 'something besides matches has changed' };
  }
  return setting.settles ? checkSettled(setting, bytes, contentType) : undefined;
}

function hasLines({ replacements }: Setting): boolean {
  return replacements?.some((text) => text.includes('\n')) ?? false;
}

/** Each redaction may bare what stood beside it, but that comes to an end. */
function checkSettled({ engine }: Setting, bytes: Uint8Array, contentType: string): Violation | undefined {
  let current = bytes;
  for (let pass = 0; pass < 4; pass++) {
    const { bytes: next, hits } = inspect(engine, current, contentType);
    if (hits.length === 0) return undefined;
    current = next;
  }
  return { invariant: 'settles', detail: 'there is always something more to be found in what left' };
}

/** What JSON readers take for JSON where it need not be: a bare number or word is as well a text. */
function isJson(text: string, isClaimed = true): boolean {
  if (!isClaimed && !/^\s*["[{]/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Strings and numbers out of JSON, which are all that may change in it. */
function skeleton(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g, '#');
}

/** `hasLines`: what comes in the place of a match may have several. */
function structureKept(before: string, after: string, contentType: string, hasLines: boolean): string | undefined {
  if (contentType.startsWith('text/event-stream') || contentType.includes('ndjson')) {
    const lines = before.split(/\r\n|\r|\n/);
    const left = after.split(/\r\n|\r|\n/);
    if (hasLines) return undefined;
    if (lines.length !== left.length) return `${lines.length} lines came, ${left.length} left`;
    const isClaimed = contentType.includes('ndjson');
    const dataOf = (line: string): string => (isClaimed ? line : line.replace(/^\ufeff?data: ?/, ''));
    const isData = (line: string | undefined): boolean => line !== undefined && dataOf(line) !== line;
    // Of events, another line is no data, whatever it looks like, and several lines of data are one text.
    const wasJson = lines.map((line, i) => {
      const from = lines.lastIndexOf('', i - 1) + 1;
      const to = lines.indexOf('', i);
      const isWhole =
        isClaimed || (isData(line) && lines.slice(from, to < 0 ? undefined : to).filter(isData).length === 1);
      return isWhole && isJson(dataOf(line), isClaimed);
    });
    const broken = lines.findIndex((_, i) => wasJson[i] && !isJson(dataOf(left[i] ?? '')));
    if (broken >= 0) return `line ${broken} was JSON`;
    const bent = lines.findIndex((line, i) => wasJson[i] && skeleton(line) !== skeleton(left[i] ?? ''));
    return bent >= 0 ? `line ${bent} has another form` : undefined;
  }
  if (!contentType.includes('json') || !isJson(before)) return undefined;
  if (!isJson(after)) return 'valid JSON came, and something else left';
  return skeleton(before) === skeleton(after) ? undefined : 'the JSON has another form';
}

function checkStream(
  { contentType }: Input,
  setting: Setting,
  chunks: readonly Uint8Array[],
  whole: ReturnType<typeof inspect>,
): Violation | undefined {
  const tally = new Tally();
  const stream = inspectStream(setting.engine, contentType, tally, { limit: 2 ** 20 });
  if (stream === undefined) return undefined;
  const out: Uint8Array[] = [];
  for (const chunk of chunks) {
    // What was taken may be written over by whoever gave it.
    const own = Buffer.from(chunk);
    out.push(stream.push(own));
    if (tally.blockedBy !== undefined && stream.push(Buffer.from('more')).length > 0)
      return { invariant: 'stream block', detail: 'something left after the block' };
  }
  out.push(stream.end());
  const streamed = Buffer.concat(out);
  if (stream.holds && tally.blockedBy === undefined)
    return { invariant: 'stream end', detail: 'something is held back after the end' };
  if (tally.blockedBy !== whole.blockedBy) {
    return {
      invariant: 'stream block',
      detail: `the whole is ${whole.blockedBy === undefined ? 'not ' : ''}blocked, the stream is ${tally.blockedBy === undefined ? 'not' : ''}`,
    };
  }
  if (whole.blockedBy === undefined) {
    if (!streamed.equals(whole.bytes))
      return {
        invariant: 'stream',
        detail: `the whole gives ${JSON.stringify(latin1(whole.bytes))},\nthe stream ${JSON.stringify(latin1(streamed))}`,
      };
    const counts = (hits: typeof whole.hits): string =>
      JSON.stringify(hits.map(({ rule, action, count }) => [rule, action, count]));
    if (counts(tally.hits) !== counts(whole.hits))
      return {
        invariant: 'stream hits',
        detail: `${counts(whole.hits)} in the whole, ${counts(tally.hits)} in the stream`,
      };
  } else if (setting.words.some((word) => streamed.toString().toLowerCase().includes(word.toLowerCase()))) {
    return { invariant: 'stream leak', detail: 'what blocked has left' };
  }
  return leaksInHits(tally.hits, setting);
}

/** A text that comes in pieces is to the rules what it is in one piece. */
function checkLanes({ body, contentType }: Input, setting: Setting, bytes: Uint8Array): Violation | undefined {
  if (setting.hasPaths || !/event-stream|ndjson/.test(contentType) || !isUtf8(body)) return undefined;
  const before = lanes(Buffer.from(body).toString(), contentType);
  if (before === undefined) return undefined;
  const after = lanes(Buffer.from(bytes).toString(), contentType);
  // A rule has found something in the names of the members.
  if (after === undefined || [...before.keys()].some((key) => !after.has(key))) return undefined;
  for (const [key, text] of before) {
    const json = Buffer.from(JSON.stringify(text));
    const alone = JSON.parse(Buffer.from(inspect(setting.engine, json, 'application/json').bytes).toString());
    if (after.get(key) === alone) continue;
    const detail = `${JSON.stringify(alone)} in one piece, ${JSON.stringify(after.get(key))} in pieces`;
    return { invariant: 'lanes', detail };
  }
  return undefined;
}

/** Pauses in which what is held back is given: in them nothing may be lost, doubled or bent. */
function checkReleases(
  { body, contentType }: Input,
  setting: Setting,
  chunks: readonly Uint8Array[],
  whole: ReturnType<typeof inspect>,
): Violation | undefined {
  const stream = inspectStream(setting.engine, contentType, new Tally(), { limit: 2 ** 20 });
  if (stream === undefined || whole.blockedBy !== undefined) return undefined;
  const out: Uint8Array[] = [];
  for (const [place, chunk] of chunks.entries()) {
    out.push(stream.push(chunk));
    if (place % 3 === 0) out.push(stream.release());
  }
  out.push(stream.end());
  const streamed = Buffer.concat(out);
  if (whole.hits.length === 0 && !streamed.equals(body)) {
    return { invariant: 'release', detail: 'clean, and something else left' };
  }
  const bent = structureKept(latin1(body), latin1(streamed), contentType, hasLines(setting));
  return bent === undefined ? undefined : { invariant: 'release', detail: bent };
}
