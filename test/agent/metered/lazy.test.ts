import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Process, ROOT } from '../../support/process.ts';

/** Prints what was loaded of the price list before the first call of a model, and after it. */
const PROGRAM = `
import { registerHooks } from 'node:module';
const loaded = [];
registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context); } });
const { sidecar } = await import('./src/library/agent.ts');
const count = (name) => loaded.filter((url) => url.includes(name)).length;
const inner = async () => Response.json({ model: 'gpt-5', usage: { prompt_tokens: 1, completion_tokens: 1 } });
const beside = sidecar({ env: {}, fetch: async () => new Response('{}', { status: 202 }) });
const fetch = beside.metered(inner);
await (await fetch('http://host/v1/models')).json();
const before = count('genai-prices');
const { event_id } = await beside.cost({ model: 'm', input_tokens: 1, output_tokens: 1, cost_usd: null });
await (await fetch('http://host/v1/chat/completions', { method: 'POST', body: '{}' })).json();
await beside.flush();
console.log(JSON.stringify([before, count('genai-prices'), count('undici'), count('zod'), count('opentelemetry'), event_id.length]));
`;

test('the price list is loaded with the first call of a model, and nothing else ever', async () => {
  const child = new Process(
    process.execPath,
    ['--input-type=module', '-e', PROGRAM],
    { PATH: process.env['PATH'] },
    ROOT,
  );
  const { code } = await child.exited;
  assert.equal(code, 0, child.stderr);
  assert.deepEqual(JSON.parse(child.stdout), [0, 1, 0, 0, 0, 36]);
});
