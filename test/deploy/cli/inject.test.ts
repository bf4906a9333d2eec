import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ejectCommand } from '../../../src/cli/commands/eject.ts';
import { injectCommand } from '../../../src/cli/commands/inject.ts';
import { command, runOutrider } from '../../support/outrider.ts';
import { Process } from '../../support/process.ts';
import { tempDir } from '../../support/temp.ts';
import { NO_TERMINAL, onTerminal } from '../../support/terminal.ts';
import { type Ended, runCommand } from './commands.ts';

const COMPOSE = `# the agent of the support team
services:
  support-agent:
    image: "registry.example.com/support-agent:1.0.0" # pinned
    ports:
      - "8000:8081"
`;

const AGENT = `name: support-agent
version: 1.0.0
team: customer-success
owner: alice@example.com
model: { primary: claude-sonnet-4 }
framework: langgraph
`;

/** Two that could be the agent, one of them with its name. */
const SEVERAL = {
  compose:
    'services:\n  support-agent: { image: "a:1", ports: ["8000:8000"] }\n  other: { image: "b:1", ports: ["9000:9000"] }\n',
  ecs: JSON.stringify({
    family: 'f',
    networkMode: 'awsvpc',
    containerDefinitions: [
      { name: 'other', image: 'b:1', memory: 128 },
      { name: 'support-agent', image: 'a:1', memory: 512, portMappings: [{ containerPort: 8000 }] },
    ],
  }),
};

interface Bench {
  readonly cwd: string;
  readonly inject: (args: string[], input?: string) => Promise<Ended>;
  readonly eject: (args: string[], input?: string) => Promise<Ended>;
  readonly read: (name: string) => string;
}

function bench(t: { after(step: () => unknown): void }, files: Record<string, string> = {}): Bench {
  const cwd = tempDir(t);
  const all = { 'compose.yaml': COMPOSE, 'agent.yaml': `${AGENT}guardrails: [pii_detection]\n`, ...files };
  for (const [name, text] of Object.entries(all)) writeFileSync(join(cwd, name), text);
  const world = (input: string | undefined) => ({ cwd, ...(input !== undefined && { input }) });
  return {
    cwd,
    inject: (args, input) => runCommand(injectCommand, ['--target', 'compose', ...args], world(input)),
    eject: (args, input) => runCommand(ejectCommand, args, world(input)),
    read: (name) => readFileSync(join(cwd, name), 'utf8'),
  };
}

test('a store of secrets is refused where the target has none', async (t) => {
  const { inject } = bench(t);
  const { code, stdout, stderr } = await inject(['--secret-store', 'desk', 'compose.yaml']);
  assert.deepEqual([code, stdout], [1, '']);
  assert.match(stderr, /^outrider: --secret-store is of platforms that keep secrets; compose takes them/);
});

test('a service that came after the sidecar and names it is noted when that goes', async (t) => {
  const { inject, eject } = bench(t);
  const { stdout: injected } = await inject(['compose.yaml']);
  const added = '  cache:\n    image: redis:7\n    depends_on: [outrider]\n';
  const { code, stdout, stderr } = await eject(['-'], injected.replace('services:\n', `services:\n${added}`));
  assert.deepEqual([code, stdout], [0, COMPOSE.replace('services:\n', `services:\n${added}`)]);
  assert.match(stderr, /^<stdin>:5: note: cache names the service outrider, which is gone: name the agent here$/m);
});

test('the manifest goes to standard output, and the file stays as it is', async (t) => {
  const { inject, read } = bench(t);
  const { code, stdout } = await inject(['compose.yaml', '--image', 'registry.example.com/outrider:9']);
  assert.equal(code, 0);
  assert.match(stdout, /image: registry\.example\.com\/outrider:9$/m);
  assert.equal(read('compose.yaml'), COMPOSE);
});

test('standard input: named by -, or by nothing', async (t) => {
  const { inject } = bench(t);
  const { stdout } = await inject(['compose.yaml']);
  assert.equal((await inject(['-'], COMPOSE)).stdout, stdout);
  assert.equal((await inject([], COMPOSE)).stdout, stdout);
});

