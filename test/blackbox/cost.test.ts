import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import { http } from '../support/http.ts';
import { metric, parseMetrics } from '../support/metrics.ts';
import { command, type Outrider, outriderFor, runOutrider, startOutrider } from '../support/outrider.ts';
import { tempDir } from '../support/temp.ts';
import { NO_TERMINAL, onTerminal } from '../support/terminal.ts';
import { until } from '../support/until.ts';

const EVENT = { model: 'claude-sonnet-4', input_tokens: 1024, output_tokens: 256, cost_usd: 0.0038 };
const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';

/** Columns of an event that says nothing of what its tokens were. */
const TOLD_APART = { cached_input_tokens: null, cache_write_tokens: null, reasoning_tokens: null, usage: null };

// oxlint-disable-next-line typescript/no-explicit-any -- rows that assertions take apart
type Row = any;

/** What a reading command prints as JSON lines. */
async function rows(dataDir: string, args: readonly string[]): Promise<Row[]> {
  const { code, stdout, stderr } = await runOutrider([...args, '--data-dir', dataDir]);
  assert.equal(code, 0, stderr);
  return stdout
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

/** What a table holds, while the sidecar is writing it. */
function table(dataDir: string, name: 'costs' | 'audit_log'): Row[] {
  const db = new DatabaseSync(join(dataDir, 'ledger.db'), { readOnly: true, timeout: 5_000 });
  try {
    return db.prepare(`SELECT * FROM ${name}`).all();
  } finally {
    db.close();
  }
}

test('what was answered with 202 is on disk: kill -9 right after it, and costs shows every one', async (t) => {
  const dataDir = join(tempDir(t), 'data');
  const acknowledged: string[] = [];
  for (let round = 0; round < 3; round++) {
    const sidecar = await startOutrider({ dataDir });
    const ids = Array.from({ length: 40 }, (_, index) => `r${round}-${index}`);
    const posts = ids.map(async (event_id) => {
      const reply = await http(`${sidecar.cost}/cost`, { body: { ...EVENT, event_id } });
      assert.equal(reply.status, 202);
      acknowledged.push(event_id);
      // The first acknowledgement kills it, with all the others on their way.
      sidecar.process.signal('SIGKILL');
    });
    assert.ok((await Promise.allSettled(posts)).some(({ status }) => status === 'fulfilled'));
    await sidecar.stop('SIGKILL');
  }
  assert.ok(acknowledged.length >= 3);
  const listed = new Set((await rows(dataDir, ['costs', '--json', '--limit', '1000'])).map((row) => row.event_id));
  for (const id of acknowledged) assert.ok(listed.has(id), `${id} was acknowledged and is lost`);
  const { code, stdout } = await runOutrider(['audit', 'verify', '--data-dir', dataDir]);
  assert.equal(code, 0, stdout);
  assert.match(stdout, new RegExp(`${listed.size} rows`));
});

describe('POST /cost', () => {
  let sidecar: Outrider;
  before(async () => {
    sidecar = await startOutrider({ env: { OUTRIDER_TEAM: 'customer-success' } });
  });
  after(() => sidecar.stop());
  const post = (body: unknown, headers: Record<string, string> = {}) =>
    http(`${sidecar.helpers}/cost`, { body, headers });
  const byId = (event_id: string): Row[] => table(sidecar.dataDir, 'costs').filter((row) => row.event_id === event_id);

  test('four members are enough: the rest is of the sidecar, the clock and the traceparent', async () => {
    const begun = Date.now();
    const reply = await post(EVENT, { traceparent: `00-${TRACE_ID}-b7ad6b7169203331-01` });
    assert.equal(reply.status, 202);
    assert.deepEqual(Object.keys(reply.json).sort(), ['event_id', 'status']);
    assert.equal(reply.json.status, 'recorded');
    const [row, ...others] = byId(reply.json.event_id);
    assert.deepEqual(others, []);
    const { id: _, event_id, occurred_at, recorded_at, ...rest } = row;
    assert.deepEqual(rest, {
      model: 'claude-sonnet-4',
      input_tokens: 1024,
      output_tokens: 256,
      ...TOLD_APART,
      cost_nanos: 3_800_000,
      agent: 'test-agent',
      agent_version: '1.2.3',
      team: 'customer-success',
      provider: null,
      trace_id: TRACE_ID,
    });
    assert.ok(event_id.length > 0);
    for (const time of [occurred_at, recorded_at]) {
      assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      assert.ok(Date.parse(time) >= begun - 1 && Date.parse(time) <= Date.now());
    }
  });

  test('everything that may be said is kept, money to the nano-dollar', async () => {
    const event = {
      event_id: 'all-of-it',
      agent: 'another-agent',
      agent_version: '9',
      team: 'research',
      model: 'gpt-x',
      provider: 'openai',
      input_tokens: 0,
      output_tokens: 9_007_199_254_740_991,
      cost_usd: 0.000000001,
      trace_id: 'my-trace',
    };
    assert.equal((await post({ ...event, occurred_at: '2026-01-31T13:00:00+01:00', unknown: 'ignored' })).status, 202);
    const [{ id: _, recorded_at: __, ...row }] = byId('all-of-it');
    const { cost_usd: ___, ...kept } = event;
    assert.deepEqual(row, { ...kept, ...TOLD_APART, cost_nanos: 1, occurred_at: '2026-01-31T12:00:00.000Z' });
    assert.equal((await post({ ...EVENT, event_id: 'unpriced', cost_usd: null })).status, 202);
    assert.equal(byId('unpriced')[0].cost_nanos, null);
  });

  test('each event is one row in costs and one cost.recorded row in the audit log', async () => {
    assert.equal((await post({ ...EVENT, event_id: 'audited', trace_id: TRACE_ID })).status, 202);
    const audit = table(sidecar.dataDir, 'audit_log').filter((row) => row.event_type === 'cost.recorded');
    const own = audit.filter((row) => row.event_id === 'cost.recorded:audited');
    assert.equal(own.length, 1);
    assert.equal(own[0].actor, 'test-agent');
    assert.match(own[0].metadata, /claude-sonnet-4/);
    assert.equal(table(sidecar.dataDir, 'costs').length, audit.length);
  });

  test('the same id again, in the body or as Idempotency-Key: 202, and no second row', async () => {
    const first = await post({ ...EVENT, event_id: 'once' });
    for (const again of [
      await post({ ...EVENT, event_id: 'once' }),
      await post(EVENT, { 'Idempotency-Key': 'once' }),
      await post(EVENT, { 'Idempotency-Key': '"once"' }),
      // The body outranks the header.
      await post({ ...EVENT, event_id: 'once' }, { 'Idempotency-Key': 'other' }),
      // Other content: what was recorded stands.
      await post({ ...EVENT, event_id: 'once', cost_usd: 99 }),
    ]) {
      assert.deepEqual([again.status, again.json], [202, first.json]);
    }
    const many = await Promise.all(Array.from({ length: 20 }, () => post(EVENT, { 'Idempotency-Key': 'at-once' })));
    assert.ok(many.every((reply) => reply.status === 202 && reply.json.event_id === 'at-once'));
    const [one, ...more] = byId('once');
    assert.deepEqual([one.cost_nanos, more.length, byId('at-once').length, byId('other').length], [3_800_000, 0, 1, 0]);
    const audit = table(sidecar.dataDir, 'audit_log');
    assert.equal(audit.filter((row) => row.event_id === 'cost.recorded:once').length, 1);
    assert.ok(
      sidecar.logs().some(({ level, event_id }) => level === 'warn' && event_id === 'once'),
      'the conflict is logged',
    );
  });

  test('a bad event is 400 with every fault named, and writes nothing', async () => {
    const before = table(sidecar.dataDir, 'costs').length;
    const bad = await post(
      {
        input_tokens: -1,
        output_tokens: 1.5,
        cost_usd: 'free',
        provider: '',
        agent: 7,
        agent_version: 'x'.repeat(200),
        team: 'a\u0000b',
        trace_id: [],
        occurred_at: 'yesterday',
        event_id: 'ü',
      },
      { 'Idempotency-Key': 'x'.repeat(200) },
    );
    assert.equal(bad.status, 400);
    assert.match(String(bad.headers['content-type']), /^application\/problem\+json/);
    assert.equal(typeof bad.json.error, 'string');
    const named = new Set<string>(bad.json.faults.map(({ path }: { path: string }) => path));
    assert.deepEqual([...named].sort(), [
      'Idempotency-Key',
      'agent',
      'agent_version',
      'cost_usd',
      'event_id',
      'input_tokens',
      'model',
      'occurred_at',
      'output_tokens',
      'provider',
      'team',
      'trace_id',
    ]);
    for (const { message } of bad.json.faults) assert.ok(message.length > 5);
    for (const body of ['', '{', 'null', '[]', '"text"', JSON.stringify({ ...EVENT, cost_usd: -0.1 })]) {
      const reply = await post(body);
      assert.deepEqual([reply.status, reply.json.code], [400, 'bad_request'], body);
      assert.ok(reply.json.faults.length >= 1);
    }
    assert.equal((await post({ ...EVENT, model: 'x'.repeat(70_000) })).status, 413);
    const get = await http(`${sidecar.helpers}/cost`);
    assert.deepEqual([get.status, get.headers.allow], [405, 'POST']);
    assert.equal(table(sidecar.dataDir, 'costs').length, before);
  });
});

describe('outrider costs and audit', () => {
  let sidecar: Outrider;
  const day = (n: number): string => `2026-02-0${n}T10:00:00Z`;
  before(async () => {
    sidecar = await startOutrider();
    const events = [
      { agent: 'alpha', model: 'small', provider: 'one', team: 'red', cost_usd: 0.25, occurred_at: day(1) },
      { agent: 'alpha', model: 'large', provider: 'two', team: 'red', cost_usd: 1.5, occurred_at: day(2) },
      { agent: 'beta', model: 'large', provider: 'two', agent_version: '2', cost_usd: 2, occurred_at: day(3) },
      { agent: 'beta', model: 'large', trace_id: 'tr', cost_usd: null, occurred_at: day(3) },
    ];
    for (const event of events) {
      assert.equal(
        (await http(`${sidecar.cost}/cost`, { body: { ...event, input_tokens: 10, output_tokens: 1 } })).status,
        202,
      );
    }
  });
  after(() => sidecar.stop());
  const read = (...args: string[]): Promise<Row[]> => rows(sidecar.dataDir, args);

  test('filters, each by itself and together, newest first', async () => {
    const count = async (...args: string[]): Promise<number> => (await read('costs', ...args)).length;
    assert.equal(await count(), 4);
    assert.equal(await count('--agent', 'alpha', '--team', 'red', '--model', 'small'), 1);
    assert.equal(await count('--provider', 'two', '--agent-version', '2'), 1);
    assert.equal(await count('--trace', 'tr'), 1);
    assert.equal(await count('--since', '2026-02-02', '--until', '2026-02-03'), 1);
    const database = `sqlite:${join(sidecar.dataDir, 'ledger.db')}`;
    for (const [args, env] of [
      [['--database', database], {}],
      [[], { OUTRIDER_DATA_DIR: sidecar.dataDir }],
    ] as const) {
      assert.equal((await runOutrider(['costs', ...args], { env })).stdout.trim().split('\n').length, 4);
    }
    const newest = await read('costs', '--limit', '1');
    assert.deepEqual([newest.length, newest[0].trace_id], [1, 'tr']);
  });

  test('sums by a group', async () => {
    const sums = async (by: string): Promise<Record<string, [number, number, number]>> =>
      Object.fromEntries(
        (await read('costs', '--group-by', by)).map((row) => [
          String(row.key),
          [row.events, row.cost_usd, row.unknown_cost_events],
        ]),
      );
    assert.deepEqual(await sums('agent'), { alpha: [2, 1.75, 0], beta: [2, 2, 1] });
    assert.deepEqual(await sums('day'), {
      '2026-02-01': [1, 0.25, 0],
      '2026-02-02': [1, 1.5, 0],
      '2026-02-03': [2, 2, 1],
    });
  });

  test('a table on a terminal, JSON lines with --json', { skip: NO_TERMINAL }, async () => {
    const show = (...args: string[]) => onTerminal(command(...args, '--data-dir', sidecar.dataDir), {});
    const table = await show('costs');
    assert.equal(table.code, 0);
    assert.match(table.shown, /^time +agent +team +model +in +out +usd +trace *\n/i);
    assert.match(table.shown, /\n2026-02-02T10:00:00\.000Z +alpha +red +large +10 +1 +1\.5000 *.*\n/);
    assert.throws(() => JSON.parse(table.shown.split('\n')[1] ?? ''));
    assert.match((await show('costs', '--group-by', 'model')).shown, /\nTOTAL +4 +40 +4 +3\.7500 +1\n/);
    assert.match((await show('audit')).shown, /^seq +time +type +actor +resource +metadata *\n +4 /i);
    assert.equal(
      (await show('costs', '--json')).shown
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)).length,
      4,
    );
  });

  test('wrong options are named', async () => {
    for (const args of [
      ['--group-by', 'colour'],
      ['--since', 'soon'],
    ]) {
      const { code, stderr } = await runOutrider(['costs', ...args, '--data-dir', sidecar.dataDir]);
      assert.equal(code, 1, args.join(' '));
      assert.match(stderr, new RegExp(args[0] as string));
    }
    const none = await runOutrider(['costs', '--data-dir', join(sidecar.dataDir, 'nothing')]);
    assert.notEqual(none.code, 0);
    assert.match(none.stderr, /^outrider: .*ledger/);
  });
});

