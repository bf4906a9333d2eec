import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { openSync, readFileSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Worker } from 'node:worker_threads';
import { OutriderError } from '../../src/errors.ts';
import { HOST_FILE } from '../../src/host/store/schema.ts';
import { type HostStore, openHostStore } from '../../src/host/store/store.ts';
import type { StoreNotice } from '../../src/host/store/store-thread.ts';
import type { NewJob } from '../../src/host/store/thread.ts';
import { openLedgerStore } from '../../src/ledger/store.ts';
import { own } from '../../src/storage/owner.ts';
import { tempDir } from '../support/temp.ts';
import { until } from '../support/until.ts';
import { hostCall, hosted, untilRefused, withCode } from './fixtures/hosted.ts';
import { jobHost } from './fixtures/job-parts.ts';

const HOUR = 3_600_000;

function newJob(job_id: string, over: Partial<NewJob> = {}): NewJob {
  const facts = { key: null, fingerprint: null, request_id: null, traceparent: null, tracestate: null };
  return { job_id, agent_id: 'a', principal: 'ann', request: '{"input":"x"}', ...facts, ...over };
}

async function ended(store: HostStore, job_id: string): Promise<void> {
  await store.jobs.accept(newJob(job_id));
  await store.jobs.start(job_id);
  await store.jobs.end({ job_id, status: 'completed', result: '{}' });
}

function refusal(code: string, text: RegExp) {
  return (error: unknown): true => {
    assert.ok(error instanceof OutriderError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, text);
    return true;
  };
}

test('many at once are written with few flushes, in their order, and the file is for nobody else', async (t) => {
  const file = join(tempDir(t), 'deep', HOST_FILE);
  const store = await openHostStore({ file });
  t.after(() => store.close());
  const ids = Array.from({ length: 2_000 }, (_, index) => `job-${index}`);
  await Promise.all(ids.map((id) => store.jobs.accept(newJob(id))));
  const seen: string[] = [];
  for (let after = 0; ; ) {
    const page = await store.jobs.queued({ after, limit: 300 });
    seen.push(...page.map(({ job_id }) => job_id));
    after = page.at(-1)?.seq ?? after;
    if (page.length < 300) break;
  }
  assert.deepEqual(seen, ids);
  for (const name of [file, `${file}-wal`, `${file}.lock`]) assert.equal(statSync(name).mode & 0o077, 0, name);
});

test('the first end of a job stands, and what is asked twice has the same answer twice', async (t) => {
  const store = await openHostStore({ file: join(tempDir(t), HOST_FILE) });
  t.after(() => store.close());
  const job = newJob('j', { key: 'k', fingerprint: 'f' });
  for (let index = 0; index < 2; index++) assert.deepEqual(await store.jobs.accept(job), { job_id: 'j' });
  for (let index = 0; index < 2; index++) assert.equal(await store.jobs.start('j'), 'running');
  const all = await Promise.all([
    store.jobs.end({ job_id: 'j', status: 'cancelled', error: '{}' }),
    store.jobs.end({ job_id: 'j', status: 'completed', result: '{}' }),
    store.jobs.start('j'),
    store.jobs.end({ job_id: 'j', status: 'cancelled', error: '{"other":1}' }),
  ]);
  assert.deepEqual(all, ['cancelled', 'cancelled', 'cancelled', 'cancelled']);
  await store.jobs.requeue('j');
  await store.jobs.discard('j');
  const found = await store.jobs.find('j');
  assert.deepEqual([found?.status, found?.error, found?.result], ['cancelled', '{}', null]);
  assert.equal(await store.jobs.end({ job_id: 'nothing', status: 'failed', error: '{}' }), undefined);
  const run = { agent_id: 'a', principal: 'ann', key: 'r', fingerprint: 'f', run: 'run-1' };
  for (let index = 0; index < 2; index++) assert.deepEqual(await store.results.begin(run), { state: 'fresh' });
  assert.deepEqual(await store.results.begin({ ...run, run: 'run-2' }), { state: 'interrupted' });
});

