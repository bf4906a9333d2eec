import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { runOutrider } from '../support/outrider.ts';
import { freePort } from '../support/ports.ts';
import { tempDir, until } from './fixtures/events.ts';

const EVENTS = 10_000;
const KILLS = 50;
const CLIENTS = 16;
const TOKEN = 'kill-test-token';

/**
 * The two command lines, which may be replaced to put other programs, such as an installed package, to the same test. `{node}`,
 * `{port}`, `{dir}`, `{ledger}` and `{token}` stand for what each run chooses; the databases are expected at `{dir}/ledger.db`,
 * and `POST /cost` at `{port}`. The environment says the same, as the sidecar reads it.
 */
const COMMAND = ['{node}', fileURLToPath(new URL('../../src/cli/bin.ts', import.meta.url))];
const SIDECAR = commandOf('KILL_TEST_SIDECAR', [...COMMAND, 'sidecar']);
const LEDGER = commandOf('KILL_TEST_LEDGER', [
  ...COMMAND,
  'ledger',
  '--addr',
  '127.0.0.1:{port}',
  '--database',
  'sqlite:{dir}/ledger.db',
]);

test(`${EVENTS} events through ${KILLS} kills of either side: none lost, none twice`, {
  timeout: 150_000,
}, async (t) => {
  const dir = tempDir(t);
  const [sidecarPort, ledgerPort] = [await freePort(), await freePort()];
  const ledger = `http://127.0.0.1:${ledgerPort}`;
  const dirs = { sidecar: join(dir, 'sidecar'), ledger: join(dir, 'ledger') };
  for (const path of Object.values(dirs)) mkdirSync(path);
  const processes = {
    sidecar: victim(t, SIDECAR, { port: String(sidecarPort), dir: dirs.sidecar, ledger, token: TOKEN }),
    ledger: victim(t, LEDGER, { port: String(ledgerPort), dir: dirs.ledger, ledger, token: TOKEN }),
  };

  let kills = 0;
  let posted = 0;
  let acknowledged = 0;
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
  t.after(() => agent.destroy());
  const tooEarly = (index: number): boolean => index > ((kills + 1) / (KILLS + 1)) * EVENTS;
  const client = async (): Promise<void> => {
    for (let index = posted++; index < EVENTS; index = posted++) {
      // Spread over the kills, so that every kill hits work in progress.
      while (tooEarly(index)) await sleep(5);
      await deliver(agent, sidecarPort, index);
      acknowledged++;
    }
  };
  const killer = async (): Promise<void> => {
    while (kills < KILLS) {
      const before = acknowledged;
      await sleep(Math.random() * 800);
      // A kill of what is still starting would be a cheap one.
      await until(() => acknowledged > before, 30_000);
      processes[Math.random() < 0.5 ? 'sidecar' : 'ledger'].kill();
      kills++;
    }
  };
  await Promise.all([killer(), ...Array.from({ length: CLIENTS }, client)]);

  const read = (path: string, sql: string): number => {
    const db = new DatabaseSync(join(path, 'ledger.db'), { readOnly: true, timeout: 5_000 });
    try {
      return Number(db.prepare(sql).get()?.['n']);
    } finally {
      db.close();
    }
  };
  const COSTS = 'SELECT count(*) AS n FROM costs';
  const AUDIT = `SELECT count(*) AS n FROM audit_log WHERE event_type = 'cost.recorded'`;
  const end = Date.now() + 60_000;
  while (Date.now() < end && (read(dirs.ledger, COSTS) < EVENTS || read(dirs.ledger, AUDIT) < EVENTS)) await sleep(100);
  // Whatever would come twice has time to do so.
  await sleep(1_000);

  for (const path of [dirs.sidecar, dirs.ledger]) {
    assert.equal(read(path, COSTS), EVENTS, `costs in ${path}`);
    assert.equal(read(path, AUDIT), EVENTS, `cost.recorded rows in ${path}`);
    assert.equal(read(path, `SELECT count(DISTINCT event_id) AS n FROM costs WHERE event_id GLOB 'event-*'`), EVENTS);
    assert.equal(read(path, 'SELECT sum(input_tokens) AS n FROM costs'), (EVENTS * (EVENTS - 1)) / 2);
    const verified = await runOutrider([
      'audit',
      'verify',
      '--json',
      '--database',
      `sqlite:${join(path, 'ledger.db')}`,
    ]);
    assert.equal(verified.code, 0, verified.stdout + verified.stderr);
    assert.ok(JSON.parse(verified.stdout).rows >= EVENTS);
  }
  assert.equal(read(dirs.sidecar, 'SELECT count(*) AS n FROM outbox_rejected'), 0);
  t.diagnostic(`${kills} kills; restarts: sidecar ${processes.sidecar.starts()}, ledger ${processes.ledger.starts()}`);
});

