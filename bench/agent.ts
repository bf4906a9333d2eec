// `npm run bench:agent`: what calling an agent elsewhere costs, against bare `fetch` and bare grpc-js, in one run on one machine.
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  ANY,
  cpuMicroseconds,
  freePort,
  local,
  MEASURED,
  OTHERS,
  start,
  stopAll,
  untilAnswers,
} from './support/processes.ts';

const ROUNDS = Number(process.env['ROUNDS'] ?? '3');
const CALLS = process.env['CALLS'] ?? '6000';
const TOKEN = 'bench-token-0123456789';

interface Figures {
  wall: number;
  cpu: number;
  perSecond: number;
  serverCpu: number;
}

const directory = await mkdtemp(join(tmpdir(), 'outrider-bench-'));
try {
  await main();
} finally {
  await stopAll();
  await rm(directory, { recursive: true, force: true });
}

async function main(): Promise<void> {
  const [http, grpc, host] = [await freePort(), await freePort(), await freePort()];
  const bareHttp = start(OTHERS, process.execPath, [local('echo-http.ts')], { PORT: String(http) });
  const bareGrpc = start(OTHERS, process.execPath, [local('echo-grpc.ts')], { PORT: String(grpc) });
  const ours = start(OTHERS, process.execPath, [local('../../bin/outrider.js'), 'host', local('echo-agents.ts')], {
    AGENT_AUTH_TOKEN: TOKEN,
    OUTRIDER_DATA_DIR: directory,
    OUTRIDER_HOST_ADDR: `127.0.0.1:${host}`,
    OUTRIDER_HOST_CONFIG: '',
    OUTRIDER_LOG_LEVEL: 'warn',
  });
  await Promise.all([untilAnswers(`http://127.0.0.1:${http}`), untilAnswers(`http://127.0.0.1:${host}/ready`)]);

  const ways = [
    { name: 'calling the function', way: 'function', url: '', pid: undefined },
    { name: 'localAgent', way: 'localAgent', url: '', pid: undefined },
    { name: 'fetch to node:http', way: 'fetch', url: `http://127.0.0.1:${http}`, pid: bareHttp.pid },
    { name: 'httpAgent to node:http', way: 'httpAgent', url: `http://127.0.0.1:${http}`, pid: bareHttp.pid },
    { name: 'httpAgent to the host', way: 'httpAgent', url: `http://127.0.0.1:${host}`, pid: ours.pid },
    { name: 'grpc-js to grpc-js', way: 'grpc-js', url: `http://127.0.0.1:${grpc}`, pid: bareGrpc.pid },
    { name: 'grpcAgent to grpc-js', way: 'grpcAgent', url: `http://127.0.0.1:${grpc}`, pid: bareGrpc.pid },
    { name: 'grpcAgent to the host', way: 'grpcAgent', url: `http://127.0.0.1:${host}`, pid: ours.pid },
  ];
  for (const concurrency of [1, 32]) {
    process.stdout.write(
      `\n${CALLS} unary calls of 0.8 KB, ${concurrency} at a time, median of ${ROUNDS}; microseconds a call\n`,
    );
    process.stdout.write(
      `${'way'.padEnd(26)}${'wall'.padStart(10)}${'client CPU'.padStart(12)}${'server CPU'.padStart(12)}\n`,
    );
    const rounds = new Map<string, Figures[]>();
    // In turn, so that what the machine does meanwhile is shared by all.
    for (let round = 0; round < ROUNDS; round++) {
      for (const { name, way, url, pid } of ways) {
        rounds.set(name, [...(rounds.get(name) ?? []), await measure(way, url, pid, concurrency)]);
      }
    }
    for (const { name } of ways) print(name, middle(rounds.get(name) ?? []));
    ratio('localAgent over the function, us', rounds, 'localAgent', 'calling the function', true);
    ratio('HTTP: adapter alone / bare', rounds, 'httpAgent to node:http', 'fetch to node:http');
    ratio('HTTP: adapter and host / bare', rounds, 'httpAgent to the host', 'fetch to node:http');
    ratio('gRPC: adapter alone / bare', rounds, 'grpcAgent to grpc-js', 'grpc-js to grpc-js');
    ratio('gRPC: adapter and host / bare', rounds, 'grpcAgent to the host', 'grpc-js to grpc-js');
  }

  const hostUrl = `http://127.0.0.1:${host}`;
  for (const way of ['http', 'grpc']) {
    const streams = await crowd('streams', way, hostUrl, ours.pid, '1000');
    process.stdout.write(`\n1,000 streams of 100 chunks over ${way}, five times: MB after each\n${table(streams)}\n`);
  }
  for (const way of ['http', 'grpc']) {
    const left = await crowd('leaving', way, hostUrl, ours.pid, '10000');
    process.stdout.write(`\n10,000 calls over ${way}, left in mid-flight: after each 1,000\n${table(left)}\n`);
  }
}

