import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accuracyTable, measureAccuracy, precision, recallOfForms, type Score } from './accuracy.ts';
import { loadCorpus } from './corpus/load.ts';

const accuracy = measureAccuracy(loadCorpus());

/** Least precision, and least recall among the values whose form alone gives them away. */
const FLOORS: Readonly<Record<string, readonly [precision: number, recall: number]>> = {
  credit_card: [0.99, 0.98],
  ssn: [0.99, 0.98],
  iban: [0.99, 0.98],
  email: [0.99, 0.98],
};

test('the built-in rules find what is labelled, and little else', (context) => {
  context.diagnostic(`\n${accuracyTable(accuracy)}`);
  for (const [type, [leastPrecision, leastRecall]] of Object.entries(FLOORS)) {
    const score: Score | undefined = accuracy.scores.get(type);
    assert.ok(score !== undefined && score.labels >= 100, `${type} is in the corpus`);
    assert.ok(precision(score) >= leastPrecision, `${type}: precision ${precision(score).toFixed(4)}`);
    assert.ok(recallOfForms(score) >= leastRecall, `${type}: recall ${recallOfForms(score).toFixed(4)}`);
  }
});
