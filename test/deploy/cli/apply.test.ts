import assert from 'node:assert/strict';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { commandOnTerminal } from '../../run/terminal.ts';
import { command, runOutrider } from '../../support/outrider.ts';
import { Process } from '../../support/process.ts';
import { tempDir } from '../../support/temp.ts';
import { NO_TERMINAL } from '../../support/terminal.ts';
import { until } from '../../support/until.ts';
import { type FakePlatform, fakePlatform, type ProgramName } from './fake-programs.ts';

const AGENT = `name: support-agent
version: 1.0.0
team: customer-success
owner: alice@example.com
model: { primary: claude-sonnet-4 }
framework: langgraph
guardrails: [pii_detection]
deploy: { cloud: aws, region: eu-west-1 }
`;

interface Bench extends FakePlatform {
  readonly cwd: string;
  readonly deploy: (...args: string[]) => ReturnType<typeof runOutrider>;
  /** With further variables for the programs. */
  readonly deployWith: (env: Record<string, string>, ...args: string[]) => ReturnType<typeof runOutrider>;
}

function bench(t: { after(step: () => unknown): void }, programs: readonly ProgramName[]): Bench {
  const cwd = tempDir(t);
  writeFileSync(join(cwd, 'agent.yaml'), AGENT);
  const platform = fakePlatform(cwd, programs);
  const deployWith: Bench['deployWith'] = (env, ...args) =>
    runOutrider(['deploy', 'agent.yaml', '--agent-image', 'registry.example.com/a:1', ...args], {
      env: { ...platform.env, ...env },
      cwd,
      timeoutMs: 30_000,
    });
  return { ...platform, cwd, deployWith, deploy: (...args) => deployWith({}, ...args) };
}

/** The manifest that the platform was given is the one that goes to standard output. */
async function checkApplied({ deploy, live }: Bench, target: string): Promise<void> {
  const { stdout } = await deploy('--target', target);
  assert.match(stdout, /outrider\/outrider:/);
  assert.equal(live(), stdout);
}

describe('kubernetes', () => {
  test('shows the diff of kubectl, applies, and then there is nothing left to apply', async (t) => {
    const platform = bench(t, ['kubectl']);
    const first = await platform.deploy('--target', 'kubernetes', '--apply', '--yes', '--', '--context', 'staging');
    assert.equal(first.code, 0, first.stderr);
    assert.match(first.stdout, /^\+.*outrider\/outrider:/m);
    assert.match(first.stdout, /configured$/m);
    const words = ['-f', '-', '--context', 'staging'];
    assert.deepEqual(platform.calls(), [
      ['kubectl', 'diff', ...words],
      ['kubectl', 'apply', ...words],
    ]);
    await checkApplied(platform, 'kubernetes');
    const again = await platform.deploy('--target', 'kubernetes', '--apply', '--yes');
    assert.equal(again.code, 0);
    assert.match(again.stderr, /nothing would change, so nothing was applied/);
    assert.deepEqual(platform.calls().at(-1), ['kubectl', 'diff', '-f', '-']);
  });

  test('a diff that fails is the end, with the code of kubectl', async (t) => {
    const platform = bench(t, ['kubectl']);
    const { code, stderr } = await platform.deployWith(
      { FAKE_DIFF: '4' },
      '--target',
      'kubernetes',
      '--apply',
      '--yes',
    );
    assert.equal(code, 4);
    assert.match(stderr, /kubectl diff failed, so nothing was applied/);
    assert.equal(platform.live(), undefined);
  });

  test('the code of kubectl apply is ours', async (t) => {
    const platform = bench(t, ['kubectl']);
    const { code } = await platform.deployWith({ FAKE_APPLY: '9' }, '--target', 'kubernetes', '--apply', '--yes');
    assert.equal(code, 9);
  });

  test('without a terminal nobody can be asked: it shows, and applies nothing', async (t) => {
    const platform = bench(t, ['kubectl']);
    const { code, stdout, stderr } = await platform.deploy('--target', 'kubernetes', '--apply');
    assert.equal(code, 1);
    assert.match(stdout, /^\+/m);
    assert.match(stderr, /standard input is no terminal: say --yes/);
    assert.equal(platform.live(), undefined);
  });

  for (const [answer, applied] of [
    ['y', true],
    ['YES', true],
    ['', false],
    ['no', false],
    ['yellow', false],
    ['\u0004', false],
  ] as const) {
    test(`asked on a terminal, ${JSON.stringify(answer)} is ${applied ? 'yes' : 'no'}`, {
      skip: NO_TERMINAL,
    }, async (t) => {
      const platform = bench(t, ['kubectl']);
      const [file, args] = command('deploy', 'agent.yaml', '--target', 'kubernetes', '--apply');
      // python3 is found by our own PATH, the programs by theirs.
      const env = { ...platform.env, PATH: `${platform.env['PATH']}:${process.env['PATH']}`, NO_COLOR: '1' };
      const terminal = commandOnTerminal(t, [file, ...args], { cwd: platform.cwd, env });
      await terminal.shows('Apply this? [y/N]');
      assert.equal(platform.live(), undefined);
      terminal.type(answer === '\u0004' ? answer : `${answer}\n`);
      await terminal.shows(`exit status ${applied ? 0 : 1}`);
      assert.equal(platform.live() !== undefined, applied);
      if (!applied) await terminal.shows('nothing was applied');
    });
  }

  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    test(`${signal} goes to kubectl, and we end after it and as it did`, async (t) => {
      const platform = bench(t, ['kubectl']);
      const child = new Process(
        ...command('deploy', 'agent.yaml', '--target', 'kubernetes', '--apply', '--yes'),
        { ...platform.env, FAKE_HANG: '1' },
        platform.cwd,
      );
      t.after(() => child.stop('SIGKILL'));
      await until(() => existsSync(join(platform.cwd, 'state/hangs')), 'kubectl to hang');
      child.signal(signal);
      assert.deepEqual(await child.exited, { code, signal: null });
      assert.match(child.stderr, /kubectl diff failed/);
    });
  }
});

