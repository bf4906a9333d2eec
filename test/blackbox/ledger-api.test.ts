import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type HttpReply, http } from '../support/http.ts';
import { LEDGER_TOKEN, type Ledger, ledgerFor } from '../support/ledger.ts';
import { checkOpenApi } from '../support/openapi.ts';
import { runOutrider } from '../support/outrider.ts';
import { type Ends, tempDir } from '../support/temp.ts';

/** What other programs post, member for member. */
const COST = {
  agent: 'support-agent',
  agent_version: '1.4.0',
  model: 'claude-sonnet-4',
  provider: 'anthropic',
  input_tokens: 1024,
  output_tokens: 256,
  cost_usd: 0.0038,
  trace_id: '0af7651916cd43dd8448eb211c80319c',
  occurred_at: '2026-01-31T12:00:00Z',
};
const AUDIT = {
  event_type: 'agent.deployed',
  actor: 'alice@company.example',
  resource: 'agents/support-agent',
  metadata: { target: 'cloud-run', replicas: 3, nested: { list: [1, null, 'x'] } },
  timestamp: '2026-01-31T12:00:00+01:00',
};

const start = (t: Ends): Promise<Ledger> => ledgerFor(t, { directory: tempDir(t) });

const faultyPaths = ({ json }: HttpReply): string[] => {
  const paths: string[] = json.faults.map(({ path }: { path: string }) => path);
  return [...new Set(paths)].sort();
};

test('costs and audit entries as other programs post them', async (t) => {
  const ledger = await start(t);
  const cost = await ledger.ask('/api/v1/costs', { body: COST });
  assert.deepEqual([cost.status, cost.json.status], [201, 'recorded']);
  const again = await ledger.ask('/api/v1/costs', { body: { ...COST, event_id: cost.json.event_id } });
  assert.deepEqual([again.status, again.json.status, again.json.event_id], [200, 'duplicate', cost.json.event_id]);
  const keyed = { body: COST, headers: { 'Idempotency-Key': 'k1' } };
  assert.deepEqual(
    [(await ledger.ask('/api/v1/costs', keyed)).status, (await ledger.ask('/api/v1/costs', keyed)).status],
    [201, 200],
  );
  const audit = await ledger.ask('/api/v1/audit', { body: AUDIT });
  assert.deepEqual([audit.status, audit.json.status], [201, 'recorded']);

  const [newest, oldest] = (await ledger.ask('/api/v1/costs')).json.costs;
  assert.deepEqual([newest.event_id, oldest.event_id], ['k1', cost.json.event_id]);
  const { recorded_at, ...row } = newest;
  assert.deepEqual(row, { ...COST, event_id: 'k1', team: null, occurred_at: '2026-01-31T12:00:00.000Z' });
  assert.ok(Date.parse(recorded_at) > Date.parse('2026-01-31'));
  const [entry, ...others] = (await ledger.ask('/api/v1/audit')).json.audit;
  assert.equal(others.length, 0);
  const { seq, hash, recorded_at: _, event_id, ...rest } = entry;
  assert.deepEqual(rest, { ...AUDIT, timestamp: '2026-01-31T11:00:00.000Z' });
  assert.deepEqual([seq, hash.length, event_id], [1, 64, audit.json.event_id]);

  const minimal = await ledger.ask('/api/v1/costs', {
    body: { agent: 'a', model: 'm', input_tokens: 0, output_tokens: 0, cost_usd: 0, more: 1 },
  });
  assert.equal(minimal.status, 201);
  const bad = await ledger.ask('/api/v1/costs', { body: { model: '', cost_usd: '1' } });
  assert.equal(bad.status, 400);
  assert.deepEqual(faultyPaths(bad), ['agent', 'cost_usd', 'input_tokens', 'model', 'output_tokens']);
  const worse = await ledger.ask('/api/v1/audit', { body: { metadata: [], timestamp: 'now' } });
  assert.deepEqual(faultyPaths(worse), ['actor', 'event_type', 'metadata', 'resource', 'timestamp']);
  assert.equal((await ledger.ask('/api/v1/audit/verify')).json.rows, 1);
  assert.deepEqual(await ledger.process.stop(), { code: 0, signal: null });
});

test('two ledgers know nothing of each other, and each keeps what it has over a kill -9', async (t) => {
  const directory = tempDir(t);
  const one = await ledgerFor(t, { directory, database: `${directory}/one.db` });
  const two = await ledgerFor(t, { directory, database: `${directory}/two.db` });
  await one.ask('/api/v1/costs', { body: { ...COST, event_id: 'same', model: 'in-one' } });
  await two.ask('/api/v1/costs', { body: { ...COST, event_id: 'same', model: 'in-two' } });
  await one.process.stop('SIGKILL');
  const again = await ledgerFor(t, { directory, database: `${directory}/one.db` });
  const models = async (ledger: Ledger) =>
    (await ledger.ask('/api/v1/costs')).json.costs.map(({ model }: { model: string }) => model);
  assert.deepEqual([await models(again), await models(two)], [['in-one'], ['in-two']]);
});

