import assert from 'node:assert/strict';
import { existsSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { commandOnTerminal } from '../../run/terminal.ts';
import { childrenOf } from '../../support/children.ts';
import { command, runOutrider } from '../../support/outrider.ts';
import { freePort } from '../../support/ports.ts';
import { Process } from '../../support/process.ts';
import { tempDir } from '../../support/temp.ts';
import { NO_TERMINAL } from '../../support/terminal.ts';
import { until } from '../../support/until.ts';
import { fakePlatform } from './fake-programs.ts';

const HEAD = `name: support-agent
version: 1.0.0
team: customer-success
owner: alice@example.com
model: { primary: claude-sonnet-4 }
runtime: { language: node, framework: none, version: "24", entrypoint: src/agent.mjs }
`;

/** Says what it finds, echoes what it is sent (slowly if asked to), and ends as it is told. */
const AGENT = `
import { createServer } from 'node:http';
const { PORT, HOST, AGENT_NAME, AGENT_AUTH_TOKEN, MODEL_KEY, GREETING, OUTRIDER_LOCAL_URL, OUTRIDER_CONFIG_YAML } = process.env;
const facts = { PORT, HOST, AGENT_NAME, AGENT_AUTH_TOKEN, MODEL_KEY, GREETING, OUTRIDER_LOCAL_URL, OUTRIDER_CONFIG_YAML };
console.log('facts ' + JSON.stringify({ ...facts, cwd: process.cwd() }));
createServer(async (request, response) => {
  const chunks = await request.toArray();
  console.error('asked ' + request.url);
  if (request.url === '/slow') await new Promise((done) => setTimeout(done, 1000));
  if (request.url === '/exit') setTimeout(() => { process.stdout.write('no end'); process.exitCode = 3; process.emit('SIGINT'); }, 50);
  response.end(Buffer.concat(chunks));
}).listen(Number(PORT), '127.0.0.1', () => console.log('listening'));
process.on('SIGINT', () => { console.log('bye'); process.exit(); });
`;

interface Bench {
  readonly cwd: string;
  readonly inbound: string;
  readonly env: Record<string, string | undefined>;
  readonly start: (...args: string[]) => Process;
  /** Ends by itself. */
  readonly run: (args: string[], env?: Record<string, string>) => ReturnType<typeof runOutrider>;
}

async function bench(t: { after(step: () => unknown): void }, agentYaml: string): Promise<Bench> {
  const cwd = realpathSync(tempDir(t));
  mkdirSync(join(cwd, 'app/src'), { recursive: true });
  writeFileSync(join(cwd, 'app/agent.yaml'), agentYaml);
  writeFileSync(join(cwd, 'app/src/agent.mjs'), AGENT);
  const [inbound, agent] = [await freePort(), await freePort()];
  const helpers = { OUTRIDER_MCP_ADDR: '127.0.0.1:0', OUTRIDER_COST_ADDR: '127.0.0.1:0' };
  const env = { PATH: process.env['PATH'], HOME: cwd, OUTRIDER_LOCAL_ADDR: '127.0.0.1:0', ...helpers };
  const ports = ['--public-port', String(inbound), '--agent-port', String(agent)];
  const args = (more: readonly string[]) => ['deploy', '--target', 'local', ...ports, 'app/agent.yaml', ...more];
  return {
    cwd,
    inbound: `http://127.0.0.1:${inbound}`,
    env,
    start(...more) {
      const child = new Process(...command(...args(more)), env, cwd);
      t.after(() => child.stop('SIGKILL'));
      return child;
    },
    run: (more, extra) => runOutrider(args(more), { cwd, env: { ...env, ...extra }, timeoutMs: 30_000 }),
  };
}

function factsOf(output: string): Record<string, string> {
  return JSON.parse(/^agent {4}\| facts (.*)$/m.exec(output)?.[1] ?? '{}');
}

/** The token that was made up for a run. */
async function ready(child: Process): Promise<string> {
  await child.waitFor((output) => output.includes('agent    | listening') || undefined, 'the agent to listen');
  return /Bearer ([0-9a-f]{32})'/.exec(child.stdout)?.[1] ?? '';
}

function call(url: string, token: string, path = '/invoke', body = 'hello'): Promise<Response> {
  return fetch(url + path, { method: 'POST', headers: { authorization: `Bearer ${token}` }, body });
}

describe('with a sidecar', () => {
  test('callers reach the agent through it; Ctrl-C finishes what is in flight, and ends both', async (t) => {
    const { cwd, inbound, start } = await bench(t, `${HEAD}guardrails: [pii_detection]\n`);
    const child = start();
    const token = await ready(child);
    assert.notEqual(token, '');
    assert.equal((await fetch(`${inbound}/invoke`, { method: 'POST' })).status, 401);
    const reply = await call(inbound, token, '/invoke', 'write to ada@example.com');
    assert.equal(reply.status, 200);
    assert.doesNotMatch(await reply.text(), /ada@/);

    const facts = factsOf(child.stdout);
    assert.equal(facts['HOST'], '127.0.0.1');
    assert.equal(facts['AGENT_NAME'], 'support-agent');
    assert.match(`${facts['OUTRIDER_LOCAL_URL']}`, /^http:\/\/127\.0\.0\.1:\d+$/);
    assert.deepEqual([facts['AGENT_AUTH_TOKEN'], facts['OUTRIDER_CONFIG_YAML']], [undefined, undefined]);
    assert.equal(facts['cwd'], join(cwd, 'app'), 'an entrypoint starts where its file lies');
    assert.ok(existsSync(join(cwd, '.outrider')), 'the state lies where the command was typed');

    const agent = childrenOf(child.pid).find(({ command }) => command.includes('agent.mjs'));
    const slow = call(inbound, token, '/slow', 'still there');
    await child.waitFor((output) => output.includes('agent    | asked /slow') || undefined, 'the slow call');
    child.signal('SIGINT');
    assert.equal(await (await slow).text(), 'still there');
    assert.deepEqual(await child.exited, { code: 0, signal: null });
    assert.match(child.stdout, /^agent {4}\| bye$/m);
    assert.throws(() => process.kill(agent?.pid ?? 0, 0), /ESRCH/);
  });

  test('every line is named, and the streams stay apart', async (t) => {
    const { inbound, start } = await bench(t, `${HEAD}guardrails: [pii_detection]\n`);
    const child = start();
    await call(inbound, await ready(child));
    await child.stop('SIGINT');
    const shown = child.stdout.split('Ctrl-C ends both.\n\n')[1] ?? '';
    for (const line of shown.trimEnd().split('\n')) assert.match(line, /^agent {4}\| /);
    for (const line of child.stderr.trimEnd().split('\n')) assert.match(line, /^(agent {3}|outrider) \| /);
    assert.match(child.stderr, /^agent {4}\| asked \/invoke$/m);
    assert.match(child.stderr, /^outrider \| .*"msg":"listening"/m);
  });

  test("the agent's exit code is ours, and its last words are not lost", async (t) => {
    const { inbound, start } = await bench(t, `${HEAD}guardrails: [pii_detection]\n`);
    const child = start();
    await call(inbound, await ready(child), '/exit');
    assert.deepEqual(await child.exited, { code: 3, signal: null });
    assert.match(child.stdout, /^agent {4}\| no endbye$/m);
  });

  test('one port for callers and the agent is a fault that names the options', async (t) => {
    const { run } = await bench(t, `${HEAD}guardrails: [pii_detection]\n`);
    const { code, stderr } = await run(['--public-port', '18099', '--agent-port', '18099']);
    assert.equal(code, 1);
    assert.match(stderr, /^outrider: port 18099 is both the one for callers and the agent's$/m);
    assert.match(stderr, /--public-port moves the one for callers, --agent-port that of the agent/);
  });

  test('env_vars and secrets reach the agent, the token of callers does not; a token that is set is not shown', async (t) => {
    const yaml = `${HEAD}guardrails: [pii_detection]\ndeploy: { cloud: local, env_vars: { GREETING: hi, PORT: "1" }, secrets: [MODEL_KEY] }\n`;
    const { inbound, run } = await bench(t, yaml);
    const missing = await run([]);
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /^app\/agent\.yaml: it needs a secret that is not in the environment: MODEL_KEY$/m);

    const ended = run(
      [
        '--',
        'node',
        '-e',
        AGENT.replace('import {', 'const {').replace(" from 'node:http'", " = require('node:http')"),
      ],
      {
        MODEL_KEY: 'sk-1',
        AGENT_AUTH_TOKEN: 'my-own-token-0123',
      },
    );
    await until(
      async () => (await call(inbound, 'my-own-token-0123', '/exit').catch(() => undefined))?.ok,
      'the agent',
    );
    const { code, stdout } = await ended;
    assert.equal(code, 3);
    const facts = factsOf(stdout);
    assert.deepEqual([facts['GREETING'], facts['MODEL_KEY'], facts['AGENT_AUTH_TOKEN']], ['hi', 'sk-1', undefined]);
    assert.notEqual(facts['PORT'], '1');
    assert.doesNotMatch(stdout, /my-own-token/);
    assert.match(stdout, /"Authorization: Bearer \$AGENT_AUTH_TOKEN"/);
    assert.doesNotMatch(stdout, /made up/);
  });

  test('a port that is taken is named, with what moves it', async (t) => {
    const { inbound, run } = await bench(t, `${HEAD}guardrails: [pii_detection]\n`);
    const stranger = createServer().listen(Number(new URL(inbound).port), '127.0.0.1');
    t.after(() => stranger.close());
    const { code, stderr } = await run([]);
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`port ${new URL(inbound).port} .*is already taken`));
    assert.match(stderr, /--public-port moves the port for callers, --agent-port that of the agent/);
  });

  test('what cannot be started: 127 and nothing runs; no entrypoint: what to type', async (t) => {
    const { run } = await bench(t, `${HEAD}guardrails: [pii_detection]\n`);
    const none = await run(['--', 'outrider-no-such-command']);
    assert.equal(none.code, 127);
    assert.match(none.stderr, /command not found: outrider-no-such-command/);
    const { run: other } = await bench(
      t,
      `${HEAD.replace(/runtime:.*/, 'framework: langgraph')}guardrails: [pii_detection]\n`,
    );
    const { code, stderr } = await other([]);
    assert.equal(code, 1);
    assert.match(stderr, /^app\/agent\.yaml: it does not say how the agent starts \(runtime\.entrypoint\)$/m);
    assert.match(stderr, /outrider deploy --target local app\/agent\.yaml -- python agent\.py/);
  });

  test('Ctrl-C on a terminal, where both have colours', { skip: NO_TERMINAL }, async (t) => {
    const { cwd, env } = await bench(t, `${HEAD}guardrails: [pii_detection]\n`);
    const ports = ['--public-port', String(await freePort()), '--agent-port', String(await freePort())];
    const [file, args] = command('deploy', '--target', 'local', ...ports, 'app/agent.yaml');
    const terminal = commandOnTerminal(t, [file, ...args], { cwd, env: { ...env, TERM: 'xterm' } });
    await terminal.shows('\u001B[36magent    |\u001B[39m listening');
    terminal.type('\u0003');
    await terminal.shows('exit status 0');
    assert.ok(terminal.text().includes('\u001B[36magent    |\u001B[39m bye'));
    assert.ok(terminal.text().includes('\u001B[35moutrider |\u001B[39m '));
  });
});

