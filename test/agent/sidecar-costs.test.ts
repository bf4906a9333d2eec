import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, type TestContext, test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import OpenAI from 'openai';
import { AgentError, type CostReport, sidecar } from '../../src/library/agent.ts';
import { runOutrider, startOutrider } from '../support/outrider.ts';
import { freePort } from '../support/ports.ts';
import { tempDir } from '../support/temp.ts';
import { until } from '../support/until.ts';
import { provider, replay, stall } from './metered/provider.ts';
import { ANTHROPIC, GOOGLE, OPENAI_CHAT } from './metered/support.ts';

const EVENT: CostReport = { model: 'm', input_tokens: 1, output_tokens: 1, cost_usd: 0.5 };

// oxlint-disable-next-line typescript/no-explicit-any -- rows that assertions take apart
type Row = any;

function rows(dataDir: string): Row[] {
  const db = new DatabaseSync(join(dataDir, 'ledger.db'), { readOnly: true, timeout: 5_000 });
  try {
    return db.prepare('SELECT * FROM costs ORDER BY id').all();
  } finally {
    db.close();
  }
}

describe('with a real sidecar', () => {
  test('what the SDKs used is in the ledger, with its price, its trace and what of it was cached and reasoning', async (t) => {
    const outrider = await startOutrider({ env: { OUTRIDER_TEAM: 'research' } });
    t.after(() => outrider.stop());
    const beside = sidecar({ env: { OUTRIDER_COST_URL: outrider.cost } });
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const fetch = beside.metered(undefined, { trace: { traceparent } });
    const host = async (name: string) => (await provider(t, replay(name))).url;
    const content = 'The capital of France?';

    const openai = new OpenAI({ apiKey: 'k', baseURL: `${await host('openai-chat.sse')}/v1`, fetch });
    const messages = [{ role: 'user' as const, content }];
    for await (const _ of await openai.chat.completions.create({ model: 'gpt-5', messages, stream: true }));
    const anthropic = new Anthropic({ apiKey: 'k', baseURL: await host('anthropic-message.json'), fetch });
    await anthropic.messages.create({ model: 'claude-sonnet-5', max_tokens: 10, messages });
    const google = new GoogleGenAI({
      apiKey: 'k',
      httpOptions: { baseUrl: await host('google-generate.json'), fetch },
    });
    await google.models.generateContent({ model: 'gemini-2.5-flash', contents: content });
    const unpriced = new OpenAI({
      apiKey: 'k',
      baseURL: `${(await provider(t, stall('openai-chat.sse', 2))).url}/v1`,
      fetch,
    });
    for await (const _ of await unpriced.chat.completions.create({ model: 'gpt-5', messages, stream: true })) break;
    await beside.flush();

    const kept = rows(outrider.dataDir);
    const expected = [
      OPENAI_CHAT,
      ANTHROPIC,
      GOOGLE,
      {
        model: 'gpt-5-2025-08-07',
        provider: 'openai',
        input_tokens: 0,
        output_tokens: 0,
        usage: 'unknown',
        cost_usd: null,
      },
    ];
    assert.deepEqual(
      kept.map(({ id: _id, event_id: _event, occurred_at: _at, recorded_at: _recorded, ...row }) => row),
      expected.map(({ cost_usd, ...event }) => ({
        agent: 'test-agent',
        agent_version: '1.2.3',
        team: 'research',
        trace_id: '0af7651916cd43dd8448eb211c80319c',
        cached_input_tokens: null,
        cache_write_tokens: null,
        reasoning_tokens: null,
        ...event,
        cost_nanos: cost_usd === null ? null : Math.round(cost_usd * 1e9),
      })),
    );
    const listed = await runOutrider(['costs', '--json', '--data-dir', outrider.dataDir]);
    const lines = listed.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      lines.map(({ cost_usd, reasoning_tokens, usage }) => [cost_usd, reasoning_tokens, usage]),
      [
        [null, undefined, 'unknown'],
        [round(GOOGLE.cost_usd), 318, 'complete'],
        [round(ANTHROPIC.cost_usd), 300, 'complete'],
        [round(OPENAI_CHAT.cost_usd), 192, 'complete'],
      ],
    );
    const verified = await runOutrider(['audit', 'verify', '--data-dir', outrider.dataDir]);
    assert.equal(verified.code, 0, verified.stdout);
  });

  test('the sidecar is killed and comes back: no event is lost, none is there twice', async (t) => {
    const dataDir = join(tempDir(t), 'data');
    const port = await freePort();
    const start = () => startOutrider({ dataDir, env: { OUTRIDER_COST_ADDR: `127.0.0.1:${port}` } });
    let outrider = await start();
    t.after(() => outrider.stop());
    const beside = sidecar({ url: `http://127.0.0.1:${port}` });
    const ids = Array.from({ length: 300 }, (_, index) => `e${index}`);
    const sent = Promise.all(
      ids.map(async (event_id, index) => {
        await new Promise((resolve) => setTimeout(resolve, index));
        return beside.cost({ ...EVENT, event_id });
      }),
    );
    sent.catch(() => undefined);
    for (let round = 0; round < 2; round++) {
      await until(() => rows(dataDir).length > round * 20, 'some are recorded');
      await outrider.stop('SIGKILL');
      outrider = await start();
    }
    assert.deepEqual(
      (await sent).map(({ event_id }) => event_id),
      ids,
    );
    await beside.flush();
    assert.deepEqual(
      rows(dataDir)
        .map(({ event_id }): string => event_id)
        .toSorted(),
      ids.toSorted(),
    );
  });

  test('an event that is wrong is refused at once, with every fault', async (t) => {
    const outrider = await startOutrider();
    t.after(() => outrider.stop());
    await assert.rejects(
      sidecar({ url: outrider.cost }).cost({ ...EVENT, input_tokens: -1, usage: 'most' as 'partial' }),
      (error) => {
        assert.ok(error instanceof AgentError);
        assert.equal(error.code, 'bad_request');
        const faults = error.details?.['faults'] as { path: string }[];
        assert.deepEqual(faults.map(({ path }) => path).sort(), ['input_tokens', 'usage']);
        return true;
      },
    );
  });
});

