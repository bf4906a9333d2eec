// `npm run bench`: what the sidecar costs beside an agent, against a proxy that does nothing, in one run on one machine.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  ANY,
  cpuMicroseconds,
  freePort,
  has,
  type LoadResult,
  load,
  local,
  MEASURED,
  OTHERS,
  residentMb,
  start,
  stop,
  stopAll,
  untilAnswers,
} from './support/processes.ts';

const SECONDS = process.env['SECONDS'] ?? '4';
const ROUNDS = Number(process.env['ROUNDS'] ?? '3');
const TOKEN = 'bench-token-0123456789';
/** 1 KB of JSON as agents send it, without anything that a rule would find. */
const BODY = JSON.stringify({
  input: 'Summarise the open tickets of this week and say which of them need an answer today. '.repeat(10).trim(),
  session: 'b7c1',
  user: { id: 4711, locale: 'en-GB' },
  stream: false,
  tags: ['weekly', 'support'],
});

interface Row extends LoadResult {
  name: string;
  cpu: number | undefined;
  idleMb: number | undefined;
  loadMb: number | undefined;
}

interface Target {
  name: string;
  url: string;
  pid: number | undefined;
  idleMb: number | undefined;
}

const directory = await mkdtemp(join(tmpdir(), 'outrider-bench-'));
try {
  await main();
} finally {
  await stopAll();
  await rm(directory, { recursive: true, force: true });
}

async function main(): Promise<void> {
  const agentPort = await freePort();
  const agentUrl = `http://127.0.0.1:${agentPort}`;
  start(OTHERS, process.execPath, [local('agent.ts')], { PORT: String(agentPort) });
  await untilAnswers(agentUrl);

  const outrider = await startOutrider(agentUrl, MEASURED, 1);
  const targets: Target[] = [
    { name: 'direct', url: agentUrl, pid: undefined, idleMb: undefined },
    await startBare(agentUrl),
    ...(has('nginx') ? [await startNginx(agentPort)] : []),
    outrider.target,
  ];

  const rows = await measure(targets);
  print(rows);
  // With a processor of its own no longer: its ledger has a thread, and starting has work for two.
  const free = await startOutrider(agentUrl, ANY, 4);
  const startMs = free.startMs.map((ms) => ms.toFixed(0)).join(', ');
  console.log(`\nstart to ready: ${startMs} ms   idle memory: ${free.target.idleMb?.toFixed(0)} MB`);
  await costs(free.target.url, free.costUrl);
}

/** Rounds in turn, so that what disturbs the machine disturbs every row; the median of the rounds is shown. */
async function measure(targets: readonly Target[]): Promise<Row[]> {
  const results = new Map<string, Row[]>(targets.map(({ name }) => [name, []]));
  for (const { url } of targets) await load({ URL: `${url}/invoke`, BODY, SECONDS: '2', TOKEN });
  for (let round = 0; round < ROUNDS; round++) {
    for (const { name, url, pid, idleMb } of targets) {
      const before = pid === undefined ? undefined : cpuMicroseconds(pid);
      const result = await load({ URL: `${url}/invoke`, BODY, SECONDS, TOKEN });
      const after = pid === undefined ? undefined : cpuMicroseconds(pid);
      const cpu = before === undefined || after === undefined ? undefined : (after - before) / result.requests;
      results
        .get(name)
        ?.push({ name, ...result, cpu, idleMb, loadMb: pid === undefined ? undefined : residentMb(pid) });
    }
  }
  return [...results.values()].map(median);
}

function median(rows: Row[]): Row {
  const sorted = rows.toSorted((a, b) => (a.cpu ?? a.p50) - (b.cpu ?? b.p50));
  const failed = rows.reduce((sum, row) => sum + row.failed, 0);
  const loadMb = Math.max(...rows.map((row) => row.loadMb ?? 0));
  return { ...(sorted[Math.floor(sorted.length / 2)] as Row), failed, loadMb };
}

function print(rows: readonly Row[]): void {
  const bare = rows.find(({ name }) => name === 'bare node')?.cpu;
  console.log(
    `${BODY.length} B JSON POSTs, 32 connections, ${ROUNDS} rounds of ${SECONDS} s, Node ${process.version}\n`,
  );
  console.log(['', 'req/s', 'p50 ms', 'p99 ms', 'CPU us/req', 'x bare', 'MB load', 'failed'].map(cell).join(''));
  for (const row of rows) {
    const ratio = row.cpu === undefined || bare === undefined ? '-' : (row.cpu / bare).toFixed(2);
    const cells = [
      row.name,
      row.perSecond.toFixed(0),
      row.p50,
      row.p99,
      row.cpu?.toFixed(1) ?? '-',
      ratio,
      row.loadMb ? row.loadMb.toFixed(0) : '-',
      row.failed,
    ];
    console.log(cells.map(cell).join(''));
  }
}