test('registrations are kept in their order, replaced and removed', async (t) => {
  const file = join(tempDir(t), HOST_FILE);
  const store = await openHostStore({ file });
  await Promise.all(['b', 'a', 'c'].map((id) => store.registrations.add(id, `{"id":"${id}"}`)));
  await store.registrations.add('b', '{"id":"b","url":"x"}');
  await store.registrations.remove('a');
  await store.registrations.remove('never');
  await store.close();
  const again = await openHostStore({ file });
  t.after(() => again.close());
  assert.deepEqual(await again.registrations.list(), [
    { id: 'b', registration: '{"id":"b","url":"x"}' },
    { id: 'c', registration: '{"id":"c"}' },
  ]);
});

test('what has ended is kept for its time and up to its number; what goes on is kept', async (t) => {
  let now = Date.parse('2026-03-01T00:00:00Z');
  const options = { file: join(tempDir(t), HOST_FILE), keep: 600, retentionMs: 24 * HOUR, clock: () => now };
  const store = await openHostStore(options);
  t.after(() => store.close());
  await store.jobs.accept(newJob('queued'));
  await store.jobs.accept(newJob('running'));
  await store.jobs.start('running');
  await store.results.begin({ agent_id: 'a', principal: 'ann', key: 'open', fingerprint: 'f', run: 'open' });
  await ended(store, 'old');
  now += 23 * HOUR;
  await ended(store, 'new');
  assert.equal(await store.prune(), 0);
  now += HOUR + 1;
  assert.equal(await store.prune(), 1);
  assert.equal(await store.jobs.find('old'), undefined);
  assert.equal((await store.jobs.find('new'))?.status, 'completed');

  await Promise.all(Array.from({ length: 1_800 }, (_, index) => ended(store, `job-${index}`)));
  assert.equal(await store.prune(), 1_201, 'more than goes in one transaction');
  assert.equal(await store.jobs.find('new'), undefined, 'the oldest go first');
  assert.ok(await store.jobs.find('job-1799'));
  assert.equal((await store.jobs.find('queued'))?.status, 'queued');
  assert.equal((await store.jobs.find('running'))?.status, 'running');
  const run = { agent_id: 'a', principal: 'ann', key: 'open', fingerprint: 'f', run: 'open' };
  assert.deepEqual(await store.results.begin(run), { state: 'fresh' });
});

test('a clock that was years ahead, or goes back an hour, makes nothing go early and nothing stay for ever', async (t) => {
  let now = Date.parse('2026-03-01T12:00:00Z');
  const store = await openHostStore({ file: join(tempDir(t), HOST_FILE), retentionMs: 2 * HOUR, clock: () => now });
  t.after(() => store.close());
  await ended(store, 'normal');
  now -= HOUR;
  await ended(store, 'back');
  assert.equal(await store.prune(), 0);
  now += 3 * HOUR + 1;
  assert.equal(await store.prune(), 2);

  const right = now;
  now = Date.parse('2099-01-01T00:00:00Z');
  await ended(store, 'ahead');
  now = right;
  assert.equal(await store.prune(), 0);
  assert.ok(await store.jobs.find('ahead'), 'it is kept for its time, which begins anew');
  now += 2 * HOUR + 1;
  assert.equal(await store.prune(), 1);
});