test('Ctrl-C on a terminal ends kubectl, and us after it', { skip: NO_TERMINAL }, async (t) => {
  const platform = bench(t, ['kubectl']);
  const [file, args] = command('deploy', 'agent.yaml', '--target', 'kubernetes', '--apply', '--yes');
  const env = { ...platform.env, PATH: `${platform.env['PATH']}:${process.env['PATH']}`, FAKE_HANG: '1' };
  const terminal = commandOnTerminal(t, [file, ...args], { cwd: platform.cwd, env });
  await until(() => existsSync(join(platform.cwd, 'state/hangs')), 'kubectl to hang');
  terminal.type('\u0003');
  await terminal.shows('exit status 130');
  await terminal.shows('kubectl diff failed, so nothing was applied');
});

describe('compose', () => {
  test('shows what it would do, and does it', async (t) => {
    const platform = bench(t, ['docker']);
    const { code, stdout } = await platform.deploy('--target', 'compose', '--apply', '--yes');
    assert.equal(code, 0);
    assert.match(stdout, /DRY-RUN MODE/);
    assert.deepEqual(platform.calls(), [
      ['docker', 'compose', 'version'],
      ['docker', 'compose', '-f', '-', '--dry-run', 'up', '--detach'],
      ['docker', 'compose', '-f', '-', 'up', '--detach'],
    ]);
    await checkApplied(platform, 'compose');
  });

  test('docker without its plugin', async (t) => {
    const platform = bench(t, ['docker']);
    const { code, stderr } = await platform.deployWith(
      { FAKE_COMPOSE: '1' },
      '--target',
      'compose',
      '--apply',
      '--yes',
    );
    assert.equal(code, 1);
    assert.match(stderr, /docker is here but has no compose plugin/);
    assert.equal(platform.live(), undefined);
  });
});

const PRIVATE = { mode: '600' } as const;

