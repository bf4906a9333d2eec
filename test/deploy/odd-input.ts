import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { Json } from '../../src/deploy/json.ts';
import type { Plan } from '../../src/deploy/plan.ts';
import { ManifestError, type Target } from '../../src/deploy/target.ts';

/** Whatever a document holds, a target injects into it or says what is wrong; a second time it changes nothing. */
export function onlyManifestErrors(target: Target, document: fc.Arbitrary<unknown>, plan: Plan | undefined): void {
  assert.ok(plan);
  let injected = 0;
  fc.assert(
    fc.property(document, (given) => {
      // What has been through JSON is JSON.
      const documents = [frozen(JSON.parse(JSON.stringify(given))) as Json];
      try {
        const { documents: after } = target.inject(documents, plan);
        assert.deepEqual(target.inject(after, plan), { documents: after, notes: [] });
        injected++;
      } catch (error) {
        if (!(error instanceof ManifestError)) throw error;
        assert.ok(error.faults.length > 0);
      }
    }),
    { numRuns: 500 },
  );
  assert.ok(injected > 50, `only ${injected} of 500 were injected into: the documents are too odd`);
}

function frozen(value: unknown): unknown {
  if (typeof value === 'object' && value !== null) for (const item of Object.values(value)) frozen(item);
  return Object.freeze(value);
}