test('a full store takes nothing more, ends what it has, and takes again when there is room', async (t) => {
  const directory = tempDir(t);
  const agent = hosted('a', () => 'done', { concurrency: 1, queue: 10_000 });
  let running = false;
  const host = await jobHost(directory, [{ ...agent, ready: () => running }], { maxBytes: 1_000_000, keep: 5 });
  t.after(() => host.end());
  const [waiting = agent] = host.registry.list();
  const ids: string[] = [];
  const thrown = await untilRefused(async () => {
    const request = { input: 'x'.repeat(5_000), idempotency_key: `key-${ids.length}` };
    ids.push((await host.jobs.start(waiting, request, hostCall())).job_id);
  });
  withCode('storage_full')(thrown);
  assert.ok(ids.length > 20, String(ids.length));
  assert.equal(host.executor.load(waiting).waiting, ids.length, 'a place is given back');
  const repeated = { input: 'x'.repeat(5_000), idempotency_key: 'key-0' };
  assert.deepEqual(await host.jobs.start(waiting, repeated, hostCall()), { job_id: ids[0] });
  assert.ok(statSync(join(directory, HOST_FILE)).size <= 1_000_000);
  assert.equal((await host.store.jobs.queued({ after: 0, limit: 10_000 })).length, ids.length, 'nothing is half there');

  running = true;
  await host.executor.idle(waiting);
  for (const job_id of ids) {
    const completed = async () => (await host.store.jobs.find(job_id))?.status === 'completed';
    await until(completed, `the end of ${job_id}`);
  }
  assert.equal(await host.store.prune(), ids.length - 5);
  await host.jobs.start(waiting, { input: 'x'.repeat(5_000) }, hostCall());
});

test('a result for which there is no room is not made up: the job has failed, and says why', async (t) => {
  const agent = hosted('a', () => 'x'.repeat(2_000_000));
  const host = await jobHost(tempDir(t), [agent], { maxBytes: 1_000_000 });
  t.after(() => host.end());
  const { job_id } = await host.jobs.start(agent, { input: 'x' }, hostCall());
  await host.executor.idle(agent);
  await host.jobs.close(5_000);
  const job = await host.jobs.get({ agent_id: 'a', job_id }, hostCall().caller);
  assert.deepEqual([job.status, job.error?.code], ['failed', 'storage_full']);
});

test('a file system that is really full: what is accepted ends, and what is not is refused', (t) => {
  const script = fileURLToPath(new URL('./fixtures/full-disk.ts', import.meta.url));
  const directory = tempDir(t);
  const mount = 'mount -t tmpfs -o size=5m none "$1" && shift && exec "$@"';
  const inside = (...command: string[]) =>
    spawnSync('unshare', ['-rm', 'sh', '-c', mount, 'sh', directory, ...command], {
      encoding: 'utf8',
      timeout: 60_000,
    });
  if (inside('true').status !== 0) {
    t.skip('needs user namespaces to mount a small file system');
    return;
  }
  const run = inside(process.execPath, script, directory);
  assert.equal(run.status, 0, run.stdout + run.stderr);
});

test('a second process on the same file is refused, until the first has ended in whatever way', async (t) => {
  const directory = tempDir(t);
  const file = join(directory, HOST_FILE);
  const script = fileURLToPath(new URL('./fixtures/job-process.ts', import.meta.url));
  const other = spawn(process.execPath, [script, directory], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => other.kill('SIGKILL'));
  await once(other.stdout, 'data');
  await assert.rejects(openHostStore({ file }), refusal('conflict', /belongs to another process/));
  const reader = new DatabaseSync(file, { readOnly: true });
  assert.equal(reader.prepare('SELECT count(*) AS n FROM jobs').get()?.['n'], 0, 'it can be looked at all the same');
  reader.close();
  const closed = once(other, 'close');
  other.kill('SIGKILL');
  await closed;
  const store = await openHostStore({ file });
  t.after(() => store.close());
  await assert.rejects(openHostStore({ file }), refusal('conflict', /belongs to another process/));
  await store.jobs.accept(newJob('j'));
});