describe('alone', () => {
  for (const [what, yaml, env] of [
    ['an agent that asks for no sidecar', HEAD, {}],
    ['one for which it is switched off', `${HEAD}guardrails: [pii_detection]\n`, { OUTRIDER: 'off' }],
  ] as const) {
    test(`${what} listens where callers come`, async (t) => {
      const { inbound, run } = await bench(t, yaml);
      const ended = run([], env);
      await until(async () => (await call(inbound, '', '/exit').catch(() => undefined))?.ok, 'the agent');
      const { code, stdout, stderr } = await ended;
      assert.equal(code, 3);
      const facts = factsOf(stdout);
      assert.deepEqual([facts['HOST'], facts['PORT']], ['127.0.0.1', new URL(inbound).port]);
      assert.equal(facts['OUTRIDER_LOCAL_URL'], undefined);
      assert.match(stderr, /no sidecar: /);
      assert.doesNotMatch(stderr, /"msg":"listening"/);
    });
  }

  test('its port is taken', async (t) => {
    const { inbound, run } = await bench(t, HEAD);
    const stranger = createServer().listen(Number(new URL(inbound).port), '127.0.0.1');
    t.after(() => stranger.close());
    const { code, stderr } = await run([]);
    assert.equal(code, 1);
    assert.match(stderr, /is already taken; --public-port moves it/);
  });
});