test("the agent's file names the agent; without one the manifest does", async (t) => {
  const { inject } = bench(t, {
    'agent.yaml': `${AGENT.replace('support-agent', 'other-name')}guardrails: [pii_detection]\n`,
  });
  assert.match((await inject(['compose.yaml'])).stdout, /AGENT_NAME: "?support-agent/);
  const { stdout } = await inject(['--agent', 'agent.yaml', 'compose.yaml']);
  assert.match(stdout, /AGENT_NAME: "?other-name/);
  assert.match(stdout, /AGENT_VERSION: "?1\.0\.0/);
});

describe('--write', () => {
  test('changes the file in place, keeps its mode, and the second time changes nothing', async (t) => {
    const { cwd, inject, read } = bench(t);
    const path = join(cwd, 'compose.yaml');
    chmodSync(path, 0o640);
    const { stdout } = await inject(['compose.yaml']);
    assert.deepEqual((await inject(['--write', 'compose.yaml'])).stdout, '');
    assert.equal(read('compose.yaml'), stdout);
    assert.equal(statSync(path).mode & 0o777, 0o640);
    const { ino, mtimeNs } = statSync(path, { bigint: true });
    assert.equal((await inject(['--write', 'compose.yaml'])).code, 0);
    const after = statSync(path, { bigint: true });
    assert.deepEqual([after.ino, after.mtimeNs], [ino, mtimeNs]);
    assert.deepEqual(readdirSync(cwd).toSorted(), ['agent.yaml', 'compose.yaml']);
  });

  test('then eject --write gives the original, byte for byte', async (t) => {
    const windows = `\uFEFF${COMPOSE.replaceAll('\n', '\r\n')}`;
    const { inject, eject, read } = bench(t, { 'windows.yaml': windows });
    for (const [name, original] of [
      ['compose.yaml', COMPOSE],
      ['windows.yaml', windows],
    ] as const) {
      await inject(['--write', name]);
      assert.match(read(name), /outrider/);
      assert.ok(read(name).startsWith(original.slice(0, 20)));
      assert.deepEqual(await eject(['--write', name]), { code: 0, stdout: '', stderr: '' });
      assert.equal(read(name), original);
    }
  });

  test('standard input cannot be changed in place', async (t) => {
    const { inject } = bench(t);
    const ended = await inject(['--write', '-'], COMPOSE);
    assert.deepEqual(ended, {
      code: 1,
      stdout: '',
      stderr: 'outrider: <stdin>: --write needs a file that can be replaced\n',
    });
  });

  test('what has a fault is left as it is', async (t) => {
    const text = COMPOSE.replace('services:', 'services: &a');
    const broken = `${text}  two: {image: "x:1"}\n  three: {image: [}\n`;
    const { inject, read } = bench(t, { 'broken.yaml': broken });
    const { code, stderr } = await inject(['--write', 'broken.yaml']);
    assert.equal(code, 1);
    assert.match(stderr, /^broken\.yaml:\d+: document 1: /m);
    assert.equal(read('broken.yaml'), broken);
  });
});

test("eject checks the record of an agent that its file's name chose among several", async (t) => {
  for (const [target, text] of Object.entries(SEVERAL)) {
    const { cwd, inject, eject, read } = bench(t, { 'several.txt': text });
    const injected = await inject(['--agent', 'agent.yaml', '--target', target, '--write', 'several.txt']);
    assert.equal(injected.code, 0, injected.stderr);
    assert.notEqual(read('several.txt'), text);
    const { code, stderr } = await eject(['--write', join(cwd, 'several.txt')]);
    assert.deepEqual([code, stderr], [0, ''], target);
    assert.equal(read('several.txt'), text);
  }
});

describe('--check', () => {
  test('1 and a diff where the file differs; 0 and nothing where it does not', async (t) => {
    const { inject, read } = bench(t);
    const { code, stdout, stderr } = await inject(['--check', 'compose.yaml']);
    assert.equal(code, 1);
    assert.match(stdout, /^--- compose\.yaml\n\+\+\+ compose\.yaml \(expected\)\n@@ /);
    assert.match(stdout, /^\+ .*outrider\/outrider:1\.2\.3/m);
    assert.match(stderr, /compose\.yaml: differs from what it should be$/m);
    assert.equal(read('compose.yaml'), COMPOSE);
    await inject(['--write', 'compose.yaml']);
    const again = await inject(['--check', 'compose.yaml']);
    assert.deepEqual([again.code, again.stdout], [0, '']);
    const newer = await inject(['--check', 'compose.yaml', '--image', 'outrider/outrider:9.9.9']);
    assert.equal(newer.code, 1);
  });

  test('0 where somebody has edited something else since: a gate stays green', async (t) => {
    const { cwd, inject, read } = bench(t);
    await inject(['--write', 'compose.yaml']);
    writeFileSync(join(cwd, 'compose.yaml'), `# Somebody's own words.\n${read('compose.yaml')}`);
    const checked = await inject(['--check', 'compose.yaml']);
    assert.deepEqual([checked.code, checked.stdout], [0, '']);
  });

  test('2 where nothing can be compared', async (t) => {
    const { inject } = bench(t);
    assert.equal((await inject(['--check', 'none.yaml'])).code, 2);
    assert.equal((await inject(['--check', '--write', 'compose.yaml'])).code, 2);
    assert.equal((await runOutrider(['inject', '--check', '--target', 'nowhere'])).code, 2);
    assert.equal((await runOutrider(['inject', '--target', 'nowhere'])).code, 1);
  });
});

describe('an agent that asks for no sidecar', () => {
  test('its manifest comes out as it went in, and standard error says why', async (t) => {
    const { inject } = bench(t, { 'agent.yaml': AGENT });
    assert.deepEqual(await inject(['--agent', 'agent.yaml', 'compose.yaml']), {
      code: 0,
      stdout: COMPOSE,
      stderr: 'agent.yaml: no sidecar: it declares no guardrails, no MCP server and no A2A peer\n',
    });
  });

  test('one that was injected before is taken out', async (t) => {
    const off = `${AGENT}guardrails: [pii_detection]\ndeploy:\n  sidecar: { enabled: false }\n`;
    const { inject, read } = bench(t, { 'off.yaml': off });
    await inject(['--agent', 'agent.yaml', '--write', 'compose.yaml']);
    assert.notEqual(read('compose.yaml'), COMPOSE);
    const { code, stderr } = await inject(['--agent', 'off.yaml', '--write', 'compose.yaml']);
    assert.equal(code, 0);
    assert.match(stderr, /^off\.yaml:9: .*: no sidecar: /);
    assert.equal(read('compose.yaml'), COMPOSE);
  });

  test('OUTRIDER=off switches it off, with and without the file of an agent', async (t) => {
    const { cwd } = bench(t);
    for (const args of [['compose.yaml'], ['--agent', 'agent.yaml', 'compose.yaml']]) {
      const world = { cwd, env: { OUTRIDER: 'off' } };
      const { code, stdout, stderr } = await runCommand(injectCommand, ['--target', 'compose', ...args], world);
      assert.deepEqual([code, stdout], [0, COMPOSE]);
      assert.match(stderr, /no sidecar: /);
    }
  });
});

describe('what cannot be used', () => {
  for (const [what, args, message] of [
    ['a manifest that is not there', ['none.yaml'], 'none.yaml: there is no such file'],
    ['a folder', ['folder'], 'folder: this is a directory; name the file'],
    ['a device', ['/dev/zero'], '/dev/zero: this is a device, not a file; - reads standard input'],
    ['an agent that is not there', ['--agent', 'none.yaml', 'compose.yaml'], 'none.yaml: there is no such file'],
    ['nothing at all', [], 'no manifest: name a file, or pipe one in (see --help)'],
    ['standard input twice', ['--agent', '-'], 'standard input can be the manifest or the file of the agent, not both'],
  ] as const) {
    test(what, async (t) => {
      const { cwd, inject } = bench(t);
      mkdirSync(join(cwd, 'folder'));
      assert.deepEqual(await inject([...args]), { code: 1, stdout: '', stderr: `outrider: ${message}\n` });
    });
  }

  test("faults of an agent's file come with their lines", async (t) => {
    const { inject } = bench(t, { 'agent.yaml': `${AGENT}guardrail: [pii_detection]\ndeploy: { cloud: moon }\n` });
    const { code, stderr } = await inject(['--agent', 'agent.yaml', 'compose.yaml']);
    assert.equal(code, 1);
    assert.match(stderr, /^agent\.yaml:8:\d+: deploy\.cloud: /m);
  });

  test('a manifest of another kind, and one with two candidates: file, document and line', async (t) => {
    const two = 'services:\n  one: {image: "a:1"}\n  two: {image: "b:1"}\n';
    const { inject } = bench(t, { 'two.yaml': two, 'pod.yaml': 'apiVersion: v1\nkind: Pod\n' });
    const ambiguous = await inject(['two.yaml']);
    assert.equal(ambiguous.code, 1);
    assert.match(ambiguous.stderr, /^two\.yaml:2: document 1: .*one/m);
    assert.match(ambiguous.stderr, /two/);
    assert.match((await inject(['pod.yaml'])).stderr, /^pod\.yaml:\d+: document 1: /m);
    const chosen = await inject(['two.yaml', '--workload', 'two']);
    assert.equal(chosen.code, 0, chosen.stderr);
  });

  for (const [typed, meant] of [
    ['kubernets', 'did you mean kubernetes?'],
    ['k8s', 'did you mean kubernetes?'],
    ['Docker-Compose', 'did you mean compose?'],
    ['heroku', 'there are compose, kubernetes, cloudrun, ecs, aca, nomad, local'],
  ] as const) {
    test(`a target that is called ${typed}`, async (t) => {
      const { code, stderr } = await runCommand(injectCommand, ['--target', typed, 'x'], { cwd: tempDir(t) });
      assert.equal(code, 1);
      assert.ok(stderr.includes(meant), stderr);
    });
  }

  test('local has no manifest; options that say nothing sensible', async (t) => {
    const { cwd } = bench(t);
    const fault = async (...args: string[]): Promise<string> =>
      (await runOutrider(['inject', ...args], { cwd })).stderr;
    assert.match(await fault('--target', 'local', 'compose.yaml'), /outrider deploy --target local/);
    assert.match(await fault('--target', 'ecs', '--agent-port', '70000'), /Expected a port/);
    assert.match(await fault('--target', 'ecs', '--drain-timeout', '0'), /Expected seconds/);
    assert.match(await fault('--target', 'ecs', '--image', 'a b'), /Expected an image/);
    assert.match(
      await fault('--target', 'ecs', '--ledger-url', 'https://u:p@host'),
      /credentials in an address would stand in the manifest/,
    );
    assert.match(await fault('compose.yaml'), /--target/);
  });
});

describe('as a process', () => {
  test('a reader that closes the pipe is no crash, and a difference stays one', async (t) => {
    const services = Array.from({ length: 4000 }, (_, index) => `  s${index}: {image: "x:1"}\n`).join('');
    const { cwd } = bench(t, { 'long.yaml': `${COMPOSE}${services}` });
    const [file, args] = command('inject', '--target', 'compose', '--workload', 'support-agent', 'long.yaml');
    const line = `"$@" | head -n 1; echo "codes \${PIPESTATUS[*]}"`;
    const run = (...more: string[]) =>
      new Process('bash', ['-c', line, 'bash', file, ...args, ...more], { PATH: process.env['PATH'] }, cwd);
    const plain = run();
    await plain.exited;
    assert.equal(plain.stdout, '# the agent of the support team\ncodes 0 0\n');
    assert.doesNotMatch(plain.stderr, /EPIPE|^\s+at /m);
    const check = run('--check', '--image', 'x:2');
    await check.exited;
    assert.match(check.stdout, /^--- long\.yaml\ncodes 1 0$/m);
  });

  test('in a pipe from one program to the next', async (t) => {
    const { cwd, inject } = bench(t);
    const [file, args] = command('inject', '--target', 'compose');
    const [, eject] = command('eject');
    const line = `cat compose.yaml | "$0" ${[...args, '--image', 'outrider/outrider:1.2.3'].join(' ')}`;
    const env = { PATH: process.env['PATH'] };
    const child = new Process('sh', ['-c', line, file], env, cwd);
    await child.exited;
    assert.equal(child.stdout, (await inject(['compose.yaml'])).stdout);
    const back = new Process('sh', ['-c', `${line} | "$0" ${eject.join(' ')}`, file], env, cwd);
    await back.exited;
    assert.equal(back.stdout, COMPOSE);
  });

  test('a diff has colours on a terminal, and none under NO_COLOR', { skip: NO_TERMINAL }, async (t) => {
    const { cwd } = bench(t);
    const args = command('inject', '--target', 'compose', '--check', join(cwd, 'compose.yaml'));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    // oxlint-disable-next-line no-control-regex -- they are what is looked for
    const escape = /\u001b\[/;
    assert.match((await onTerminal(args, {})).shown, escape);
    assert.doesNotMatch((await onTerminal(args, { NO_COLOR: '1' })).shown, escape);
  });
});

test('what a terminal would obey in the names of a file comes out escaped', async (t) => {
  const { inject } = bench(t);
  const manifest = 'services:\n  "a\\e[31mx": { image: a:1 }\n  "b\\e]0;t\\a": { image: b:1 }\n';
  const { code, stderr } = await inject(['-'], manifest);
  assert.equal(code, 1);
  assert.ok(stderr.includes('\\u001b[31m'), stderr);
  assert.doesNotMatch(stderr, /[\p{Cc}--\n]/v);
});
