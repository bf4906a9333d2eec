import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type OtlpReceiver, startOtlpReceiver } from '../../test/support/otlp-receiver.ts';
import { startA2aPeer } from './a2a-peer.ts';
import type { Child } from './children.ts';
import type { Closing } from './closing.ts';
import { breakGround, checkout, findPython, freePorts, type Ground, outrider } from './ground.ts';
import { send } from './http.ts';
import { until } from './until.ts';

/** A sidecar and where its agent is. */
export interface Pair {
  name: string;
  /** Base URLs. */
  inbound: string;
  helpers: string;
  agent: string;
  /** A bearer token that it takes. */
  token: string;
  /** The process of the sidecar. */
  process: Child;
}

/** `outrider ledger`, which may be killed and started again. */
export interface Ledger {
  url: string;
  token: string;
  process: Child;
  restart(): Promise<void>;
}

/** Everything real that the tour looks at. */
export interface Stage {
  ground: Ground;
  /** The example agent in Node, behind `outrider run`. Its tokens are in `tokens.txt`, its costs in its own database. */
  gist: Pair;
  /** The example agent in Python, or the one in Node where there is no Python, started apart. Ships to the ledger. */
  colleague: Pair;
  /** An agent that speaks WebSocket. */
  chat: Pair;
  ledger: Ledger;
  otlp: OtlpReceiver;
  python: string | undefined;
}

/** The agent of the tour, seen from the checkout. */
export const AGENT = process.env['DEMO_AGENT'] ?? 'examples/agent-node/agent.ts';

/** The rules of `gist.yaml`, besides those that are built in. */
const GUARDRAILS = [
  { name: 'project-names', type: 'keyword', pattern: 'bluebird,nightjar', action: 'redact', replace: '[PROJECT]' },
  { name: 'private-keys', type: 'regex', pattern: '-----BEGIN [A-Z ]*PRIVATE KEY-----', action: 'block' },
  { name: 'ships', type: 'keyword', pattern: 'grey heron', action: 'redact', replace: '[SHIP]', on: ['response'] },
];

const EVERYTHING = checkout('node_modules/@modelcontextprotocol/server-everything/dist/index.js');

/** Starts everything, on free ports and in a directory of its own; all of it is closed by `closing`. */
export async function setStage(closing: Closing): Promise<Stage> {
  const ground = await breakGround(closing);
  const [otlp, peer] = await Promise.all([startOtlpReceiver(), startA2aPeer()]);
  closing.add('part', () => otlp.close());
  closing.add('part', () => peer.close());
  const ports = await freePorts(12);
  const url = (): string => `http://127.0.0.1:${ports.pop()}`;
  const place = (name: string): Place => ({
    name,
    inbound: url(),
    helpers: url(),
    agent: url(),
    token: secret(),
    otlp: otlp.url,
  });
  const at = {
    gist: place('gist'),
    colleague: place('colleague'),
    chat: place('chat'),
    ledger: url(),
    sse: url(),
    http: url(),
  };
  const python = findPython();
  const ledgerToken = secret();

  await writeFile(join(ground.directory, 'tokens.txt'), `tour ${at.gist.token}\n`);
  const node = (file: string): string[] => [process.execPath, file];
  const [ledger, gist, colleague, chat] = await Promise.all([
    startLedger(ground, at.ledger, ledgerToken),
    startPair(ground, at.gist, {
      run: node(resolve(checkout('.'), AGENT)),
      config: {
        agent_version: '1.0.0',
        team: 'tour',
        drain_timeout: '10s',
        guardrails: GUARDRAILS,
        a2a_peers: { colleague: { url: at.colleague.inbound, token_env: 'COLLEAGUE_TOKEN' }, backwards: peer.url },
        mcp_servers: {
          stdio: { transport: 'stdio', command: process.execPath, args: [EVERYTHING, 'stdio'] },
          sse: { transport: 'sse', url: `${at.sse}/sse` },
          http: { transport: 'http', url: `${at.http}/mcp` },
        },
      },
      env: { OUTRIDER_AUTH_TOKENS_FILE: 'tokens.txt', COLLEAGUE_TOKEN: at.colleague.token },
    }),
    startPair(ground, at.colleague, {
      apart:
        python === undefined
          ? node(checkout('examples/agent-node/agent.ts'))
          : [python, checkout('examples/agent-python/agent.py')],
      config: { agent_version: '2.0.0', team: 'tour', drain_timeout: '5s' },
      env: { AGENT_AUTH_TOKEN: at.colleague.token, OUTRIDER_LEDGER_URL: at.ledger, OUTRIDER_LEDGER_TOKEN: ledgerToken },
    }),
    startPair(ground, at.chat, {
      run: node(fileURLToPath(new URL('./chat-agent.ts', import.meta.url))),
      config: { drain_timeout: '1s' },
      env: { AGENT_AUTH_TOKEN: at.chat.token },
    }),
    startEverything(ground, 'sse', at.sse),
    startEverything(ground, 'streamableHttp', at.http),
  ]);
  return { ground, gist, colleague, chat, ledger, otlp, python };
}

