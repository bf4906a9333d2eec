import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { OutriderError } from '../../src/errors.ts';
import { createLedgerApi } from '../../src/ledger/api.ts';
import { createCostService } from '../../src/ledger/cost-service.ts';
import { openReader } from '../../src/ledger/reader.ts';
import { openLedgerStore } from '../../src/ledger/store.ts';
import { costEvent, tempDir } from './fixtures/events.ts';
import { openLedger, send, TOKEN } from './fixtures/harness.ts';

const COST = {
  agent: 'support',
  agent_version: '1',
  model: 'm',
  provider: 'p',
  input_tokens: 10,
  output_tokens: 5,
  cost_usd: 0.0038,
  trace_id: 't1',
  occurred_at: '2026-01-31T12:00:00Z',
};
const AUDIT = {
  event_type: 'agent.deployed',
  actor: 'alice',
  resource: 'agents/support',
  metadata: { version: '1' },
  timestamp: '2026-01-31T12:00:00Z',
};

async function refused(promise: Promise<unknown>, code: string): Promise<OutriderError> {
  const error = await promise.then(
    () => assert.fail('expected a refusal'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof OutriderError, String(error));
  assert.equal(error.code, code);
  return error;
}

function faultPaths(error: OutriderError): string[] {
  const faults = (error.details ?? {})['faults'] as { path: string }[];
  return faults.map((fault) => fault.path).sort();
}

test('POST costs and audit: 201, then 200 for the same id, each only its own row', async (t) => {
  const { api, store } = await openLedger(t);
  const first = await send(api, 'POST', '/api/v1/costs', { ...COST, event_id: 'x' });
  assert.deepEqual([first.status, first.body], [201, { event_id: 'x', status: 'recorded' }]);
  const again = await send(api, 'POST', '/api/v1/costs', { ...COST, event_id: 'x' });
  assert.deepEqual([again.status, again.body], [200, { event_id: 'x', status: 'duplicate' }]);
  const other = await send(api, 'POST', '/api/v1/costs', { ...COST, event_id: 'x', input_tokens: 11 });
  assert.deepEqual(other.body, { event_id: 'x', status: 'duplicate', conflict: true });
  const keyed = await send(api, 'POST', '/api/v1/costs', COST, [
    'authorization',
    `bearer ${TOKEN}`,
    'Idempotency-Key',
    '"k-1"',
  ]);
  assert.deepEqual(keyed.body, { event_id: 'k-1', status: 'recorded' });
  const audited = await send(api, 'POST', '/api/v1/audit', AUDIT);
  assert.equal(audited.status, 201);
  assert.match(String(audited.body['event_id']), /^[0-9a-f-]{36}$/);
  assert.deepEqual([store.status().costs, store.status().audit], [2, 1]);

  const costs = (await send(api, 'GET', '/api/v1/costs')).body['costs'] as Record<string, unknown>[];
  const { recorded_at, ...row } = costs[1] ?? {};
  assert.match(String(recorded_at), /Z$/);
  assert.deepEqual(row, { ...COST, event_id: 'x', team: null, occurred_at: '2026-01-31T12:00:00.000Z' });
  const audit = (await send(api, 'GET', '/api/v1/audit')).body['audit'] as Record<string, unknown>[];
  assert.deepEqual([audit[0]?.['metadata'], audit[0]?.['seq']], [{ version: '1' }, 1]);
});

test('everything but health and the description needs a token', async (t) => {
  const { api } = await openLedger(t);
  for (const headers of [
    [],
    ['Authorization', 'Bearer wrong'],
    ['Authorization', TOKEN],
    ['Authorization', `Basic ${TOKEN}`],
  ]) {
    for (const [method, target] of [
      ['POST', '/api/v1/costs'],
      ['GET', '/api/v1/costs'],
      ['GET', '/api/v1/audit'],
      ['GET', '/nothing'],
      ['GET', '/health/../api/v1/costs'],
      ['GET', '/constructor'],
    ] as const) {
      await refused(send(api, method, target, undefined, headers), 'unauthenticated');
    }
  }
  assert.deepEqual((await send(api, 'GET', '/health', undefined, [])).body, { status: 'ok', version: '1.2.3' });
  const { body, text } = await send(api, 'GET', '/openapi.json', undefined, []);
  assert.equal(body['openapi'], '3.1.1');
  const schemas = Object.keys((body['components'] as { schemas: object }).schemas);
  for (const match of text.matchAll(/"#\/components\/schemas\/(\w+)"/g)) assert.ok(schemas.includes(match[1] ?? ''));
  await refused(send(api, 'GET', '/constructor'), 'not_found');
  const wrong = await refused(send(api, 'DELETE', '/api/v1/costs'), 'method_not_allowed');
  assert.deepEqual(wrong.details, { allow: ['GET', 'POST'] });
});

test('bad bodies: every fault named, nothing written', async (t) => {
  const { api, store } = await openLedger(t);
  const post = (path: string, body: unknown): Promise<unknown> => send(api, 'POST', `/api/v1/${path}`, body);
  assert.deepEqual(faultPaths(await refused(post('costs', {}), 'bad_request')), [
    'agent',
    'cost_usd',
    'input_tokens',
    'model',
    'output_tokens',
  ]);
  assert.deepEqual(faultPaths(await refused(post('audit', { timestamp: 'x' }), 'bad_request')), [
    'actor',
    'event_type',
    'resource',
    'timestamp',
  ]);
  assert.deepEqual(
    faultPaths(
      await refused(
        post('batch', { costs: [COST, { ...COST, model: 1 }], audit: [{ ...AUDIT, actor: '' }] }),
        'bad_request',
      ),
    ),
    ['audit[0].actor', 'costs[1].model'],
  );
  for (const body of ['{', '', 'null', '[]', '"x"', '\ud800']) {
    for (const path of ['costs', 'audit', 'batch']) await refused(post(path, body), 'bad_request');
  }
  await refused(post('batch', { costs: {} }), 'bad_request');
  await refused(post('batch', { audit: Array.from({ length: 1_001 }, () => AUDIT) }), 'bad_request');
  await refused(post('audit', `{"metadata":${'{"a":'.repeat(200_000)}1${'}'.repeat(200_000)}}`), 'body_too_large');
  await refused(post('audit', `{"metadata":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}}`), 'bad_request');
  await refused(post('audit', { ...AUDIT, metadata: { text: 'x'.repeat(70_000) } }), 'bad_request');
  await refused(post('costs', 'x'.repeat(2 ** 20 + 1)), 'body_too_large');
  await refused(post('batch', 'x'.repeat(2 ** 23 + 1)), 'body_too_large');
  assert.deepEqual([store.status().costs, store.status().audit], [0, 0]);
});

test('a batch is written as a whole and says what it did', async (t) => {
  const { api } = await openLedger(t);
  const costs = [
    { ...COST, event_id: 'a' },
    { ...COST, event_id: 'b' },
  ];
  const first = await send(api, 'POST', '/api/v1/batch', { costs, audit: [{ ...AUDIT, event_id: 'c' }] });
  assert.deepEqual(first.body, { accepted: 3, recorded: 3, duplicates: 0 });
  const again = await send(api, 'POST', '/api/v1/batch', { costs: [...costs, { ...COST, event_id: 'd' }] });
  assert.deepEqual(again.body, { accepted: 3, recorded: 1, duplicates: 2 });
  assert.deepEqual((await send(api, 'POST', '/api/v1/batch', {})).body, { accepted: 0, recorded: 0, duplicates: 0 });
});

async function filled(t: TestContext) {
  const ledger = await openLedger(t);
  await ledger.store.append(
    Array.from({ length: 250 }, (_, index) => ({
      kind: 'cost' as const,
      audited: true,
      event: costEvent(`e${index}`, {
        agent: `agent-${index % 2}`,
        team: index % 5 === 0 ? null : 'red',
        cost_nanos: index % 10 === 0 ? null : 1_000_000_000_000_000,
        input_tokens: 2 ** 53 - 1,
        occurred_at: `2026-01-${String(1 + (index % 20)).padStart(2, '0')}T12:00:00.000Z`,
      }),
    })),
  );
  return ledger;
}

test('lists page through everything once, newest first, and filter', async (t) => {
  const { api, store } = await filled(t);
  const ids: unknown[] = [];
  let cursor: unknown = '';
  do {
    const { body } = await send(
      api,
      'GET',
      `/api/v1/costs?limit=60${cursor === '' ? '' : `&cursor=${String(cursor)}`}`,
    );
    ids.push(...(body['costs'] as { event_id: string }[]).map((row) => row.event_id));
    // What comes in between does not shift the pages.
    await store.recordCost(costEvent(`late-${ids.length}`));
    cursor = body['next_cursor'];
  } while (cursor !== null);
  assert.deepEqual(
    ids,
    Array.from({ length: 250 }, (_, index) => `e${249 - index}`),
  );
  const count = async (path: string, name = 'costs'): Promise<number> =>
    ((await send(api, 'GET', `/api/v1/${path}`)).body[name] as unknown[]).length;
  assert.equal(await count('costs?agent=agent-1&limit=1000'), 125);
  assert.equal(await count('costs?agent=agent-1&team=red&limit=1000'), 100);
  assert.equal(await count('costs?from=2026-01-02T00:00:00Z&to=2026-01-03T12:00:00Z&limit=1000'), 13);
  assert.equal(await count(`costs?agent=${encodeURIComponent("' OR 1=1 --")}`), 0);
  assert.equal(await count('audit?event_type=cost.recorded&actor=agent-0&limit=1000', 'audit'), 125);
  assert.equal(await count('audit?resource=costs/e7', 'audit'), 1);
});

test('sums are exact, also beyond what a double or 64 bits hold', async (t) => {
  const { api, store } = await filled(t);
  const { text, body } = await send(api, 'GET', '/api/v1/costs/summary?group_by=agent');
  assert.ok(text.includes(`"input_tokens":${250n * (2n ** 53n - 1n)},`), text);
  assert.deepEqual(
    (body['groups'] as { key: string; events: number; cost_usd: number; unknown_cost_events: number }[]).map(
      ({ key, events, cost_usd, unknown_cost_events }) => [key, events, cost_usd, unknown_cost_events],
    ),
    [
      ['agent-1', 125, 125_000_000, 0],
      ['agent-0', 125, 100_000_000, 25],
    ],
  );
  for (let round = 0; round < 10; round++) {
    await store.append(
      Array.from({ length: 1_000 }, (_, index) => ({
        kind: 'cost' as const,
        audited: false,
        event: costEvent(`big-${round}-${index}`, { agent: 'big', cost_nanos: 1_000_000_000_000_000 }),
      })),
    );
  }
  const big = await send(api, 'GET', '/api/v1/costs/summary?agent=big');
  assert.ok(
    big.text.includes('"cost_usd":10000000000,'),
    'ten thousand millions, which is more than 2^63 nano-dollars',
  );

  const days = (await send(api, 'GET', '/api/v1/costs/summary?group_by=day&agent=agent-0')).body;
  const keys = (days['groups'] as { key: string }[]).map((group) => group.key);
  assert.deepEqual(keys, keys.toSorted());
  assert.equal(keys[0], '2026-01-01');
  const teams = (await send(api, 'GET', '/api/v1/costs/summary?group_by=team&limit=1')).body;
  assert.equal(teams['truncated'], true);
});

test('parameters that are unknown, repeated or wrong are refused, all at once', async (t) => {
  const { api } = await openLedger(t);
  const faults = async (target: string): Promise<string[]> =>
    faultPaths(await refused(send(api, 'GET', `/api/v1/${target}`), 'bad_request'));
  assert.deepEqual(await faults('costs?limit=0&cursor=x&from=now&bogus=1&agent=a&agent=b'), [
    'agent',
    'bogus',
    'cursor',
    'from',
    'limit',
  ]);
  assert.deepEqual(await faults('costs?limit=1001'), ['limit']);
  assert.deepEqual(await faults('costs/summary?group_by=event_id'), ['group_by']);
  assert.deepEqual(await faults('audit?agent=a'), ['agent']);
});

test('an API without a writer only reads', async (t) => {
  const dir = tempDir(t);
  const store = await openLedgerStore({ file: `${dir}/ledger.db` });
  await store.recordCost(costEvent('a'));
  await store.close();
  const read = openReader(`${dir}/ledger.db`);
  t.after(() => read.close());
  const api = createLedgerApi({ read, authorize: () => true, version: '1' });
  await refused(send(api, 'POST', '/api/v1/costs', COST), 'method_not_allowed');
  assert.deepEqual((await send(api, 'GET', '/api/v1/audit/verify')).body['rows'], 1);
});

test('POST /cost', async (t) => {
  const store = await openLedgerStore({ file: `${tempDir(t)}/ledger.db` });
  t.after(() => store.close());
  const service = createCostService({ recorder: store, defaults: { agent: 'me', agent_version: '3', team: 'red' } });
  const body = { model: 'm', input_tokens: 1, output_tokens: 2, cost_usd: null };
  const trace = '0af7651916cd43dd8448eb211c80319c';
  const headers = ['Idempotency-Key', 'k', 'traceparent', `00-${trace}-b7ad6b7169203331-01`];
  for (let round = 0; round < 2; round++) {
    const reply = await send(service, 'POST', '/cost', body, headers);
    assert.deepEqual([reply.status, reply.body], [202, { status: 'recorded', event_id: 'k' }]);
  }
  assert.equal(store.status().costs, 1);
  const { rows } = await store.read.costs({
    filter: { agent: 'me', agent_version: '3', team: 'red', trace_id: trace },
    page: { limit: 2 },
  });
  assert.equal((rows[0] as { cost_usd: unknown }).cost_usd, null);
  await refused(send(service, 'GET', '/cost'), 'method_not_allowed');
  await refused(send(service, 'POST', '/cost', '{'), 'bad_request');
  await refused(send(service, 'POST', '/cost', [body]), 'bad_request');
  await refused(send(service, 'POST', '/cost', { ...body, note: 'x'.repeat(65_536) }), 'body_too_large');
});
