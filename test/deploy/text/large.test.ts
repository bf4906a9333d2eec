import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isObject } from '../../../src/deploy/json.ts';
import { ejectText } from '../../../src/deploy/text/eject-text.ts';
import { injectText } from '../../../src/deploy/text/inject-text.ts';
import { changingTarget, PLAN } from './changing-target.ts';

// Takes about four seconds of one core; the limit is for machines that do other things as well.
test('a file of 5 MB and many documents', { timeout: 120_000 }, () => {
  const documents = Array.from(
    { length: 25_000 },
    (_, at) =>
      `# document ${at}\nkind: ${at % 50 === 0 ? 'Pod' : 'Other'}\nmetadata: { name: n${at} }\nspec:\n  containers:\n  - name: agent # the agent\n    image: 'company/agent:1'\n    env:\n    - name: LOG_LEVEL\n      value: "info"\n    args: [--verbose, "8000"]\n`,
  );
  const text = documents.join('---\n');
  assert.ok(text.length > 5_000_000);
  const target = changingTarget((all) =>
    all.map((one) => (isObject(one) && one['kind'] === 'Pod' ? { ...one, sidecar: { image: 'outrider:1' } } : one)),
  );
  const { text: injected } = injectText(text, target, PLAN);
  assert.equal(injected.split('\nsidecar:\n').length - 1, 500);
  const edited = (source: string) => source.replaceAll('company/agent:1', 'company/agent:2');
  assert.equal(ejectText(injected).text, text);
  assert.equal(ejectText(edited(injected)).text, edited(text));
});
