import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseAllDocuments } from 'yaml';
import type { Json } from '../../../src/deploy/json.ts';
import { readDocuments } from '../../../src/deploy/text/documents.ts';
import { arbitraryChange, type Change, change } from './arbitrary-change.ts';
import { arbitraryManifest } from './arbitrary-manifest.ts';

/** Another reading of the same text, by the YAML library alone. */
function libraryData(text: string): Json[] {
  return parseAllDocuments(text, { merge: true, schema: 'core', logLevel: 'error' }).map((document) => {
    assert.deepEqual(document.errors, []);
    return document.toJS() as Json;
  });
}

function changed(data: readonly Json[], changes: readonly Change[]): Json[] {
  return changes.reduce<Json[]>(
    (all, one) => {
      const index = one.at % all.length;
      return all.map((value, at) => (at === index ? change(value, one) : value));
    },
    [...data],
  );
}

const RUNS = { numRuns: Number(process.env['RUNS'] ?? 300) };

test('reads what the YAML library reads', () => {
  fc.assert(
    fc.property(arbitraryManifest(), (text) => {
      assert.deepEqual(readDocuments(text).data, libraryData(text));
    }),
    RUNS,
  );
});

test('writes the wanted data', () => {
  fc.assert(
    fc.property(arbitraryManifest(), fc.array(arbitraryChange, { maxLength: 4 }), (text, changes) => {
      const documents = readDocuments(text);
      const wanted = changed(documents.data, changes);
      assert.deepEqual(libraryData(documents.write(wanted)), wanted);
    }),
    RUNS,
  );
});

test('writes back the very text where nothing changes', () => {
  fc.assert(
    fc.property(arbitraryManifest(), (text) => {
      const documents = readDocuments(text);
      assert.equal(documents.write(structuredClone(documents.data)), text);
    }),
    RUNS,
  );
});