describe('as containers', () => {
  const yaml = `${HEAD}guardrails: [pii_detection]\n`;

  test('with an image and an engine, docker compose runs it; its code is ours, and it cleans up', async (t) => {
    const { cwd, run } = await bench(t, yaml);
    const platform = fakePlatform(cwd, ['docker']);
    const { code, stdout } = await run(['--agent-image', 'registry.example.com/a:1'], {
      ...platform.env,
      FAKE_APPLY: '3',
    });
    assert.equal(code, 3);
    assert.match(stdout, /Authorization: Bearer [0-9a-f]{32}'/);
    assert.match(stdout, /^token 32$/m);
    assert.deepEqual(platform.calls().slice(-2), [
      ['docker', 'compose', '-f', '-', 'up', '--exit-code-from', 'support-agent'],
      ['docker', 'compose', '-f', '-', 'down'],
    ]);
    assert.match(`${platform.live()}`, /image: "?registry\.example\.com\/a:1/);
    assert.match(`${platform.live()}`, /outrider\/outrider:/);
  });

  test('without an engine it runs as a process, and says so', async (t) => {
    const { cwd, inbound, run, env } = await bench(t, yaml);
    const platform = fakePlatform(cwd, ['docker']);
    const fake = { ...platform.env, PATH: `${platform.env['PATH']}:${env['PATH']}`, FAKE_ENGINE: '1' };
    const ended = run(['--agent-image', 'a:1'], { ...fake, AGENT_AUTH_TOKEN: 'my-own-token-0123' });
    await until(
      async () => (await call(inbound, 'my-own-token-0123', '/exit').catch(() => undefined))?.ok,
      'the agent',
    );
    const { code, stderr } = await ended;
    assert.equal(code, 3);
    assert.match(stderr, /no docker engine answers, so the agent runs as a process/);
    assert.equal(platform.live(), undefined);
  });

  test('an image and a command exclude each other', async (t) => {
    const { run } = await bench(t, yaml);
    const { code, stderr } = await run(['--agent-image', 'a:1', '--', 'python', 'x.py']);
    assert.equal(code, 1);
    assert.match(stderr, /--agent-image runs a container, words behind -- a process/);
  });
});