/** Posts one event until it is acknowledged, always under the same id, as a careful agent does. */
async function deliver(agent: Agent, port: number, index: number): Promise<void> {
  const body = JSON.stringify({
    event_id: `event-${index}`,
    model: 'claude-sonnet-4',
    input_tokens: index,
    output_tokens: 1,
    cost_usd: 0.0038,
  });
  for (;;) {
    const status = await new Promise<number>((resolve) => {
      const outgoing = request(
        {
          agent,
          host: '127.0.0.1',
          port,
          method: 'POST',
          path: '/cost',
          timeout: 5_000,
          headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
        },
        (incoming) => {
          incoming.resume();
          incoming.on('end', () => resolve(incoming.statusCode ?? 0)).on('error', () => resolve(0));
        },
      );
      outgoing.on('timeout', () => outgoing.destroy()).on('error', () => resolve(0));
      outgoing.end(body);
    });
    if (status === 202) return;
    assert.ok(status === 0 || status === 503 || status === 507, `unexpected status ${status}`);
    await sleep(20);
  }
}

/** A process that is started again whenever it has been killed. */
function victim(t: TestContext, command: readonly string[], values: Record<string, string>) {
  const [file = '', ...args] = command.map((word) =>
    word.replace(/\{(\w+)\}/g, (whole, name: string) => (name === 'node' ? process.execPath : (values[name] ?? whole))),
  );
  const configFile = join(values['dir'] ?? '', 'outrider.yaml');
  writeFileSync(configFile, 'log_level: warn');
  let child: ChildProcess;
  let starts = 0;
  let over = false;
  const start = (): void => {
    starts++;
    child = spawn(file, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      cwd: values['dir'],
      env: {
        PATH: process.env['PATH'],
        AGENT_NAME: 'support-agent',
        AGENT_AUTH_TOKEN: TOKEN,
        OUTRIDER_CONFIG: configFile,
        OUTRIDER_INBOUND_ADDR: '127.0.0.1:0',
        OUTRIDER_LOCAL_ADDR: '127.0.0.1:0',
        OUTRIDER_MCP_ADDR: '127.0.0.1:0',
        OUTRIDER_COST_ADDR: `127.0.0.1:${values['port']}`,
        OUTRIDER_LEDGER_TOKEN: TOKEN,
        OUTRIDER_LEDGER_URL: values['ledger'],
        OUTRIDER_DATA_DIR: values['dir'],
      },
    });
    let said = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-4_000);
    });
    child.once('exit', (code, signal) => {
      if (over) return;
      assert.equal(signal, 'SIGKILL', `${args.join(' ')} ended by itself with code ${code}: ${said}`);
      start();
    });
  };
  start();
  t.after(() => {
    over = true;
    child.kill('SIGKILL');
  });
  return { kill: () => child.kill('SIGKILL'), starts: () => starts };
}

function commandOf(variable: string, otherwise: readonly string[]): readonly string[] {
  return process.env[variable]?.split(' ') ?? otherwise;
}