describe('reading', () => {
  let ledger: Ledger;
  const cleanUp: (() => unknown)[] = [];
  const EVENTS = 250;
  before(async () => {
    ledger = await start({ after: (step) => cleanUp.push(step) });
    const costs = Array.from({ length: EVENTS }, (_, n) => ({
      agent: `agent-${n % 5}`,
      agent_version: n % 2 === 0 ? '1' : '2',
      team: n % 10 === 0 ? null : `team-${n % 3}`,
      model: n % 4 === 0 ? 'large' : 'small',
      provider: n % 4 === 0 ? 'one' : 'two',
      input_tokens: 100,
      output_tokens: 10,
      cost_usd: n === 7 ? null : 0.1,
      trace_id: n === 3 ? 'trace-3' : null,
      occurred_at: `2026-03-0${(n % 5) + 1}T00:00:00Z`,
      event_id: `e${String(n).padStart(3, '0')}`,
    }));
    const audit = costs.map(({ event_id, agent, occurred_at }) => ({
      event_type: event_id < 'e100' ? 'early' : 'late',
      actor: agent,
      resource: `r/${event_id.slice(-1)}`,
      metadata: {},
      timestamp: occurred_at,
      event_id,
    }));
    const batch = await ledger.ask('/api/v1/batch', { body: { costs, audit } });
    assert.deepEqual([batch.status, batch.json], [200, { accepted: 500, recorded: 500, duplicates: 0 }]);
  });
  after(async () => {
    for (const step of cleanUp.toReversed()) await step();
  });
  const costs = async (query: string) => (await ledger.ask(`/api/v1/costs?limit=1000&${query}`)).json.costs.length;
  const audit = async (query: string) => (await ledger.ask(`/api/v1/audit?limit=1000&${query}`)).json.audit.length;

  test('every filter, alone and together', async () => {
    assert.equal(await costs('agent=agent-2'), 50);
    assert.equal(await costs('agent_version=1'), 125);
    assert.equal(
      await costs('team=team-1'),
      Array.from({ length: EVENTS }, (_, n) => n).filter((n) => n % 10 !== 0 && n % 3 === 1).length,
    );
    assert.equal(await costs('model=large'), 63);
    assert.equal(await costs('provider=two'), 187);
    assert.equal(await costs('trace_id=trace-3'), 1);
    assert.equal(await costs('from=2026-03-02T00:00:00Z&to=2026-03-04T00:00:00Z'), 100);
    assert.equal(await costs('agent=agent-0&model=large&from=2026-03-01T00:00:00%2B01:00'), 13);
    assert.equal(await costs('agent=nobody'), 0);
    assert.equal(await audit('event_type=early'), 100);
    assert.equal(await audit('actor=agent-1'), 50);
    assert.equal(await audit('resource=r/3&event_type=late'), 15);
    assert.equal(await audit('to=2026-03-02T00:00:00Z'), 50);
  });

  test('pages are walked through without a gap or a repetition, newest first, while rows come in', async () => {
    for (const [path, member] of [
      ['/api/v1/costs?limit=30', 'costs'],
      ['/api/v1/audit?limit=30', 'audit'],
    ] as const) {
      const ids: string[] = [];
      let cursor = '';
      let pages = 0;
      do {
        const { json } = await ledger.ask(path + cursor);
        ids.push(...json[member].map(({ event_id }: { event_id: string }) => event_id));
        cursor = json.next_cursor === null ? '' : `&cursor=${json.next_cursor}`;
        if (pages++ === 2) {
          await ledger.ask('/api/v1/costs', {
            body: { ...COST, event_id: 'late', occurred_at: '2027-01-01T00:00:00Z' },
          });
          await ledger.ask('/api/v1/audit', {
            body: { ...AUDIT, event_id: 'late', timestamp: '2027-01-01T00:00:00Z' },
          });
        }
      } while (cursor !== '');
      const walked = ids.filter((id) => id !== 'late');
      assert.deepEqual(walked, walked.toSorted().toReversed());
      assert.deepEqual([walked.length, new Set(walked).size], [EVENTS, EVENTS]);
    }
  });

  test('a summary for each group_by, which adds up', async () => {
    const keys = { agent: 5, agent_version: 2, team: 4, model: 2, provider: 2, day: 5 };
    for (const [group, count] of Object.entries(keys)) {
      const { status, json } = await ledger.ask(`/api/v1/costs/summary?group_by=${group}&to=2026-12-31T00:00:00Z`);
      assert.equal(status, 200);
      assert.deepEqual([json.group_by, json.truncated, json.groups.length], [group, false, count]);
      const total = { events: 0, input_tokens: 0, output_tokens: 0, unknown_cost_events: 0 };
      for (const name of Object.keys(total) as (keyof typeof total)[]) {
        for (const row of json.groups) total[name] += row[name];
      }
      assert.deepEqual(total, { events: 250, input_tokens: 25_000, output_tokens: 2_500, unknown_cost_events: 1 });
      // Exact, where adding up 249 doubles would not be.
      assert.equal(json.total.cost_usd, 24.9);
      assert.equal(json.total.events, 250);
    }
    const filtered = await ledger.ask('/api/v1/costs/summary?group_by=day&agent=agent-2');
    assert.deepEqual(
      filtered.json.groups.map(({ key, events }: { key: string; events: number }) => [key, events]),
      [['2026-03-03', 50]],
    );
    const first = await ledger.ask('/api/v1/costs/summary?group_by=agent&limit=2');
    assert.deepEqual([first.json.groups.length, first.json.truncated], [2, true]);
  });

  test('parameters that are wrong or unknown are named', async () => {
    for (const [path, names] of [
      ['/api/v1/costs?limit=0&colour=red&from=soon', ['colour', 'from', 'limit']],
      ['/api/v1/costs?limit=1001', ['limit']],
      ['/api/v1/costs?agent=a&agent=b', ['agent']],
      ['/api/v1/costs/summary?group_by=colour', ['group_by']],
      ['/api/v1/audit?cursor=x&model=m', ['cursor', 'model']],
    ] as const) {
      const { status, json } = await ledger.ask(path);
      assert.equal(status, 400, path);
      assert.deepEqual(json.faults.map((fault: { path: string }) => fault.path).sort(), names);
    }
  });

  test('everything but health and the description needs the token', async () => {
    for (const [method, path] of [
      ['GET', '/api/v1/costs'],
      ['POST', '/api/v1/costs'],
      ['POST', '/api/v1/audit'],
      ['POST', '/api/v1/batch'],
      ['GET', '/api/v1/audit'],
      ['GET', '/api/v1/audit/verify'],
      ['GET', '/api/v1/costs/summary'],
      ['GET', '/nothing'],
    ] as const) {
      for (const headers of [
        {},
        { Authorization: 'Bearer wrong' },
        { Authorization: `Basic ${LEDGER_TOKEN}` },
        { Authorization: LEDGER_TOKEN },
      ]) {
        const reply = await http(ledger.url + path, { method, headers, ...(method === 'POST' && { body: COST }) });
        assert.deepEqual([reply.status, reply.headers['www-authenticate']], [401, 'Bearer'], `${method} ${path}`);
      }
    }
    assert.equal((await http(`${ledger.url}/health`)).status, 200);
    const document = await http(`${ledger.url}/openapi.json`);
    assert.equal(document.status, 200);
    checkOpenApi(document.json);
    assert.deepEqual(Object.keys(document.json.paths).sort(), [
      '/api/v1/audit',
      '/api/v1/audit/verify',
      '/api/v1/batch',
      '/api/v1/costs',
      '/api/v1/costs/summary',
      '/health',
      '/openapi.json',
    ]);
    assert.equal((await ledger.ask('/nothing')).status, 404);
    const wrongMethod = await ledger.ask('/api/v1/costs', { method: 'DELETE' });
    assert.deepEqual([wrongMethod.status, wrongMethod.headers.allow?.split(', ').sort()], [405, ['GET', 'POST']]);
  });
});

test('without a token it does not start; a bad address or database is said in a line', async () => {
  for (const [args, env, said] of [
    [['ledger', '--addr', '127.0.0.1:0'], {}, /no token/],
    [
      ['ledger', '--addr', 'nonsense'],
      { OUTRIDER_LEDGER_TOKEN: 'x', OUTRIDER_DATA_DIR: '/nonexistent' },
      /--addr: expected HOST:PORT/,
    ],
    [['ledger', '--addr', '127.0.0.1:0', '--database', 'mysql:x'], { AGENTBREEDER_API_TOKEN: 'x' }, /sqlite:FILE/],
  ] as const) {
    const { code, stderr } = await runOutrider(args, { env, cwd: '/tmp' });
    assert.equal(code, 1, args.join(' '));
    assert.match(stderr, said);
    assert.doesNotMatch(stderr, /\n +at /);
  }
});
