import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { readBody } from '../../src/body.ts';
import type { Reply, Service } from '../../src/call.ts';
import { OutriderError, toOutriderError } from '../../src/errors.ts';
import { getField } from '../../src/fields.ts';
import type { LedgerStore } from '../../src/ledger/store.ts';
import { problemReply } from '../../src/problem.ts';
import { costEvent, until } from './fixtures/events.ts';
import { openLedger, openSidecar } from './fixtures/harness.ts';
import { client, close, serve } from './fixtures/http.ts';

const rescued =
  (service: Service): Service =>
  (call) =>
    service(call).catch((error: unknown) => problemReply(toOutriderError(error)));

const answer = (status: number, headers: string[] = []): Reply => ({ status, headers, body: Buffer.from('{}') });

async function countsOf(store: LedgerStore): Promise<{ costs: bigint; audit: number }> {
  const { total } = await store.read.summary({ filter: {}, group: 'agent', limit: 1 });
  const { rows } = await store.read.audit({ filter: { event_type: 'cost.recorded' }, page: { limit: 1_000 } });
  return { costs: total.events, audit: rows.length };
}

async function record(store: LedgerStore, from: number, to: number): Promise<void> {
  await Promise.all(Array.from({ length: to - from }, (_, index) => store.recordCost(costEvent(`e${from + index}`))));
}

test('rows come over a real socket, in order, with all that they hold', async (t) => {
  const ledger = await openLedger(t);
  const { url, server } = await serve(ledger.api);
  t.after(() => close(server));
  const { store, outbox } = await openSidecar(t, client(url));
  await record(store, 0, 900);
  store.audit({
    event_type: 'guard.hit',
    actor: 'a',
    resource: 'r',
    metadata: { count: 2 },
    timestamp: '2026-01-31T12:00:00.000Z',
  });
  await until(() => store.status().audit === 901 && outbox.status().pending === 0);
  assert.deepEqual(await countsOf(ledger.store), { costs: 900n, audit: 900 });
  const page = { limit: 1_000 };
  const here = await store.read.costs({ filter: {}, page });
  const there = await ledger.store.read.costs({ filter: {}, page });
  const plain = (rows: object[]): object[] => rows.map((row) => Object.assign({}, row, { recorded_at: '' }));
  assert.deepEqual(plain(there.rows), plain(here.rows));
  const same = (rows: object[]): unknown[] =>
    rows.map((row) => {
      const { event_id, event_type, actor, resource, metadata, timestamp } = row as Record<string, unknown>;
      return { event_id, event_type, actor, resource, metadata, timestamp };
    });
  const hereAudit = await store.read.audit({ filter: {}, page });
  assert.deepEqual(same((await ledger.store.read.audit({ filter: {}, page })).rows), same(hereAudit.rows));
  const { failures_total, last_error, oldest_age_seconds, reachable, shipped_total } = outbox.status();
  assert.deepEqual(
    { failures_total, last_error, oldest_age_seconds, reachable, shipped_total },
    { failures_total: 0, last_error: null, oldest_age_seconds: 0, reachable: true, shipped_total: 1_801 },
  );
});