const round = (usd: number): number => Math.round(usd * 1e9) / 1e9;

/** A helper that answers with these, and then takes everything. */
async function helper(t: TestContext, answers: readonly (number | 'silence' | 'reset')[]) {
  const bodies: CostReport[] = [];
  let open = 0;
  let most = 0;
  const left = [...answers];
  const server = createServer((request, response) => {
    most = Math.max(most, ++open);
    response.on('close', () => open--);
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      bodies.push(JSON.parse(Buffer.concat(chunks).toString()));
      const answer = left.shift() ?? 202;
      if (answer === 'reset') request.socket.destroy();
      else if (answer !== 'silence')
        setTimeout(() => response.writeHead(answer, { 'Content-Type': 'application/json' }).end('{}'), 5);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  // Listening on TCP.
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, bodies, most: () => most };
}

describe('retries', () => {
  test('what may be taken later is sent again, with the same id; what never will be is not', async (t) => {
    const busy = await helper(t, [503, 507, 'reset', 429, 500]);
    const { event_id } = await sidecar({ url: busy.url }).cost(EVENT);
    assert.equal(busy.bodies.length, 6);
    assert.deepEqual([...new Set(busy.bodies.map((body) => body.event_id))], [event_id]);
    for (const status of [400, 401, 404, 413, 200, 204]) {
      const refusing = await helper(t, [status]);
      await assert.rejects(sidecar({ url: refusing.url }).cost(EVENT), AgentError, String(status));
      assert.equal(refusing.bodies.length, 1, String(status));
    }
  });

  test('they end: after retryMs, when the caller aborts, or at the deadline', async (t) => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const gone = sidecar({ url, retryMs: 200 });
    const begun = performance.now();
    await assert.rejects(gone.cost(EVENT), { code: 'unreachable' });
    assert.ok(performance.now() - begun < 3_000);
    const patient = sidecar({ url, retryMs: 60_000 });
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 50);
    await assert.rejects(patient.cost(EVENT, { signal: controller.signal }), { code: 'cancelled' });
    const silent = await helper(t, ['silence']);
    await assert.rejects(sidecar({ url: silent.url }).cost(EVENT, { deadline: performance.now() + 100 }), {
      code: 'timeout',
    });
    await patient.flush();
  });

  test('a thousand at once go over a few connections; those who give up while they wait leave no gap', async (t) => {
    const slow = await helper(t, []);
    const beside = sidecar({ url: slow.url });
    const controller = new AbortController();
    const given = Array.from({ length: 1_000 }, (_, index) =>
      beside.cost({ ...EVENT, event_id: String(index) }, index % 2 === 1 ? { signal: controller.signal } : {}),
    );
    controller.abort();
    const results = await Promise.allSettled(given);
    assert.ok(results.every(({ status }, index) => index % 2 === 1 || status === 'fulfilled'));
    assert.ok(results.filter(({ status }) => status === 'rejected').length > 450);
    assert.ok(slow.most() <= 16, String(slow.most()));
    await beside.cost(EVENT);
  });

  test('more than can wait are refused, and a lost event of a meter is told of', async () => {
    // A sidecar that never answers.
    const fetch = (): Promise<Response> => new Promise(() => undefined);
    const lost: [AgentError, CostReport | undefined][] = [];
    const beside = sidecar({ fetch, env: {}, retryMs: 0, onCostLost: (...args) => lost.push(args) });
    const controller = new AbortController();
    const { signal } = controller;
    for (let i = 0; i < 10_016; i++) beside.cost(EVENT, { signal }).catch(() => undefined);
    await new Promise(setImmediate);
    await assert.rejects(beside.cost(EVENT), { code: 'overloaded' });
    const metered = beside.metered(async () =>
      Response.json({ model: 'gpt-5', usage: { prompt_tokens: 1, completion_tokens: 1 } }),
    );
    await (await metered('http://host/v1/chat/completions', { method: 'POST', body: '{}' })).json();
    await until(() => lost.length === 1, 'the loss is told');
    assert.deepEqual([lost[0]?.[0].code, lost[0]?.[1]?.model], ['overloaded', 'gpt-5']);
    controller.abort();
    await beside.flush();
  });
});
