import { AWS_SECRET, AWS_SECRET_KEY, findAwsSecretsIn, openAwsSecret } from './aws-secret.ts';
import { unitAt } from './characters.ts';
import type { Detector } from './detector.ts';
import { jwtParts } from './jwt.ts';
import { type KeyFormat, shapeOf } from './key-format.ts';
import { KEY_FORMATS } from './key-formats.ts';
import { detect, whole } from './lookahead.ts';
import { privateKeyDetector } from './private-key.ts';
import type { FindIn } from './rule.ts';
import { hasRun, isIn, unitSet } from './unit-set.ts';

/** What every key has, shorter or longer: a run of these, of at least so many. Slashes may be escaped. */
const IN_KEY = unitSet('A-Za-z0-9_+/.%~\\-');
const LEAST = 20;
/** In these ends what may stand between a run and the marker before it, as in `AccountKey=…`. */
const BEFORE_RUN = unitSet('=:$');
const MAX_BEFORE = 48;
/** From so many on, a run may be an AWS secret access key, with its name before it. */
const LEAST_NAMED = 40;
const NAME = /secret_?(?:access_?)?key/i;

/** By their first two characters, all markers, with slashes as they are and escaped. */
const MARKERS = new Map<number, string[]>();
/** Whether there are any, for a table is faster. */
const PAIRS = new Uint8Array(128 * 128);

for (const { marker } of [{ marker: 'eyJ' }, ...Object.values(KEY_FORMATS).flat()]) {
  for (const form of new Set([marker, marker.replaceAll('/', '\\/')])) {
    const pair = form.charCodeAt(0) * 128 + form.charCodeAt(1);
    PAIRS[pair] = 1;
    MARKERS.set(pair, [...(MARKERS.get(pair) ?? []), form]);
  }
}

/**
 * Whether there may be a key of any format. One look serves all their detectors, which share this very function. A clean text
 * has few long runs, and only in these the markers are looked for.
 */
export function mayHoldKey(text: string): boolean {
  return hasRun(text, IN_KEY, LEAST, isMarked);
}

function isMarked(text: string, start: number, end: number): boolean {
  const before = Math.max(0, start - MAX_BEFORE);
  if (end - start >= LEAST_NAMED && NAME.test(text.slice(before, end))) return true;
  for (let at = isIn(BEFORE_RUN, unitAt(text, start - 1)) ? before : start; at < end - 1; at++) {
    const first = text.charCodeAt(at);
    const second = text.charCodeAt(at + 1);
    if (first > 127 || second > 127 || PAIRS[first * 128 + second] === 0) continue;
    if (MARKERS.get(first * 128 + second)?.some((marker) => text.startsWith(marker, at))) return true;
  }
  return false;
}

function keyDetector(formats: readonly KeyFormat[]): Detector {
  return { ...detect(shapeOf(formats)), may: mayHoldKey };
}

/** Access keys by their format, and secret access keys by their name, or by that of the member whose value they are. */
function awsDetector(): Detector {
  const named = withIds(findAwsSecretsIn, openAwsSecret);
  const secrets = detect(AWS_SECRET);
  const any = withIds(secrets.findIn, secrets.pending);
  return {
    ...named,
    may: mayHoldKey,
    hinted: { key: AWS_SECRET_KEY, detector: { ...any, may: (text) => hasRun(text, IN_KEY, LEAST, () => true) } },
  };
}

function withIds(findSecretsIn: FindIn, openSecret: Detector['pending']): Omit<Detector, 'may'> {
  const ids = keyDetector(KEY_FORMATS.aws_key);
  const findIn: FindIn = (text, from, to, spans) => {
    const found: number[] = [];
    const next = ids.findIn(text, from, to, found);
    findSecretsIn(text, from, to, found);
    const starts = Array.from({ length: found.length / 2 }, (_, i) => 2 * i);
    starts.sort((a, b) => (found[a] as number) - (found[b] as number));
    let free = Math.max(from, spans.at(-1) ?? 0);
    for (const i of starts) {
      // Spans come in pairs.
      const start = found[i] as number;
      if (start < free) continue;
      free = found[i + 1] as number;
      spans.push(start, free);
    }
    return Math.max(next, free);
  };
  return {
    find: whole(findIn),
    findIn,
    pending: (text, from) => Math.min(ids.pending(text, from), openSecret(text, from)),
  };
}

/** The detectors of all rules for secrets, in their order. */
export const SECRET_DETECTORS: readonly (readonly [name: string, detector: Detector])[] = [
  ['private_key', privateKeyDetector],
  ['jwt', { ...jwtParts, may: mayHoldKey }],
  ['aws_key', awsDetector()],
  ...Object.entries(KEY_FORMATS)
    .filter(([name]) => name !== 'aws_key')
    .map(([name, formats]) => [name, keyDetector(formats)] as const),
];
