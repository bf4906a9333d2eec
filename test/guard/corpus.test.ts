import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ibanCheck, luhnDigit, routingDigit } from './corpus/check-digits.ts';
import type { Entry } from './corpus/draft.ts';
import { loadCorpus } from './corpus/load.ts';
import { CORPUS_FOLDER, generateCorpus, toLines } from './generate-corpus.ts';
import { readings } from './readings.ts';

const corpus = loadCorpus();

test('the corpus is what its generator makes, byte for byte', () => {
  const generated = generateCorpus();
  assert.deepEqual(readdirSync(CORPUS_FOLDER).sort(), [...generated.keys()].map((kind) => `${kind}.jsonl`).sort());
  for (const [kind, entries] of generated) {
    const checkedIn = readFileSync(new URL(`${kind}.jsonl`, CORPUS_FOLDER), 'utf8');
    assert.ok(checkedIn === toLines(entries), `${kind}.jsonl: run npm run corpus`);
  }
});

test('it is large, has every type in numbers, and more that only looks like a match than matches', () => {
  const labels = corpus.flatMap((entry) => entry.labels);
  const decoys = corpus.flatMap((entry) => entry.decoys);
  assert.ok(corpus.length >= 4000);
  assert.ok(decoys.length >= labels.length);
  assert.equal(new Set(corpus.map(({ id }) => id)).size, corpus.length);
  for (const type of ['credit_card', 'ssn', 'iban', 'email', 'phone', 'ipv4', 'ipv6', 'us_routing_number']) {
    const count = labels.filter((label) => label.type === type).length;
    assert.ok(count >= 100, `${type}: ${count}`);
  }
});

test('each value that is labelled can be read in its body', () => {
  for (const { id, body, content_type, labels } of corpus) {
    const texts = readings(body, content_type);
    for (const { type, text } of labels) {
      assert.ok(
        texts.some((reading) => reading.includes(text)),
        `${id}: ${type}`,
      );
    }
  }
});

test('bodies are what their types say', () => {
  const jsonOf = ({ kind, content_type: type, body }: Entry): string[] => {
    if (kind === 'ndjson') return body.trimEnd().split('\n');
    if (kind === 'stream') return [...body.matchAll(/^data: (\{.*)$/gm)].map(([, data]) => data ?? '');
    return type.startsWith('application/json') ? [body] : [];
  };
  for (const entry of corpus) for (const text of jsonOf(entry)) assert.doesNotThrow(() => JSON.parse(text), entry.id);
});

test('check digits are those of published examples', () => {
  assert.equal(luhnDigit('411111111111111'), '1');
  assert.equal(luhnDigit('37828224631000'), '5');
  assert.equal(ibanCheck('GB', 'WEST12345698765432'), '82');
  assert.equal(ibanCheck('DE', '370400440532013000'), '89');
  assert.equal(routingDigit('02100002'), '1');
});
