import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type OtlpReceiver, startOtlpReceiver } from '../../test/support/otlp-receiver.ts';
import { startA2aPeer } from './a2a-peer.ts';
import { Child } from './children.ts';

/** A sidecar with its agent. */
export interface Pair {
  sidecar: Child;
  /** Base URLs. */
  inbound: string;
  helpers: string;
  token: string;
}

/** Everything real that the tour looks at. */
export interface Stage {
  /** Where commands are run; holds configuration files and data directories. */
  directory: string;
  /** The example agent in Node, behind `outrider run`. Its tokens are in `tokens.txt`. */
  gist: Pair;
  /** The example agent in Python, or the one in Node where there is no Python, started apart. Ships to the ledger. */
  colleague: Pair;
  /** An agent that speaks WebSocket. */
  chat: Pair;
  ledger: { url: string; token: string; child: Child; start: () => Promise<Child> };
  otlp: OtlpReceiver;
  /** The Python that runs the colleague. */
  python: string | undefined;
  /** Environment of commands. */
  env: Readonly<Record<string, string>>;
}

type CleanUp = (close: () => Promise<unknown>) => void;

const path = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const BIN = path('src/cli/bin.ts');
const EVERYTHING = path('node_modules/@modelcontextprotocol/server-everything/dist/index.js');

/** The command line of `outrider …` from a checkout. */
export function outrider(...args: string[]): { command: string; args: string[] } {
  return { command: process.execPath, args: [BIN, ...args] };
}

/** The rules of the configuration, besides those that are built in. */
export const RULES = [
  { name: 'project-names', type: 'keyword', pattern: 'bluebird,nightjar', action: 'redact', replace: '[PROJECT]' },
  { name: 'private-keys', type: 'regex', pattern: '-----BEGIN [A-Z ]*PRIVATE KEY-----', action: 'block' },
];

/** Starts everything, on free ports and in a directory of its own. What was started is handed to `cleanUp` at once. */
export async function setStage(cleanUp: CleanUp): Promise<Stage> {
  const directory = await mkdtemp(join(tmpdir(), 'outrider-demo-'));
  cleanUp(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));
  const env = environment();
  const start = (program: { command: string; args: readonly string[] }, more: Record<string, string> = {}): Child => {
    const child = new Child({ ...program, env: { ...env, ...more }, cwd: directory });
    cleanUp(() => child.stop());
    return child;
  };
  const [gistPort, colleaguePort, chatPort, ledgerPort, ssePort, httpPort] = await freePorts(6);
  const [otlp, peer] = await Promise.all([startOtlpReceiver(), startA2aPeer()]);
  cleanUp(() => otlp.close());
  cleanUp(() => peer.close());
  const traced = { OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url, OTEL_BSP_SCHEDULE_DELAY: '200' };
  const python = findPython();
  const token = { gist: secret(), colleague: secret(), chat: secret(), ledger: secret() };

  const ledgerUrl = `http://127.0.0.1:${ledgerPort}`;
  const startLedger = async (): Promise<Child> => {
    const program = outrider('ledger', '--addr', `127.0.0.1:${ledgerPort}`, '--database', 'sqlite:ledger.db');
    const child = start(program, { OUTRIDER_LEDGER_TOKEN: token.ledger });
    await child.says(/(the ledger listens)/);
    return child;
  };

  const everything = async (mode: string, port: number | undefined): Promise<void> => {
    const server = start({ command: process.execPath, args: [EVERYTHING, mode] }, { PORT: String(port) });
    await server.says(/(listening on port|running on port)/);
  };

  const pair = async (name: keyof typeof token, port: number | undefined, command: string[], more: Record<string, string>): Promise<Pair> => {
    const args = command.length > 0 ? ['run', '--config', `${name}.yaml`, '--', ...command] : ['sidecar', '--config', `${name}.yaml`];
    const sidecar = start(outrider(...args), {
      AGENT_NAME: name,
      OUTRIDER_AGENT_URL: `http://127.0.0.1:${port}`,
      OUTRIDER_INBOUND_ADDR: '127.0.0.1:0',
      OUTRIDER_LOCAL_ADDR: '127.0.0.1:0',
      OUTRIDER_MCP_ADDR: '127.0.0.1:0',
      OUTRIDER_COST_ADDR: '127.0.0.1:0',
      OUTRIDER_DATA_DIR: name,
      OUTRIDER_LOG_FORMAT: 'json',
      ...traced,
      ...more,
    });
    const [inbound, helpers] = await Promise.all(
      ['inbound', 'helpers'].map((listener) =>
        sidecar.says(new RegExp(`"msg":"listening","listener":"${listener}",[^\\n]*"port":(\\d+)`)),
      ),
    );
    return { sidecar, inbound: `http://127.0.0.1:${inbound}`, helpers: `http://127.0.0.1:${helpers}`, token: token[name] };
  };

  const startGist = async (colleague: Pair): Promise<Pair> => {
    const remote = (transport: string, port: number | undefined, name: string) => ({ transport, url: `http://127.0.0.1:${port}/${name}` });
    await write(directory, 'gist.yaml', {
      agent_version: '1.0.0',
      team: 'tour',
      drain_timeout: '10s',
      guardrails: RULES,
      a2a_peers: { colleague: { url: colleague.inbound, token_env: 'COLLEAGUE_TOKEN' }, backwards: peer.url },
      mcp_servers: {
        stdio: { transport: 'stdio', command: process.execPath, args: [EVERYTHING, 'stdio'] },
        sse: remote('sse', ssePort, 'sse'),
        http: remote('http', httpPort, 'mcp'),
      },
    });
    await writeFile(join(directory, 'tokens.txt'), `tour ${token.gist}\n`);
    const agent = process.env['DEMO_AGENT'] ?? path('examples/agent-node/agent.ts');
    return pair('gist', gistPort, [process.execPath, agent], {
      OUTRIDER_AUTH_TOKENS_FILE: 'tokens.txt',
      COLLEAGUE_TOKEN: token.colleague,
    });
  };

  const startColleague = async (): Promise<Pair> => {
    await write(directory, 'colleague.yaml', { agent_version: '2.0.0', team: 'tour', drain_timeout: '5s' });
    const program = python === undefined ? [process.execPath, path('examples/agent-node/agent.ts')] : [python, path('examples/agent-python/agent.py')];
    const shipping = { AGENT_AUTH_TOKEN: token.colleague, OUTRIDER_LEDGER_URL: ledgerUrl, OUTRIDER_LEDGER_TOKEN: token.ledger };
    const made = await pair('colleague', colleaguePort, [], shipping);
    const [command = '', ...args] = program;
    const agent = start({ command, args }, { PORT: String(colleaguePort), AGENT_NAME: 'colleague', AGENT_VERSION: '2.0.0', OUTRIDER_LOCAL_URL: made.helpers });
    await agent.says(/(listens on)/);
    return made;
  };

  const startChat = async (): Promise<Pair> => {
    await write(directory, 'chat.yaml', { drain_timeout: '1s' });
    return pair('chat', chatPort, [process.execPath, path('scripts/demo/chat-agent.ts')], { AGENT_AUTH_TOKEN: token.chat });
  };

  const [ledger, gist, colleague, chat] = await Promise.all([
    startLedger(),
    ...
  ]);
}