describe('cloudrun', () => {
  test('a service that is not there is new; one that is there is compared; the same is left alone', async (t) => {
    const platform = bench(t, ['gcloud']);
    const apply = ['--target', 'cloudrun', '--apply', '--yes'];
    const first = await platform.deploy(...apply);
    assert.equal(first.code, 0, first.stderr);
    assert.match(first.stdout, /^\+.*outrider\/outrider:/m);
    const [describes, replaces] = platform.calls();
    assert.deepEqual(describes?.slice(0, 5), ['gcloud', 'run', 'services', 'describe', 'support-agent']);
    assert.deepEqual(replaces?.slice(0, 4), ['gcloud', 'run', 'services', 'replace']);
    assert.deepEqual(replaces?.slice(5), ['--quiet', '--region', 'eu-west-1']);
    assert.equal(platform.mode(), PRIVATE.mode);
    await checkApplied(platform, 'cloudrun');
    assert.match((await platform.deploy(...apply)).stderr, /nothing would change/);
    platform.setLive(`${platform.live()}`.replace(/outrider\/outrider:\S+/, 'outrider/outrider:0.0.1'));
    const other = await platform.deploy(...apply);
    assert.match(other.stdout, /^-.*outrider\/outrider:0\.0\.1$/m);
    assert.match(other.stdout, /^\+.*outrider\/outrider:\d/m);
    await checkApplied(platform, 'cloudrun');
  });

  test('a region behind -- wins; a service that cannot be seen is the end', async (t) => {
    const platform = bench(t, ['gcloud']);
    const words = ['--', '--region=asia-east1'];
    const failed = await platform.deployWith({ FAKE_DIFF: '1' }, '--target', 'cloudrun', '--apply', '--yes', ...words);
    assert.equal(failed.code, 1);
    assert.match(failed.stderr, /active account[^]*describe failed, so nothing was applied/);
    assert.deepEqual(platform.calls()[0]?.slice(-2), ['--quiet', '--region=asia-east1']);
    assert.equal(platform.live(), undefined);
  });
});

describe('ecs', () => {
  test('registers from a file that only we can read, and says what runs it', async (t) => {
    const platform = bench(t, ['aws']);
    const apply = ['--target', 'ecs', '--apply', '--yes'];
    const first = await platform.deploy(...apply);
    assert.equal(first.code, 0, first.stderr);
    assert.match(first.stderr, /aws ecs update-service .*--task-definition support-agent/);
    assert.equal(platform.mode(), PRIVATE.mode);
    const [file] = platform.calls()[1]?.filter((word) => word.startsWith('file://')) ?? [];
    assert.ok(file?.startsWith(`file://${tmpdir()}`));
    assert.equal(existsSync(`${file}`.slice('file://'.length)), false);
    await checkApplied(platform, 'ecs');
    const again = await platform.deploy(...apply);
    assert.equal(again.code, 0);
    assert.match(again.stderr, /nothing would change/, again.stdout);
    assert.deepEqual(platform.calls().at(-1)?.slice(0, 5), [
      'aws',
      'ecs',
      'describe-task-definition',
      '--task-definition',
      'support-agent',
    ]);
  });

  test('without credentials nothing is applied', async (t) => {
    const platform = bench(t, ['aws']);
    const { code, stderr } = await platform.deployWith({ FAKE_DIFF: '253' }, '--target', 'ecs', '--apply', '--yes');
    assert.equal(code, 253);
    assert.match(stderr, /Unable to locate credentials/);
    assert.equal(platform.calls().length, 1);
  });
});