interface Place extends Omit<Pair, 'process'> {
  /** The collector's base URL. */
  otlp: string;
}

interface PairOptions {
  /** The agent's command, when the sidecar is to start it. */
  run?: string[];
  /** The same, when it is started beside. */
  apart?: string[];
  config: object;
  env: Record<string, string>;
}

async function startPair(ground: Ground, place: Place, { run, apart = [], config, env }: PairOptions): Promise<Pair> {
  const { name, inbound, helpers, agent, token, otlp } = place;
  // JSON is YAML.
  await writeFile(join(ground.directory, `${name}.yaml`), JSON.stringify(config, null, 2));
  const [command, ...args] = apart;
  if (command !== undefined) {
    const own = { PORT: new URL(agent).port, AGENT_NAME: name, AGENT_VERSION: '2.0.0', OUTRIDER_LOCAL_URL: helpers };
    ground.start('part', { command, args }, own);
  }
  const mode = run === undefined ? ['sidecar'] : ['run'];
  const process = ground.start(
    'sidecar',
    outrider(...mode, '--config', `${name}.yaml`, ...(run === undefined ? [] : ['--', ...run])),
    {
      AGENT_NAME: name,
      OUTRIDER_AGENT_URL: agent,
      OUTRIDER_INBOUND_ADDR: new URL(inbound).host,
      OUTRIDER_LOCAL_ADDR: new URL(helpers).host,
      OUTRIDER_MCP_ADDR: '127.0.0.1:0',
      OUTRIDER_COST_ADDR: '127.0.0.1:0',
      OUTRIDER_DATA_DIR: name,
      OTEL_EXPORTER_OTLP_ENDPOINT: otlp,
      OTEL_BSP_SCHEDULE_DELAY: '200',
      ...env,
    },
  );
  await answers(process, `${inbound}/ready`);
  return { name, inbound, helpers, agent, token, process };
}

async function startLedger(ground: Ground, url: string, token: string): Promise<Ledger> {
  const program = outrider('ledger', '--addr', new URL(url).host, '--database', 'sqlite:ledger.db');
  const start = async (): Promise<Child> => {
    const child = ground.start('part', program, { OUTRIDER_LEDGER_TOKEN: token });
    await answers(child, `${url}/health`);
    return child;
  };
  const ledger: Ledger = {
    url,
    token,
    process: await start(),
    restart: async () => {
      ledger.process = await start();
    },
  };
  return ledger;
}

async function startEverything(ground: Ground, mode: 'sse' | 'streamableHttp', url: string): Promise<void> {
  const child = ground.start(
    'part',
    { command: process.execPath, args: [EVERYTHING, mode] },
    { PORT: new URL(url).port },
  );
  await answers(child, url, (): boolean => true);
}

/** Waits until a process that was started answers. Rejects with what it wrote when it ends instead, and after 20 s. */
async function answers(child: Child, url: string, good = (status: number): boolean => status === 200): Promise<void> {
  let ended: string | undefined;
  void child.exited.then(
    ({ code, signal }) => {
      ended = `it ended with ${signal ?? code}: ${child.stderr}${child.stdout}`;
    },
    (error: unknown) => {
      ended = String(error);
    },
  );
  const answer = async (): Promise<boolean> => {
    if (ended !== undefined) throw new Error(ended);
    return send({ url }).then(
      ({ status }) => good(status),
      () => false,
    );
  };
  await until(`an answer of ${url}`, answer, 20_000);
}

function secret(): string {
  return randomBytes(12).toString('hex');
}
