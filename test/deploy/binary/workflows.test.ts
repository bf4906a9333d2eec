import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseDocument } from 'yaml';
import { ROOT } from '../../support/process.ts';

interface Job {
  needs?: string | string[];
  environment?: string;
  permissions?: Record<string, string>;
  'timeout-minutes'?: number;
  steps: { uses?: string; run?: string; with?: Record<string, unknown>; env?: Record<string, string> }[];
}

interface Workflow {
  permissions: Record<string, string>;
  jobs: Record<string, Job>;
}

const FOLDER = join(ROOT, '.github/workflows');
const texts = new Map(readdirSync(FOLDER).map((file) => [file, readFileSync(join(FOLDER, file), 'utf8')]));
const workflows = new Map([...texts].map(([file, text]) => [file, parse(text)]));
const { scripts }: { scripts: Record<string, string> } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

function parse(text: string): Workflow {
  const document = parseDocument(text, { uniqueKeys: true });
  assert.deepEqual([...document.errors, ...document.warnings], []);
  // The tests below ask for each thing that they use.
  return document.toJS() as Workflow;
}

const needsOf = ({ needs = [] }: Job): string[] => [needs].flat();

test('every job says what it may do, how long, and keeps no credential in the checkout', () => {
  for (const [file, { permissions, jobs }] of workflows) {
    assert.deepEqual(permissions, {}, file);
    for (const [name, job] of Object.entries(jobs)) {
      assert.ok(job.permissions !== undefined, `${file}: ${name}`);
      assert.ok((job['timeout-minutes'] ?? 0) > 0, `${file}: ${name}`);
      for (const step of job.steps.filter(({ uses }) => uses?.startsWith('actions/checkout@'))) {
        assert.equal(step.with?.['persist-credentials'], false, `${file}: ${name}`);
      }
    }
  }
});

test('every action is pinned to a commit, one commit for each, with the version beside it', () => {
  const pins = new Map<string, string>();
  for (const [file, text] of texts) {
    const lines = text.split('\n').filter((line) => /\buses:/.test(line));
    assert.ok(lines.length > 0, file);
    for (const line of lines) {
      const [, action = '', pin = ''] = /uses: ([\w./-]+)@([0-9a-f]{40} # v\d+\.\d+\.\d+)$/.exec(line) ?? [];
      assert.notEqual(pin, '', `${file}: ${line}`);
      assert.equal(pins.get(action) ?? pin, pin, `${file}: ${action}`);
      pins.set(action, pin);
    }
  }
});

test('nothing that somebody outside may choose is pasted into a script', () => {
  for (const [file, { jobs }] of workflows) {
    for (const { run } of Object.values(jobs).flatMap(({ steps }) => steps)) {
      assert.ok(!run?.includes('${{'), `${file}: ${run}`);
    }
  }
});

test('what the scripts call is there', () => {
  for (const [file, { jobs }] of workflows) {
    const all = Object.values(jobs).flatMap(({ steps }) => steps.flatMap(({ run }) => run ?? []));
    for (const [, script = ''] of all.join('\n').matchAll(/npm run (?:-s )?([\w:]+)/g)) {
      assert.ok(scripts[script] !== undefined, `${file}: npm run ${script}`);
    }
    for (const [path] of all.join('\n').matchAll(/(?:scripts\/[\w-]+\.ts|\.ci\/run)/g)) {
      assert.ok(existsSync(join(ROOT, path)), `${file}: ${path}`);
    }
  }
});

test('a release: nothing leaves before the tests and the executables have passed, each job with what it needs alone', () => {
  const jobs = workflows.get('release.yml')?.jobs ?? {};
  const permissions = Object.fromEntries(Object.entries(jobs).map(([name, job]) => [name, job.permissions]));
  assert.deepEqual(permissions, {
    test: { contents: 'read' },
    linux: { contents: 'read' },
    'try-linux': { contents: 'read' },
    macos: { contents: 'read' },
    image: { contents: 'read', 'id-token': 'write', attestations: 'write' },
    npm: { contents: 'read', 'id-token': 'write' },
    github: { contents: 'write', 'id-token': 'write', attestations: 'write' },
  });
  const before = (name: string, path: readonly string[] = []): string[] => {
    assert.ok(!path.includes(name), `${name} waits for itself`);
    const job = jobs[name];
    assert.ok(job !== undefined, `no job ${name}`);
    return needsOf(job).flatMap((need) => [need, ...before(need, [...path, name])]);
  };
  for (const name of ['image', 'npm', 'github']) {
    for (const passed of ['test', 'try-linux', 'macos']) assert.ok(before(name).includes(passed), `${name}: ${passed}`);
  }
  for (const [name, job] of Object.entries(jobs)) {
    const secret = /secrets\./.test(JSON.stringify(job.steps));
    if (secret) assert.equal(job.environment, 'release', name);
    assert.equal(secret, name === 'image', name);
  }
});

test('a release: macOS executables are signed before they are tried, the image is signed and attested by its digest', () => {
  const jobs = workflows.get('release.yml')?.jobs ?? {};
  const said = (name: string): string => (jobs[name]?.steps ?? []).map(({ run, uses }) => run ?? uses).join('\n');
  assert.match(said('macos'), /build:binary[\s\S]*codesign --force --sign -[\s\S]*check-binary[\s\S]*upload-artifact/);
  assert.match(
    said('image'),
    /--provenance=mode=max --sbom=true[\s\S]*cosign sign --yes --recursive "\$IMAGE@\$DIGEST"[\s\S]*attest-build/,
  );
  assert.match(said('image'), /--build-arg BASE_IMAGE="\$base@\$digest"/);
  assert.match(said('npm'), /publish --provenance/);
});