test('audit verify: whole, then the first row that was changed, removed or put in, by number', async (t) => {
  const dataDir = join(tempDir(t), 'data');
  const sidecar = await outriderFor(t, { dataDir });
  for (let n = 1; n <= 6; n++) await http(`${sidecar.cost}/cost`, { body: { ...EVENT, event_id: `e${n}` } });
  const verify = (...args: string[]) => runOutrider(['audit', 'verify', '--data-dir', dataDir, ...args]);
  // While the sidecar is writing it, too.
  const whole = await verify();
  assert.equal(whole.code, 0);
  assert.match(whole.stdout, /intact: 6 rows/);
  const head = /head (\d+:[0-9a-f]{64})/.exec(whole.stdout)?.[1] ?? '';
  assert.equal((await verify('--head', head)).code, 0);
  await sidecar.stop();

  const tamper = (sql: string): void => {
    const db = new DatabaseSync(join(dataDir, 'ledger.db'));
    db.exec('DROP TRIGGER IF EXISTS audit_log_no_update; DROP TRIGGER IF EXISTS audit_log_no_delete;');
    db.exec(sql);
    db.close();
  };
  const guarded = new DatabaseSync(join(dataDir, 'ledger.db'));
  assert.throws(() => guarded.exec('UPDATE audit_log SET actor = 1'), /append-only/);
  assert.throws(() => guarded.exec('DELETE FROM audit_log'), /append-only/);
  guarded.close();

  const original = `(SELECT metadata FROM audit_log WHERE seq = 4)`;
  tamper(
    `CREATE TABLE kept AS SELECT ${original} AS m; UPDATE audit_log SET metadata = '{"cost_usd":0}' WHERE seq = 4`,
  );
  const changed = await verify('--json');
  assert.equal(changed.code, 1);
  assert.deepEqual(JSON.parse(changed.stdout), { ok: false, seq: 4, fault: 'changed', message: 'row 4 was changed' });
  tamper('UPDATE audit_log SET metadata = (SELECT m FROM kept) WHERE seq = 4; DROP TABLE kept');
  assert.equal((await verify()).code, 0);
  tamper('DELETE FROM audit_log WHERE seq = 6');
  assert.match((await verify()).stdout, /NOT intact: row 6 was removed/);
  tamper('DELETE FROM audit_log WHERE seq = 2');
  const removed = await verify();
  assert.equal(removed.code, 1);
  assert.match(removed.stdout, /NOT intact: row 2 was removed/);
  // Written anew from there on, it is whole by its own account; a head that was noted accuses it.
  tamper(
    'DELETE FROM audit_log WHERE seq > 1; UPDATE audit_head SET seq = 1, hash = (SELECT hash FROM audit_log WHERE seq = 1)',
  );
  assert.equal((await verify()).code, 0);
  const noted = await verify('--head', head);
  assert.equal(noted.code, 1);
  assert.match(noted.stdout, /row 2 was removed/);
});