async function measure(way: string, url: string, pid: number | undefined, concurrency: number): Promise<Figures> {
  const before = pid === undefined ? undefined : cpuMicroseconds(pid);
  const env = { WAY: way, URL: url, TOKEN, CALLS, CONCURRENCY: String(concurrency) };
  const figures = JSON.parse(await outputOf(MEASURED, 'agent-calls.ts', env));
  const after = pid === undefined ? undefined : cpuMicroseconds(pid);
  // Half as many calls again to warm up.
  const served = Math.ceil(Number(CALLS) * 1.5);
  return {
    ...figures,
    serverCpu: before === undefined || after === undefined ? Number.NaN : (after - before) / served,
  };
}

async function crowd(
  what: string,
  way: string,
  url: string,
  pid: number | undefined,
  count: string,
): Promise<object[]> {
  const env = { WHAT: what, WAY: way, URL: url, TOKEN, HOST_PID: String(pid), COUNT: count };
  return JSON.parse(await outputOf(ANY, 'agent-streams.ts', env)).line;
}

async function outputOf(cpu: string, script: string, env: Record<string, string>): Promise<string> {
  const child = start(cpu, process.execPath, [local(script)], env);
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${script} (${JSON.stringify(env)}) ended with ${code}`);
  return text;
}

function middle(all: readonly Figures[]): Figures {
  const median = (of: (figures: Figures) => number): number => {
    const sorted = all.map(of).toSorted((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  };
  return {
    wall: median(({ wall }) => wall),
    cpu: median(({ cpu }) => cpu),
    perSecond: median(({ perSecond }) => perSecond),
    serverCpu: median(({ serverCpu }) => serverCpu),
  };
}

function print(name: string, { wall, cpu, serverCpu }: Figures): void {
  const cell = (value: number): string => (Number.isNaN(value) ? '' : value.toFixed(1));
  process.stdout.write(
    `${name.padEnd(26)}${cell(wall).padStart(10)}${cell(cpu).padStart(12)}${cell(serverCpu).padStart(12)}\n`,
  );
}

function ratio(title: string, rounds: Map<string, Figures[]>, a: string, b: string, difference = false): void {
  const [first, second] = [middle(rounds.get(a) ?? []), middle(rounds.get(b) ?? [])];
  const both = (of: (figures: Figures) => number): string =>
    (difference ? of(first) - of(second) : of(first) / of(second)).toFixed(2);
  const total = ({ cpu, serverCpu }: Figures): number => cpu + (Number.isNaN(serverCpu) ? 0 : serverCpu);
  process.stdout.write(`  ${title.padEnd(34)} wall ${both(({ wall }) => wall)}   CPU of both sides ${both(total)}\n`);
}

function table(line: readonly object[]): string {
  return line
    .map((row) =>
      Object.entries(row)
        .map(([name, value]) => `${name} ${value}`)
        .join(', '),
    )
    .join('\n');
}
