/**
 * How well the built-in rules do on the labelled corpus: `node test/guard/accuracy.ts` prints the table, with `--misses` what
 * was missed and what was found wrongly, too.
 */
import { createEngine } from '../../src/guardrails/engine.ts';
import { inspect } from '../../src/guardrails/inspect.ts';
import type { Entry } from './corpus/draft.ts';
import { loadCorpus } from './corpus/load.ts';
import { readings } from './readings.ts';

/** Counts of one type. */
export interface Score {
  /** Labels in the corpus, those that only their context gives away, and entries with any. */
  labels: number;
  contextual: number;
  entries: number;
  found: number;
  foundContextual: number;
  /** Hits of the rule without a label. */
  wrong: number;
}

export interface Fault {
  readonly what: 'missed' | 'wrong';
  readonly type: string;
  readonly entry: Entry;
  /** The text of the label that was missed; of what was found wrongly, the decoys that are gone. */
  readonly texts: readonly string[];
}

export interface Accuracy {
  readonly scores: ReadonlyMap<string, Score>;
  readonly faults: readonly Fault[];
}

/** Every built-in rule is on, and redacts. */
export function measureAccuracy(corpus: readonly Entry[]): Accuracy {
  const engine = createEngine([
    { type: 'preset', name: 'pii_detection' },
    { type: 'preset', name: 'secrets' },
  ]);
  const scores = new Map<string, Score>();
  const faults: Fault[] = [];
  const scoreOf = (type: string): Score => {
    const score = scores.get(type) ?? { labels: 0, contextual: 0, entries: 0, found: 0, foundContextual: 0, wrong: 0 };
    scores.set(type, score);
    return score;
  };
  for (const { name } of engine.rules) scoreOf(name);
  for (const entry of corpus) {
    const { bytes, hits } = inspect(engine, Buffer.from(entry.body), entry.content_type);
    const left = readings(Buffer.from(bytes).toString(), entry.content_type);
    const types = new Set(entry.labels.map(({ type }) => type));
    for (const type of types) scoreOf(type).entries++;
    for (const type of new Set([...types, ...hits.map(({ rule }) => rule)])) {
      const score = scoreOf(type);
      let hitsLeft = hits.find(({ rule }) => rule === type)?.count ?? 0;
      for (const { text, by } of entry.labels.filter((label) => label.type === type)) {
        score.labels++;
        if (by === 'context') score.contextual++;
        if (hitsLeft > 0 && !left.some((reading) => reading.includes(text))) {
          hitsLeft--;
          score.found++;
          if (by === 'context') score.foundContextual++;
        } else {
          faults.push({ what: 'missed', type, entry, texts: [text] });
        }
      }
      score.wrong += hitsLeft;
      if (hitsLeft > 0) {
        const gone = entry.decoys
          .map(({ text }) => text)
          .filter((text) => !left.some((reading) => reading.includes(text)));
        faults.push({ what: 'wrong', type, entry, texts: gone });
      }
    }
  }
  return { scores, faults };
}

export function precision({ found, wrong }: Score): number {
  return found + wrong === 0 ? 1 : found / (found + wrong);
}

export function recall({ labels, found }: Score): number {
  return labels === 0 ? 1 : found / labels;
}

/** Of the labels whose form alone gives them away. */
export function recallOfForms({ labels, contextual, found, foundContextual }: Score): number {
  return labels === contextual ? 1 : (found - foundContextual) / (labels - contextual);
}

export function accuracyTable({ scores }: Accuracy): string {
  const rows = [...scores].map(([type, score]) =>
    [
      type,
      score.labels,
      score.entries,
      precision(score).toFixed(3),
      recall(score).toFixed(3),
      recallOfForms(score).toFixed(3),
    ].join(' | '),
  );
  return [
    '| type | labels | entries | precision | recall | recall, without those that only context tells |',
    '|---|---|---|---|---|---|',
    ...rows.map((row) => `| ${row} |`),
  ].join('\n');
}

if (import.meta.main) {
  const corpus = loadCorpus();
  const accuracy = measureAccuracy(corpus);
  const labels = corpus.reduce((sum, entry) => sum + entry.labels.length, 0);
  const decoys = corpus.reduce((sum, entry) => sum + entry.decoys.length, 0);
  console.log(`${corpus.length} entries, ${labels} values to be found, ${decoys} that only look like one.\n`);
  console.log(accuracyTable(accuracy));
  if (process.argv.includes('--misses')) {
    for (const { what, type, entry, texts } of accuracy.faults) {
      // The values are made up.
      console.log(`${what} ${type} ${entry.id} ${JSON.stringify(texts)}`);
    }
  }
}