test('a file that is not a host database, is of a newer version or is damaged is left alone', async (t) => {
  const directory = tempDir(t);
  const notes = join(directory, 'notes.txt');
  const text = 'these are my notes, and no database at all'.repeat(200);
  writeFileSync(notes, text);
  await assert.rejects(openHostStore({ file: notes }), refusal('internal', /is not an outrider host database/));
  assert.equal(readFileSync(notes, 'utf8'), text);

  const ledger = join(directory, 'ledger.db');
  await (await openLedgerStore({ file: ledger })).close();
  await assert.rejects(openHostStore({ file: ledger }), refusal('internal', /is not an outrider host database/));
  const mine = join(directory, HOST_FILE);
  const store = await openHostStore({ file: mine });
  for (let index = 0; index < 200; index++) await ended(store, `job-${index}`);
  await store.close();
  await assert.rejects(openLedgerStore({ file: mine }), /is not an outrider ledger database/);

  const newer = join(directory, 'newer.db');
  writeFileSync(newer, readFileSync(mine));
  const changed = new DatabaseSync(newer);
  changed.exec('PRAGMA user_version = 99');
  changed.close();
  await assert.rejects(openHostStore({ file: newer }), refusal('internal', /newer version/));

  const damaged = openSync(mine, 'r+');
  for (let offset = 8_192; offset < statSync(mine).size; offset += 4_096)
    writeSync(damaged, Buffer.alloc(64, 0xa5), 0, 64, offset);
  await assert.rejects(openHostStore({ file: mine }), refusal('internal', /damaged|cannot open/));
  await assert.rejects(
    openHostStore({ file: mine }),
    refusal('internal', /damaged|cannot open/),
    'and is not kept locked',
  );
});

test('closing writes what waits, and refuses what comes', async (t) => {
  const file = join(tempDir(t), HOST_FILE);
  const store = await openHostStore({ file });
  const waiting = Array.from({ length: 1_000 }, (_, index) => store.jobs.accept(newJob(`job-${index}`)));
  const closed = store.close();
  await assert.rejects(store.jobs.accept(newJob('late')), refusal('draining', /closing/));
  await assert.rejects(store.jobs.find('late'), refusal('draining', /closing/));
  await closed;
  await Promise.all(waiting);
  const again = await openHostStore({ file });
  t.after(() => again.close());
  assert.equal((await again.jobs.queued({ after: 0, limit: 2_000 })).length, 1_000);
});

test('too much that waits is refused as overloaded', async (t) => {
  const store = await openHostStore({ file: join(tempDir(t), HOST_FILE), queue: { records: 5, bytes: 2 ** 20 } });
  t.after(() => store.close());
  const all = await Promise.allSettled(Array.from({ length: 20 }, (_, index) => store.jobs.accept(newJob(`${index}`))));
  const refused = all.filter((result) => result.status === 'rejected');
  assert.equal(refused.length, 15);
  for (const { reason } of refused) refusal('overloaded', /waits/)(reason);
});

test('while its thread cannot come back callers are told so at once, and then it does', async (t) => {
  const file = join(tempDir(t), HOST_FILE);
  const threads: Worker[] = [];
  const onThread = (message: unknown): unknown => threads.push((message as { worker: Worker }).worker);
  subscribe('worker_threads', onThread);
  t.after(() => unsubscribe('worker_threads', onThread));
  const notices: StoreNotice[] = [];
  const store = await openHostStore({ file, notice: (notice) => notices.push(notice) });
  t.after(() => store.close());
  await store.jobs.accept(newJob('before'));
  await threads[0]?.terminate();
  const disown = own(file);
  const waits = store.jobs.accept(newJob('meanwhile'));
  await assert.rejects(waits, refusal('overloaded', /restarting/));
  const asked = performance.now();
  await assert.rejects(store.jobs.accept(newJob('later')), refusal('overloaded', /restarting/));
  await assert.rejects(store.jobs.find('before'), refusal('overloaded', /restarting/));
  assert.ok(performance.now() - asked < 500);
  assert.equal(store.status().writable, false);
  disown();
  await until(() => store.status().writable, 'the thread');
  await store.jobs.accept(newJob('after'));
  const queued = await store.jobs.queued({ after: 0, limit: 10 });
  assert.deepEqual(
    queued.map(({ job_id }) => job_id),
    ['before', 'after'],
  );
  assert.ok(notices.length >= 2 && notices.every(({ level }) => level === 'error'));
});
