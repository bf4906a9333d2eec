import assert from 'node:assert/strict';
import { existsSync, linkSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { deployCommand } from '../../../src/cli/commands/deploy.ts';
import { MANIFEST_TARGETS } from '../../../src/deploy/target.ts';
import { runOutrider } from '../../support/outrider.ts';
import { tempDir } from '../../support/temp.ts';
import { type Ended, runCommand } from './commands.ts';

const SOLO = `name: support-agent
version: 1.0.0+build.7
team: customer-success
owner: alice@example.com
model: { primary: claude-sonnet-4 }
framework: langgraph
deploy: { cloud: aws, secrets: [MODEL_KEY] }
`;

interface Bench {
  readonly cwd: string;
  readonly deploy: (...args: string[]) => Promise<Ended>;
  readonly read: (name: string) => string;
}

function bench(t: { after(step: () => unknown): void }): Bench {
  const cwd = tempDir(t);
  writeFileSync(join(cwd, 'agent.yaml'), `${SOLO}guardrails: [pii_detection]\n`);
  writeFileSync(join(cwd, 'solo.yaml'), SOLO);
  return {
    cwd,
    deploy: (...args) => runCommand(deployCommand, args, { cwd, env: { MODEL_KEY: 'sk-very-secret' } }),
    read: (name) => readFileSync(join(cwd, name), 'utf8'),
  };
}

for (const target of MANIFEST_TARGETS) {
  test(`${target}: a whole manifest, with the sidecar and without a secret`, async (t) => {
    const { deploy } = bench(t);
    const image = 'registry.example.com/support-agent@sha256:0123';
    const { code, stdout, stderr } = await deploy('--target', target, 'agent.yaml', '--agent-image', image);
    assert.equal(code, 0, stderr);
    assert.ok(stdout.includes(image));
    assert.ok(stdout.includes('outrider/outrider:1.2.3'));
    assert.doesNotMatch(stdout + stderr, /very-secret/);
    assert.match(stdout, /MODEL_KEY/);
    const alone = await deploy('--target', target, 'solo.yaml', '--agent-image', image);
    assert.equal(alone.code, 0);
    assert.doesNotMatch(alone.stdout, /outrider\/outrider/);
    assert.equal(alone.stderr, 'solo.yaml: no sidecar: it declares no guardrails, no MCP server and no A2A peer\n');
  });
}

test('-o writes the file, --check says whether it is what it should be', async (t) => {
  const { cwd, deploy, read } = bench(t);
  const args = ['--target', 'compose', 'agent.yaml', '--agent-image', 'a:1'];
  const { stdout } = await deploy(...args);
  const missing = await deploy(...args, '-o', 'compose.yaml', '--check');
  assert.equal(missing.code, 2);
  assert.match(missing.stderr, /compose\.yaml: there is no such file/);
  assert.equal(existsSync(join(cwd, 'compose.yaml')), false);
  const written = await deploy(...args, '-o', 'compose.yaml');
  assert.deepEqual([written.code, written.stdout], [0, '']);
  assert.equal(read('compose.yaml'), stdout);
  assert.equal((await deploy(...args, '-o', 'compose.yaml', '--check')).code, 0);
  const other = await deploy(...args, '-o', 'compose.yaml', '--check', '--agent-image', 'a:2');
  assert.equal(other.code, 1);
  assert.match(other.stdout, /^- .*a:1/m);
  assert.match(other.stdout, /^\+ .*a:2/m);
  assert.equal(read('compose.yaml'), stdout);
});

test("the agent's image is its name and version, where nobody says more", async (t) => {
  const { cwd, deploy } = bench(t);
  const { stdout, stderr } = await deploy('--target', 'compose', 'agent.yaml');
  assert.match(stdout, /image: "?support-agent:1\.0\.0-build\.7/);
  assert.match(stderr, /image is taken to be support-agent:1\.0\.0-build\.7; --agent-image names another/);
  assert.ok(existsSync(join(cwd, 'agent.yaml')));
});

test('the public port, and that of the agent', async (t) => {
  const { deploy } = bench(t);
  const { stdout } = await deploy('--target', 'compose', 'agent.yaml', '--public-port', '9000', '--agent-port', '8400');
  assert.match(stdout, /9000:8080/);
  assert.match(stdout, /PORT: "8400"/);
});

test("-o leaves the agent's own file alone", async (t) => {
  const { cwd, deploy, read } = bench(t);
  linkSync(join(cwd, 'agent.yaml'), join(cwd, 'same.yaml'));
  for (const name of ['agent.yaml', './agent.yaml', 'same.yaml']) {
    const { code, stderr } = await deploy('--target', 'compose', 'agent.yaml', '-o', name);
    assert.equal(code, 1);
    assert.match(stderr, /: this is the agent's own file$/m);
  }
  assert.match(read('agent.yaml'), /^name: support-agent$/m);
});

test('an address that cannot be used is not repeated: a password may stand in it', async () => {
  for (const address of ['http://u:very-secret@h', 'ftp://u:very-secret@h', 'http://h/?token=very-secret']) {
    const { code, stderr } = await runOutrider(['deploy', '--target', 'compose', '--ledger-url', address, 'a.yaml']);
    assert.equal(code, 1);
    assert.match(stderr, /^error: option --ledger-url: /);
    assert.doesNotMatch(stderr, /very-secret/);
  }
});

test('what cannot be used', async (t) => {
  const { deploy } = bench(t);
  const fault = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await deploy('agent.yaml', ...args);
    assert.equal(stdout, '');
    return `${code} ${stderr.trim()}`;
  };
  assert.equal(await fault('--target', 'ecs', '--check'), '2 outrider: --check needs the file: -o FILE');
  assert.equal(
    await fault('--target', 'ecs', '--check', '-o', 'f', '--apply'),
    '2 outrider: --check and --apply exclude each other',
  );
  assert.match(await fault('--target', 'ecs', '--yes'), /^1 .*say --apply too/);
  assert.match(await fault('--target', 'ecs', '--', 'python', 'x.py'), /^1 .*are for --target local, or for --apply/);
  assert.match(await fault('--target', 'local', '-o', 'f'), /^1 outrider: -o is about a manifest/);
  assert.match(
    await fault('--target', 'local', '--network-policy'),
    /^1 outrider: --network-policy is about a manifest/,
  );
  assert.match(
    await fault('--target', 'compose', '-o', 'no/such/folder.yaml'),
    /outrider: no\/such\/folder\.yaml: there is no such folder$/,
  );
});

test("what the platform cannot give is a fault of the agent's file", async (t) => {
  const { cwd, deploy } = bench(t);
  const resources = 'deploy: { cloud: aws, resources: { cpu: "64", memory: 512Gi } }\n';
  writeFileSync(join(cwd, 'huge.yaml'), SOLO.replace(/deploy:.*\n/, resources));
  const { code, stdout, stderr } = await deploy('--target', 'ecs', 'huge.yaml', '--agent-image', 'a:1');
  assert.deepEqual([code, stdout], [1, '']);
  assert.match(stderr, /^huge\.yaml: \S/m);
  assert.doesNotMatch(stderr, /^\s+at /m);
});

test('the command is there, with its help, and starts without what it does not need', async () => {
  const { code, stdout } = await runOutrider(['deploy', '--help']);
  assert.equal(code, 0);
  assert.match(stdout, /--target <target>/);
  const none = await runOutrider(['deploy', '--target', 'ecs', 'none.yaml']);
  assert.deepEqual([none.code, none.stderr], [1, 'outrider: none.yaml: there is no such file\n']);
});
