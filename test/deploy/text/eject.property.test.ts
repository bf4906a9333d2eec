import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isObject, type Json } from '../../../src/deploy/json.ts';
import { RECORD_VARIABLE } from '../../../src/deploy/plan.ts';
import { readDocuments } from '../../../src/deploy/text/documents.ts';
import { ejectText } from '../../../src/deploy/text/eject-text.ts';
import { injectText } from '../../../src/deploy/text/inject-text.ts';
import { arbitraryChange, type Change, change, json } from './arbitrary-change.ts';
import { arbitraryManifest } from './arbitrary-manifest.ts';
import { changingTarget, PLAN } from './changing-target.ts';

const RUNS = { numRuns: Number(process.env['RUNS'] ?? 300) };

function changer(changes: readonly Change[], added: readonly Json[]) {
  return (documents: readonly Json[]): Json[] => {
    const changed = changes.reduce<readonly Json[]>((all, one) => {
      const index = one.at % all.length;
      return all.map((value, at) => (at === index ? change(value, one) : value));
    }, documents);
    return [...changed, ...added];
  };
}

test('eject gives the text back, byte for byte, and injecting twice is injecting once', () => {
  const added = fc.array(fc.constant<Json>({ kind: 'New', a: [1] }), { maxLength: 1 });
  fc.assert(
    fc.property(
      arbitraryManifest(),
      fc.array(arbitraryChange, { minLength: 1, maxLength: 4 }),
      added,
      (text, changes, more) => {
        const target = changingTarget(changer(changes, more));
        const { text: injected } = injectText(text, target, PLAN);
        const { data } = readDocuments(injected);
        assert.deepEqual(data, changer(changes, more)(readDocuments(text).data));
        assert.equal(injectText(injected, target, PLAN).text, injected);
        if (injected === text) return;
        const ejected = ejectText(injected);
        assert.equal(ejected.text, text);
        assert.equal(ejected.record.target, 'kubernetes');
      },
    ),
    RUNS,
  );
});

test('in JSON too, on one line and on many', () => {
  const space = fc.constantFrom<(string | number)[]>([], [2], [4], ['\t']).map(([one]) => one);
  const value = fc.dictionary(fc.string(), json, { minKeys: 1 }).filter((one) => !Object.hasOwn(one, '__proto__'));
  fc.assert(
    fc.property(
      value,
      space,
      fc.array(arbitraryChange, { maxLength: 3 }),
      fc.boolean(),
      (data, indent, changes, open) => {
        const text = JSON.stringify(data, null, indent) + (open ? '' : '\n');
        const target = changingTarget((documents, plan) =>
          changer(
            changes,
            [],
          )(documents).map((one) => ({
            ...(isObject(one) ? one : {}),
            sidecar: { [RECORD_VARIABLE]: plan.record ?? '' },
          })),
        );
        const { text: injected } = injectText(text, target, PLAN);
        JSON.parse(injected);
        assert.equal(injectText(injected, target, PLAN).text, injected);
        assert.equal(ejectText(injected).text, text);
      },
    ),
    RUNS,
  );
});

test('edits elsewhere survive', () => {
  fc.assert(
    fc.property(arbitraryManifest(), fc.array(fc.nat(), { maxLength: 3 }), (text, edits) => {
      const eol = text.includes('\r\n') ? '\r\n' : '\n';
      const target = changingTarget((documents) =>
        documents.map((one) => ({
          ...(one as Record<string, Json>),
          sidecar: { name: 'outrider', image: 'outrider:1' },
        })),
      );
      const { text: injected } = injectText(text, target, PLAN);
      // Comments before any line that begins a top-level entry: never within what was put in.
      const edited = (source: string) => {
        const lines = source.split(eol);
        const places = lines.flatMap((line, at) =>
          /^[a-z].*:/.test(line) && !line.startsWith('sidecar:') ? [at] : [],
        );
        for (const edit of edits) {
          const at = places[edit % places.length] ?? 0;
          lines[at] = `# edit ${edit}${eol}${lines[at]}`;
        }
        return lines.join(eol);
      };
      assert.equal(ejectText(edited(injected)).text, edited(text));
    }),
    RUNS,
  );
});