test('a ledger that is down is waited for, visibly, and costs go on', async (t) => {
  const ledger = await openLedger(t);
  let up = false;
  const refusals = [
    () => Promise.reject(Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:443'), { code: 'ECONNREFUSED' })),
    async () => answer(401),
    async () => answer(403),
    async () => answer(404),
    async () => answer(429, ['Retry-After', '0']),
    async () => answer(500),
    async () => answer(503),
    async () => answer(302),
    () => Promise.reject(new OutriderError('unreachable', 'down')),
    () => new Promise<Reply>(() => undefined),
  ];
  let calls = 0;
  const { store, outbox } = await openSidecar(
    t,
    (call) => (up ? ledger.api(call) : (refusals[calls++ % refusals.length] as () => Promise<Reply>)()),
    { requestTimeoutMs: 50, backoffMaxMs: 20 },
  );
  await record(store, 0, 20);
  const errors = new Set<string | null>();
  await until(() => {
    errors.add(outbox.status().last_error);
    return calls > refusals.length * 2;
  });
  assert.ok(errors.has('the ledger cannot be reached (ECONNREFUSED)'), [...errors].join());
  assert.ok(![...errors].join().includes('10.0.0.1'));
  const status = outbox.status();
  assert.deepEqual([status.reachable, status.pending, status.rejected], [false, 40, 0]);
  assert.ok(status.oldest_age_seconds > 0 && status.failures_total > 0);
  await record(store, 20, 30);
  up = true;
  await until(() => outbox.status().pending === 0);
  assert.deepEqual(await countsOf(ledger.store), { costs: 30n, audit: 30 });
});

test('a ledger that takes rows but whose answer is lost gets them again, and has them once', async (t) => {
  const ledger = await openLedger(t);
  let calls = 0;
  const { store, outbox } = await openSidecar(t, async (call) => {
    const reply = await ledger.api(call);
    if (++calls % 3 !== 0) throw new Error('connection reset');
    return reply;
  });
  for (let from = 0; from < 200; from += 20) await record(store, from, from + 20);
  await record(store, 0, 200);
  await until(() => outbox.status().pending === 0);
  assert.ok(outbox.status().failures_total > 0);
  assert.deepEqual(await countsOf(ledger.store), { costs: 200n, audit: 200 });
});

test('a row that is refused for good is put aside alone, durably, and the rest goes on', async (t) => {
  for (const status of [400, 409, 413, 422]) {
    const ledger = await openLedger(t);
    const poison: Service = async (call) => {
      const text = Buffer.from(await readBody(call.body, 2 ** 23)).toString();
      if (text.includes('"event_id":"e7","agent"')) return answer(status);
      return ledger.api({ ...call, body: Buffer.from(text) });
    };
    const { store, outbox } = await openSidecar(t, poison);
    await record(store, 0, 30);
    await until(() => outbox.status().pending === 0);
    assert.equal(outbox.status().rejected, 1);
    assert.deepEqual(await countsOf(ledger.store), { costs: 29n, audit: 30 });
    const { costs } = await store.pending({ rows: 5, bytes: 1_000 });
    assert.deepEqual(costs, []);
  }
});

test('a ledger without batches gets row by row, with each id as Idempotency-Key', async (t) => {
  for (const absent of [async () => answer(404), async () => answer(405), async () => answer(200)]) {
    const ledger = await openLedger(t);
    const paths: string[] = [];
    let keys = 0;
    const { store, outbox } = await openSidecar(
      t,
      (call) => {
        paths.push(call.target);
        if (call.target === '/base/api/v1/batch') return absent();
        if (getField(call.headers, 'idempotency-key') !== undefined) keys++;
        return ledger.api({ ...call, target: call.target.replace('/base', '') });
      },
      { basePath: '/base/' },
    );
    await record(store, 0, 120);
    await until(() => outbox.status().pending === 0);
    assert.equal(paths.filter((path) => path === '/base/api/v1/batch').length, 1, 'asked once, remembered');
    assert.equal(keys, 240);
    assert.deepEqual(await countsOf(ledger.store), { costs: 120n, audit: 120 });
  }
});

/** A real server that answers every request with the same bytes, whatever the path. */
async function stubborn(t: TestContext, answer: (response: ServerResponse) => void): Promise<Service> {
  const server = createServer((request, response) => {
    request.resume();
    answer(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => close(server));
  const { port } = server.address() as AddressInfo;
  return client(`http://127.0.0.1:${port}`);
}

const flood = (response: ServerResponse): void => {
  const more = (): void => {
    while (!response.destroyed && response.write(Buffer.alloc(65_536, 32)));
  };
  response.on('drain', more);
  more();
};

const NO_LEDGERS: [string, (response: ServerResponse) => void][] = [
  ['200, a page without Content-Type', (response) => response.end('<html>')],
  ['200, nothing', (response) => response.end()],
  ['200, null', (response) => response.end('null')],
  ['200, an array', (response) => response.end('[{}]')],
  ['200, a string', (response) => response.end('"ok"')],
  ['200, half an object', (response) => response.writeHead(200, { 'Content-Length': 2 }).end('{"')],
  ['200, an object that breaks off', (response) => void response.write('{}', () => response.destroy())],
  ['200, an object without end', flood],
  ['200, an object beyond the bound', (response) => response.end(`{"a":"${'x'.repeat(70_000)}"}`)],
  ['200, brackets without end', (response) => response.end('['.repeat(60_000))],
  ['203', (response) => response.writeHead(203).end('{}')],
  ['205', (response) => response.writeHead(205).end()],
  ['206', (response) => response.writeHead(206).end('{}')],
];

for (const [what, answer] of NO_LEDGERS) {
  test(`what answers everything with ${what} is no ledger: nothing counts as shipped, and it shows`, async (t) => {
    const other = await stubborn(t, answer);
    const ledger = await openLedger(t);
    let mended = false;
    const { store, outbox } = await openSidecar(t, (call) => (mended ? ledger.api(call) : other(call)), {
      backoffMaxMs: 20,
    });
    await record(store, 0, 5);
    await until(() => outbox.status().failures_total >= 3);
    const { pending, shipped_total, rejected, reachable, last_error } = outbox.status();
    assert.deepEqual([pending, shipped_total, rejected, reachable], [10, 0, 0, false]);
    assert.match(String(last_error), /no ledger|cannot be reached/);
    mended = true;
    await until(() => outbox.status().pending === 0);
    assert.deepEqual(await countsOf(ledger.store), { costs: 5n, audit: 5 });
  });
}

test('a row counts as shipped with 201, 202 and 204 whatever the body, and with 200 and a JSON object', async (t) => {
  const takers: ((response: ServerResponse) => void)[] = [
    (response) => response.writeHead(201).end(),
    (response) => response.writeHead(201, { 'Content-Type': 'text/html' }).end('created'),
    (response) => response.writeHead(202).end('null'),
    (response) => response.writeHead(204).end(),
    (response) => response.end('{}'),
    (response) => response.end(' {"id": 7}\r\n'),
  ];
  for (const taker of takers) {
    const { store, outbox } = await openSidecar(t, await stubborn(t, taker));
    await record(store, 0, 5);
    await until(() => outbox.status().pending === 0);
    const { failures_total, shipped_total } = outbox.status();
    assert.deepEqual([failures_total, shipped_total], [0, 10]);
  }
});

test('Retry-After is honoured', async (t) => {
  const times: number[] = [];
  const { store, outbox } = await openSidecar(t, async () => {
    times.push(performance.now());
    return answer(503, ['Retry-After', '1']);
  });
  await record(store, 0, 1);
  await until(() => times.length === 2);
  assert.ok((times[1] ?? 0) - (times[0] ?? 0) >= 990);
  await outbox.stop({ flushMs: 10 });
});

test('stopping ships what is left within its time, and not longer', async (t) => {
  const ledger = await openLedger(t);
  const slow: Service = async (call) => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    return ledger.api(call);
  };
  const first = await openSidecar(t, slow);
  await record(first.store, 0, 700);
  await first.outbox.stop({ flushMs: 5_000 });
  assert.equal(first.outbox.status().pending, 0);
  assert.deepEqual((await countsOf(ledger.store)).costs, 700n);

  const second = await openSidecar(t, () => new Promise<Reply>(() => undefined), { requestTimeoutMs: 60_000 });
  await record(second.store, 0, 5);
  const start = performance.now();
  await second.outbox.stop({ flushMs: 200 });
  assert.ok(performance.now() - start < 1_000);
  assert.equal(second.outbox.status().pending, 10);
});

test('under a small bound, shipped rows make room and nothing is refused or lost', async (t) => {
  const ledger = await openLedger(t);
  const { store, outbox } = await openSidecar(t, ledger.api, { storeOptions: { maxBytes: 2_000_000 } });
  for (let from = 0; from < 6_000; from += 200) {
    await record(store, from, from + 200);
    await until(() => outbox.status().pending < 400);
  }
  await until(() => outbox.status().pending === 0);
  assert.ok(store.status().used_bytes <= 2_000_000);
  const { total } = await ledger.store.read.summary({ filter: {}, group: 'agent', limit: 1 });
  assert.equal(total.events, 6_000n);
  const here = await store.read.verify();
  assert.ok(here.ok && here.pruned > 0, JSON.stringify(here));
  assert.ok((await ledger.store.read.verify()).ok);
});

test('secrets do not come out by the status', async (t) => {
  const { store, outbox } = await openSidecar(
    t,
    rescued(() => Promise.reject(new Error('token=ledger-test-token'))),
  );
  await record(store, 0, 1);
  await until(() => outbox.status().last_error !== null);
  assert.ok(!JSON.stringify(outbox.status()).includes('ledger-test-token'));
});
