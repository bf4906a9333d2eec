import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import type { Command } from 'commander';
import { auditCommand } from '../../src/cli/commands/audit.ts';
import { costsCommand } from '../../src/cli/commands/costs.ts';
import { ledgerCommand } from '../../src/cli/commands/ledger.ts';
import type { ReadCommandDeps } from '../../src/cli/commands/ledger-source.ts';
import { openLedgerStore } from '../../src/ledger/store.ts';
import { costEvent, tempDir } from './fixtures/events.ts';
import { client, close, serve } from './fixtures/http.ts';

type Run = { out: string; code: number };

async function run(
  make: (deps: ReadCommandDeps) => Command,
  args: string[],
  over: Partial<ReadCommandDeps> & { tty?: boolean } = {},
): Promise<Run> {
  const result: Run = { out: '', code: 0 };
  const { tty = false, ...deps } = over;
  const command = make({
    env: {},
    version: '1',
    httpClient: (url) => ({ send: client(url), close: async () => undefined }),
    stdout: {
      isTTY: tty,
      write: (text) => {
        result.out += text;
      },
    },
    setExitCode: (code) => {
      result.code = code;
    },
    ...deps,
  });
  await command
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
    .parseAsync(args, { from: 'user' });
  return result;
}

async function database(t: TestContext): Promise<{ dir: string; file: string }> {
  const dir = tempDir(t);
  const file = join(dir, 'ledger.db');
  const store = await openLedgerStore({ file });
  for (let index = 0; index < 5; index++) {
    await store.recordCost(
      costEvent(`e${index}`, { agent: index < 2 ? 'one' : 'two', model: 'm\u009b2J'.slice(0, index < 4 ? 1 : 4) }),
    );
  }
  await store.close();
  return { dir, file };
}

test('costs: a table on a terminal, JSON lines otherwise, filtered and grouped', async (t) => {
  const { dir, file } = await database(t);
  const lines = (await run(costsCommand, ['--data-dir', dir])).out.trim().split('\n');
  assert.equal(lines.length, 5);
  assert.equal((JSON.parse(lines[0] ?? '') as { event_id: string }).event_id, 'e4');
  const table = await run(costsCommand, ['--database', `sqlite:${file}`, '--agent', 'two', '--limit', '2'], {
    tty: true,
  });
  assert.match(table.out, /^TIME +AGENT +TEAM +MODEL +IN +OUT +USD +TRACE\n/);
  assert.equal(table.out.trim().split('\n').length, 3);
  assert.ok(!table.out.includes('\u009b'), 'nothing that commands the terminal');
  const sums = await run(costsCommand, ['--group-by', 'agent'], { tty: true, env: { OUTRIDER_DATA_DIR: dir } });
  assert.equal(
    sums.out,
    'AGENT  EVENTS    IN   OUT     USD  UNPRICED\n' +
      'two         3  3072   768  0.0114         0\n' +
      'one         2  2048   512  0.0076         0\n' +
      'TOTAL       5  5120  1280  0.0190         0\n',
  );
  assert.equal((await run(costsCommand, ['--data-dir', dir, '--since', '2026-02-01'])).out, '');
  await assert.rejects(run(costsCommand, ['--data-dir', dir, '--since', 'yesterday']), /expected 2026-01-31/);
  await assert.rejects(run(costsCommand, ['--data-dir', dir, '--group-by', 'event_id']), /Allowed choices/);
  await assert.rejects(run(costsCommand, ['--data-dir', join(dir, 'none')]), /no ledger database/);
});

test('audit verify: exit code 0 and the number of rows, or 1 and the first bad row', async (t) => {
  const { dir, file } = await database(t);
  assert.equal(
    (await run(auditCommand, ['--data-dir', dir, '--type', 'cost.recorded', '--agent', 'one'])).out.trim().split('\n')
      .length,
    2,
  );
  const good = await run(auditCommand, ['verify', '--data-dir', dir]);
  assert.match(good.out, /^audit log is intact: 5 rows checked\nhead 5:[0-9a-f]{64}\n$/);
  assert.equal(good.code, 0);
  const head = good.out.trim().split(' ').at(-1) ?? '';
  assert.equal((await run(auditCommand, ['--data-dir', dir, 'verify', '--head', head])).code, 0);
  const db = new DatabaseSync(file);
  db.exec(`DROP TRIGGER audit_log_no_update; UPDATE audit_log SET actor = 'x' WHERE seq = 3`);
  db.close();
  const bad = await run(auditCommand, ['verify', '--data-dir', dir]);
  assert.deepEqual(bad, { out: 'audit log is NOT intact: row 3 was changed\n', code: 1 });
});

test('ledger: serves with its token, and the read commands read it from afar', async (t) => {
  const file = join(tempDir(t), 'ledger.db');
  let stop = (): void => undefined;
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
  });
  let listening: (url: string) => void = () => undefined;
  const url = new Promise<string>((resolve) => {
    listening = resolve;
  });
  const env = { OUTRIDER_LEDGER_TOKEN: 'one, two' };
  const command = ledgerCommand({
    env,
    version: '1',
    listen: async (service) => {
      const served = await serve(service);
      listening(served.url);
      return { port: served.port, close: () => close(served.server) };
    },
    untilStopped: () => stopped,
    log: () => undefined,
  });
  const done = command.parseAsync(['--database', `sqlite:${file}`], { from: 'user' });
  const at = await url;
  const post = (token: string): Promise<Response> =>
    fetch(`${at}/api/v1/costs`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: JSON.stringify({ agent: 'far', model: 'm', input_tokens: 1, output_tokens: 1, cost_usd: 1.5 }),
    });
  assert.equal((await post('two')).status, 201);
  assert.equal((await post('three')).status, 401);
  const remote = await run(costsCommand, ['--url', at, '--group-by', 'agent'], {
    env: { OUTRIDER_LEDGER_TOKEN: 'one' },
  });
  assert.deepEqual(JSON.parse(remote.out), {
    key: 'far',
    events: 1,
    input_tokens: 1,
    output_tokens: 1,
    cached_input_tokens: 0,
    cache_write_tokens: 0,
    reasoning_tokens: 0,
    cost_usd: 1.5,
    unknown_cost_events: 0,
    incomplete_events: 0,
  });
  const whole = await run(auditCommand, ['verify', '--url', at], { env: { OUTRIDER_LEDGER_TOKEN: 'one' } });
  assert.match(whole.out, /0 rows checked/);
  await assert.rejects(run(costsCommand, ['--url', at]), /the ledger answered 401/);
  stop();
  await done;
});

test('ledger: without a token it does not start, unless told so', async () => {
  const deps = {
    version: '1',
    listen: () => assert.fail('must not listen'),
    untilStopped: async () => undefined,
    log: () => undefined,
  };
  const command = ledgerCommand({ ...deps, env: { OUTRIDER_LEDGER_TOKEN: ' ,' } });
  command.exitOverride().configureOutput({ writeErr: () => undefined });
  await assert.rejects(command.parseAsync([], { from: 'user' }), /no token/);
});
