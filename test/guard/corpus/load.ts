import { readdirSync, readFileSync } from 'node:fs';
import type { Entry } from './draft.ts';

const FOLDER = new URL('entries/', import.meta.url);

/** The corpus as it is checked in, all kinds. */
export function loadCorpus(): Entry[] {
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith('.jsonl'))
    .sort()
    .flatMap((name) => readFileSync(new URL(name, FOLDER), 'utf8').trimEnd().split('\n'))
    .map((line) => {
      // Written by the generator, and compared with what it makes by a test.
      const entry: Entry = JSON.parse(line);
      return entry;
    });
}
