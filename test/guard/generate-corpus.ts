/**
 * Makes the labelled corpus: `npm run corpus`. The labels come from how each value is made, never from what finds them.
 * The same seed gives the same bytes.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { chat, csv, document, form, log, type Made, ndjson, prose, toolCall } from './corpus/bodies.ts';
import { Draft, type Entry } from './corpus/draft.ts';
import { evasion } from './corpus/evasion.ts';
import { Random } from './corpus/random.ts';
import type { SlotOptions } from './corpus/slots.ts';
import { stream } from './corpus/streams.ts';

const SEED = 20_260_101;

const KINDS: Readonly<Record<string, readonly [count: number, make: (draft: Draft, options: SlotOptions) => Made]>> = {
  tool_call: [700, toolCall],
  chat: [600, chat],
  log: [450, log],
  csv: [300, csv],
  prose: [700, prose],
  stream: [320, stream],
  form: [300, form],
  ndjson: [300, ndjson],
  document: [300, document],
  evasion: [200, evasion],
};

/** All entries, by kind. */
export function generateCorpus(): Map<string, Entry[]> {
  const random = new Random(SEED);
  const corpus = new Map<string, Entry[]>();
  for (const [kind, [count, make]] of Object.entries(KINDS)) {
    const entries = Array.from({ length: count }, (_, place): Entry => {
      const draft = new Draft(random);
      // Some bodies hold nothing to be found, some nothing else.
      const share = random.weighted([
        [35, 0],
        [45, 0.5],
        [20, 0.95],
      ]);
      const { content_type, body } = make(draft, { share });
      const id = `${kind}-${String(place + 1).padStart(4, '0')}`;
      return { id, kind, content_type, body, labels: draft.labels, decoys: draft.decoys };
    });
    corpus.set(kind, entries);
  }
  return corpus;
}

/**
 * One line of JSON for each entry. In each made-up secret one character is spelt out (`\u005f`): to a reader of JSON it is the
 * same, while scanners that look for leaked secrets in repositories are not alarmed.
 */
export function toLines(entries: readonly Entry[]): string {
  return entries.map((entry) => `${disarmed(JSON.stringify(entry))}\n`).join('');
}

const SCANNED =
  /(AKIA|ASIA|AIza|GOCSPX|sk-|sk_|rk_|whsec|gh[pousr]_|github_pat|glpat|gldt|xox[abp]|xapp|hooks\.slack|npm_|pypi-|SG\.|hf_|dop_v1|shpat|gsk_|dckr_pat|sq0|lin_api|dapi|xai-|r8_|hvs\.|SK|eyJ|-----BEGIN|\d:AA)(?=.)/g;

function disarmed(line: string): string {
  // The last character of a prefix is ASCII, and no part of an escape: each ends in a letter, a digit, a hyphen or underscore.
  return line.replace(
    SCANNED,
    (prefix) =>
      `${prefix.slice(0, -1)}\\u${prefix
        .charCodeAt(prefix.length - 1)
        .toString(16)
        .padStart(4, '0')}`,
  );
}

export const CORPUS_FOLDER = new URL('corpus/entries/', import.meta.url);

if (import.meta.main) {
  mkdirSync(CORPUS_FOLDER, { recursive: true });
  for (const [kind, entries] of generateCorpus())
    writeFileSync(new URL(`${kind}.jsonl`, CORPUS_FOLDER), toLines(entries));
}