describe('aca', () => {
  test('creates an app that is not there, and updates one that is', async (t) => {
    const platform = bench(t, ['az']);
    const apply = ['--target', 'aca', '--apply', '--yes', '--', '--resource-group', 'g', '--environment', 'e'];
    const first = await platform.deploy(...apply);
    assert.equal(first.code, 0, first.stderr);
    assert.deepEqual(platform.calls()[0]?.slice(-2), ['--resource-group', 'g']);
    assert.deepEqual(platform.calls()[1]?.slice(0, 6), [
      'az',
      'containerapp',
      'create',
      '--name',
      'support-agent',
      '--yaml',
    ]);
    assert.deepEqual(platform.calls()[1]?.slice(-4), ['--resource-group', 'g', '--environment', 'e']);
    assert.equal(platform.mode(), PRIVATE.mode);
    await checkApplied(platform, 'aca');
    assert.match((await platform.deploy(...apply)).stderr, /nothing would change/);
    platform.setLive(`${platform.live()}`.replace(/outrider\/outrider:\S+/, 'outrider/outrider:0.0.1'));
    assert.equal((await platform.deploy(...apply)).code, 0);
    assert.equal(platform.calls().at(-1)?.[2], 'update');
    assert.deepEqual(platform.calls().at(-1)?.slice(-2), ['--resource-group', 'g']);
  });

  test('a new app needs its environment, and says so before anything is asked', async (t) => {
    const platform = bench(t, ['az']);
    const { code, stderr } = await platform.deploy('--target', 'aca', '--apply', '--yes', '--', '-g', 'g');
    assert.equal(code, 1);
    assert.match(stderr, /environment of a new one, so nothing was applied: .*-- --environment ENVIRONMENT/);
    assert.deepEqual(
      platform.calls().map((call) => call[2]),
      ['show'],
    );
  });

  test('a resource group that is not there is no new app', async (t) => {
    const platform = bench(t, ['az']);
    const { code, stderr } = await platform.deployWith({ FAKE_DIFF: '3' }, '--target', 'aca', '--apply', '--yes');
    assert.equal(code, 3);
    assert.match(stderr, /az needs a resource group: -- --resource-group GROUP/);
    assert.equal(platform.calls().length, 1);
  });
});

describe('nomad', () => {
  for (const planned of ['0', '1']) {
    test(`plan ends with ${planned}: shown, then run for the version that was shown`, async (t) => {
      const platform = bench(t, ['nomad']);
      const apply = ['--target', 'nomad', '--apply', '--yes', '--', '-namespace', 'x'];
      const { code, stdout } = await platform.deployWith({ FAKE_DIFF: planned }, ...apply);
      assert.equal(code, 0);
      assert.match(stdout, /Job: "support-agent"/);
      assert.deepEqual(platform.calls(), [
        ['nomad', 'job', 'plan', '-json', '-namespace', 'x', '-'],
        ['nomad', 'job', 'run', '-json', '-check-index', '7', '-namespace', 'x', '-'],
      ]);
      await checkApplied(platform, 'nomad');
    });
  }

  test('a plan that fails is the end', async (t) => {
    const platform = bench(t, ['nomad']);
    const { code, stderr } = await platform.deployWith({ FAKE_DIFF: '255' }, '--target', 'nomad', '--apply', '--yes');
    assert.equal(code, 255);
    assert.match(stderr, /connection refused[^]*nothing was applied/);
    assert.equal(platform.live(), undefined);
  });
});

for (const [target, program, last] of [
  ['compose', 'docker', 'docker compose -f compose.yaml up --detach'],
  ['kubernetes', 'kubectl', 'kubectl apply -f kubernetes.yaml'],
  ['cloudrun', 'gcloud', 'gcloud run services replace cloudrun.yaml --region eu-west-1'],
  ['ecs', 'aws', 'aws ecs register-task-definition --cli-input-json file://ecs.json'],
  [
    'aca',
    'az',
    'az containerapp create --name support-agent --resource-group GROUP --environment ENVIRONMENT --yaml aca.yaml',
  ],
  ['nomad', 'nomad', 'nomad job run -json nomad.json'],
] as const) {
  test(`${target}: where ${program} is not installed, it says how to do it by hand`, async (t) => {
    const platform = bench(t, []);
    const { code, stderr } = await platform.deploy('--target', target, '--apply', '--yes');
    assert.equal(code, 127);
    assert.match(stderr, new RegExp(`${program} is not installed`));
    assert.match(stderr, /this command with -o \S+ in place of\s+--apply/);
    assert.ok(stderr.includes(`  ${last}`), stderr);
  });
}

test('with --apply the manifest goes to the file of -o as well, and not to standard output', async (t) => {
  const platform = bench(t, ['nomad']);
  const { code, stdout } = await platform.deploy('--target', 'nomad', '--apply', '--yes', '-o', 'job.json');
  assert.equal(code, 0);
  assert.doesNotMatch(stdout, /outrider\/outrider/);
  assert.ok(readdirSync(platform.cwd).includes('job.json'));
});