function cell(value: unknown, column: number): string {
  return column === 0 ? String(value).padEnd(12) : String(value).padStart(11);
}

async function startBare(agentUrl: string): Promise<Target> {
  const port = await freePort();
  const child = start(MEASURED, process.execPath, [local('bare-proxy.ts')], {
    PORT: String(port),
    AGENT_URL: agentUrl,
  });
  const url = `http://127.0.0.1:${port}`;
  await untilAnswers(url);
  return { name: 'bare node', url, pid: child.pid, idleMb: residentMb(child.pid ?? 0) };
}

async function startNginx(agentPort: number): Promise<Target> {
  const port = await freePort();
  const file = join(directory, 'nginx.conf');
  await writeFile(
    file,
    `daemon off; master_process off; pid ${directory}/nginx.pid; error_log stderr crit;
events { worker_connections 1024; }
http { access_log off; client_body_temp_path ${directory}/b; proxy_temp_path ${directory}/p; fastcgi_temp_path ${directory}/f; uwsgi_temp_path ${directory}/u; scgi_temp_path ${directory}/s;
  upstream agent { server 127.0.0.1:${agentPort}; keepalive 64; }
  server { listen 127.0.0.1:${port}; keepalive_requests 1000000; location / { proxy_pass http://agent; proxy_http_version 1.1; proxy_set_header Connection ""; } } }`,
  );
  const child = start(MEASURED, 'nginx', ['-p', directory, '-c', file]);
  const url = `http://127.0.0.1:${port}`;
  await untilAnswers(url);
  return { name: 'nginx', url, pid: child.pid, idleMb: residentMb(child.pid ?? 0) };
}

interface OutriderTarget {
  target: Target;
  costUrl: string;
  startMs: number[];
}

async function startOutrider(agentUrl: string, cpu: string, runs: number): Promise<OutriderTarget> {
  const startMs: number[] = [];
  for (let run = 0; ; run++) {
    const [inbound, helpers, mcp, cost] = [await freePort(), await freePort(), await freePort(), await freePort()];
    const child = start(cpu, process.execPath, [local('../../bin/outrider.js'), 'sidecar'], {
      AGENT_NAME: 'bench',
      AGENT_AUTH_TOKEN: TOKEN,
      OUTRIDER_AGENT_URL: agentUrl,
      OUTRIDER_INBOUND_ADDR: `127.0.0.1:${inbound}`,
      OUTRIDER_LOCAL_ADDR: `127.0.0.1:${helpers}`,
      OUTRIDER_MCP_ADDR: `127.0.0.1:${mcp}`,
      OUTRIDER_COST_ADDR: `127.0.0.1:${cost}`,
      OUTRIDER_DATA_DIR: join(directory, `data-${cpu}-${run}`),
      OUTRIDER_LOG_LEVEL: 'warn',
    });
    const url = `http://127.0.0.1:${inbound}`;
    startMs.push(await untilAnswers(`${url}/ready`));
    if (run < runs - 1) {
      await stop(child);
      continue;
    }
    await new Promise((resolve) => {
      setTimeout(resolve, 2_000);
    });
    const target = { name: 'outrider', url, pid: child.pid, idleMb: residentMb(child.pid ?? 0) };
    return { target, costUrl: `http://127.0.0.1:${helpers}/cost`, startMs };
  }
}

/** Cost events at a steady 2,000 a second, and what the proxy's own latency does meanwhile. */
async function costs(url: string, costUrl: string): Promise<void> {
  const event = JSON.stringify({ model: 'claude-sonnet-4', input_tokens: 1024, output_tokens: 256, cost_usd: 0.0038 });
  const proxyLoad = { URL: `${url}/invoke`, BODY, SECONDS, TOKEN, CONNECTIONS: '8', RATE: '1000' };
  const costLoad = { URL: costUrl, BODY: event, SECONDS, CONNECTIONS: '32' };
  const alone = await load(proxyLoad);
  const fastest = await load(costLoad);
  const [proxy, steady] = await Promise.all([load(proxyLoad), load({ ...costLoad, RATE: '2000' })]);
  console.log(
    `\n/cost, durable: ${fastest.perSecond.toFixed(0)} events/s at most (p99 ${fastest.p99} ms, ${fastest.failed} failed)`,
  );
  console.log(
    `/cost at ${steady.perSecond.toFixed(0)} events/s: p50 ${steady.p50} ms, p99 ${steady.p99} ms, ${steady.failed} failed`,
  );
  console.log(
    `proxy at ${alone.perSecond.toFixed(0)} requests/s: p99 ${alone.p99} ms alone, ${proxy.p99} ms beside those cost events`,
  );
}