test('a full database: 507 that all can see, nothing acknowledged is lost, and it takes again when there is room', async (t) => {
  const dataDir = join(tempDir(t), 'data');
  const small = await outriderFor(t, { dataDir, config: 'outbox_max_bytes: 256KiB' });
  const body = { ...EVENT, model: 'm'.repeat(256), trace_id: 't'.repeat(128) };
  let recorded = 0;
  // One by one: of a group of events that does not fit, a single one may.
  const refused = await until(async () => {
    const reply = await http(`${small.cost}/cost`, { body });
    if (reply.status !== 202) return reply;
    recorded++;
    return undefined;
  }, 'the database full');
  assert.equal(refused.status, 507);
  assert.equal(refused.json.code, 'storage_full');
  assert.ok(recorded > 25, String(recorded));
  const { store } = (await http(`${small.helpers}/health`)).json.ledger;
  assert.deepEqual([store.full, store.max_bytes, store.costs], [true, 262_144, recorded]);
  assert.ok(store.used_bytes <= 262_144);
  const metrics = parseMetrics((await http(`${small.helpers}/metrics`)).text);
  assert.ok(metric(metrics, 'outrider_ledger_refused_total') >= 1);
  assert.equal(metric(metrics, 'outrider_costs_recorded_total'), recorded);
  assert.ok(
    small.logs().some(({ level, code }) => level === 'warn' && code === 'storage_full'),
    'the log says so',
  );
  // The agent's own path does not care.
  assert.equal((await http(`${small.inbound}/health`)).status, 200);
  await small.stop();

  const roomy = await outriderFor(t, { dataDir, config: 'outbox_max_bytes: 8MiB' });
  assert.equal((await http(`${roomy.cost}/cost`, { body })).status, 202);
  const health = (await http(`${roomy.helpers}/health`)).json.ledger.store;
  assert.deepEqual([health.full, health.costs], [false, recorded + 1]);
});
