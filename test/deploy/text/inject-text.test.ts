import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { compose } from '../../../src/deploy/compose.ts';
import { ecs } from '../../../src/deploy/ecs.ts';
import { isObject, type Json } from '../../../src/deploy/json.ts';
import { kubernetes } from '../../../src/deploy/kubernetes.ts';
import { makePlan } from '../../../src/deploy/make-plan.ts';
import { type Plan, RECORD_VARIABLE } from '../../../src/deploy/plan.ts';
import { ManifestError } from '../../../src/deploy/target.ts';
import { ejectText, readRecord } from '../../../src/deploy/text/eject-text.ts';
import { injectText } from '../../../src/deploy/text/inject-text.ts';
import { ManifestTextError } from '../../../src/deploy/text/line-note.ts';
import { changingTarget, PLAN } from './changing-target.ts';

const MANIFEST = `# the agent
kind: Pod
spec:
  containers:
    - name: agent
      image: agent:1 # pinned
      ports:
        - containerPort: 8000
      resources: { limits: { memory: 1Gi } }
    - name: cache
      image: cache:1
`;

interface Pod {
  kind: string;
  spec: { containers: Record<string, Json>[] };
}

/** Puts a sidecar before the others, and takes the ports of the first. */
function sidecar(image = 'outrider/outrider:1.0.0') {
  return changingTarget((documents, plan) =>
    documents.map((one) => {
      if (!isObject(one) || one['kind'] !== 'Pod') return one;
      // The manifests of this file are pods.
      const { spec, ...rest } = structuredClone(one) as unknown as Pod;
      const [{ ports: _, ...agent } = {}, ...others] = spec.containers;
      const env = plan.record === undefined ? [] : [{ name: RECORD_VARIABLE, value: plan.record }];
      const added = { name: 'outrider', image, args: ['sidecar'], env };
      return {
        ...rest,
        spec: { containers: [added, { ...agent, env: [{ name: 'PORT', value: '8081' }] }, ...others] },
      };
    }),
  );
}

function faults(work: () => unknown): string[] {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof ManifestTextError, String(error));
    return error.faults.map(({ line, document, message }) => `${document}:${line}: ${message}`);
  }
  return assert.fail('nothing was thrown');
}

const injected = injectText(MANIFEST, sidecar(), PLAN).text;

test('the record is comment lines at the end, no wider than 100 columns', () => {
  const lines = injected.split('\n');
  const at = lines.findIndex((line) => line.startsWith('# outrider:record '));
  assert.match(lines[at] ?? '', /^# outrider:record \d+ lines? .*outrider eject/);
  for (const line of lines.slice(at, -1)) assert.match(line, /^# .{1,98}$/);
  assert.equal(lines.at(-1), '');
  const record = readRecord(injected);
  assert.equal(record?.target, 'kubernetes');
  assert.equal(readRecord(MANIFEST), undefined);
});

test('nothing is added where injection changes nothing', () => {
  const same = changingTarget((documents) => structuredClone(documents));
  for (const text of [MANIFEST, '', '# c', '{"a": [1]}', 'a: 1\r\n---\r\n'])
    assert.equal(injectText(text, same, PLAN).text, text);
});

test('what people change elsewhere stays', () => {
  const changes: readonly (readonly [string | RegExp, string])[] = [
    ['agent:1 # pinned', 'agent:2 # new'],
    ['cache:1', 'cache:2'],
    ['# the agent\n', ''],
    ['    - name: cache\n', '    # behind\n    - name: cache\n'],
    ['memory: 1Gi', 'memory: 2Gi'],
    ['kind: Pod\n', 'kind: Pod\nmetadata:\n  name: x\n'],
    [/$/, '---\nkind: Other\n'],
  ];
  const change = (text: string) => changes.reduce((all, [from, to]) => all.replace(from, to), text);
  for (const [from, to] of changes)
    assert.equal(ejectText(injected.replace(from, to)).text, MANIFEST.replace(from, to), String(from));
  assert.equal(ejectText(change(injected)).text, change(MANIFEST));
  const again = injectText(change(injected), sidecar('outrider/outrider:2.0.0'), PLAN).text;
  assert.equal(again, injectText(change(MANIFEST), sidecar('outrider/outrider:2.0.0'), PLAN).text);
});

test('another version replaces the sidecar', () => {
  const next = injectText(injected, sidecar('outrider/outrider:2.0.0'), PLAN).text;
  assert.equal(next.includes(':1.0.0'), false);
  assert.equal(ejectText(next).text, MANIFEST);
});

test('files without a last line end, with Windows ones, and such that became Windows ones', () => {
  const windows = (text: string) => text.replaceAll('\n', '\r\n');
  for (const text of [
    MANIFEST.trimEnd(),
    windows(MANIFEST),
    windows(MANIFEST).trimEnd(),
    `\uFEFF${MANIFEST}`,
    `${MANIFEST}\n\n`,
    `${MANIFEST}...\n`,
  ]) {
    assert.equal(ejectText(injectText(text, sidecar(), PLAN).text).text, text);
  }
  assert.equal(ejectText(windows(injected)).text, windows(MANIFEST));
  const edited = windows(injected).replace('agent:1', 'agent:2');
  assert.equal(ejectText(edited).text, windows(MANIFEST).replace('agent:1', 'agent:2'));
});

test('what was put in and then changed by hand is not guessed', () => {
  const line = injected.split('\n').indexOf('      image: outrider/outrider:1.0.0') + 1;
  const [fault = ''] = faults(() => ejectText(injected.replace('outrider:1.0.0', 'outrider:1.0.1')));
  assert.match(fault, /^1:\d+: what outrider inject put in here, or took out, was changed by hand/);
  assert.ok(Math.abs(Number(fault.split(':')[1]) - line) <= 1, fault);
});

const SERVICES = 'services:\n  agent:\n    image: agent:1\n    ports: ["8000:8000"]\n';

test('a sidecar whose image alone was changed by hand is injected anew; any other change by hand is not guessed', () => {
  const plan = (version: string): Plan => ({ ...PLAN, image: `outrider/outrider:${version}` });
  const first = injectText(SERVICES, compose, plan('1.0.0')).text;
  const byHand = first.replace('outrider/outrider:1.0.0', 'outrider/outrider:1.1.0');
  assert.notEqual(byHand, first);
  assert.match(faults(() => ejectText(byHand)).join(), /was changed by hand/);
  const { text } = injectText(byHand, compose, plan('2.0.0'));
  assert.equal(text, injectText(SERVICES, compose, plan('2.0.0')).text);
  assert.equal(ejectText(text).text, SERVICES);
  for (const other of [first, byHand].map((one) => one.replace('512m', '1g'))) {
    const line = other.split('\n').findIndex((one) => one.includes('1g')) + 1;
    const [fault = ''] = faults(() => injectText(other, compose, plan('2.0.0')));
    assert.match(fault, /^1:\d+: what outrider inject put in here, or took out, was changed by hand/);
    assert.ok(Number(fault.split(':')[1]) <= line, fault);
  }
});

test('another workload than the recorded one is a fault; without one, the recorded one is meant', () => {
  const two = `${SERVICES}  other:\n    image: other:1\n    ports: ["9000:9000"]\n`;
  const first = injectText(two, compose, { ...PLAN, workload: 'agent' }).text;
  assert.match(
    faults(() => injectText(first, compose, { ...PLAN, workload: 'other' })).join(),
    /this file was injected for workload agent, which would lose its sidecar/,
  );
  const next = { ...PLAN, image: 'outrider/outrider:2.0.0' };
  assert.equal(injectText(first, compose, next).text, injectText(two, compose, { ...next, workload: 'agent' }).text);
  const pod = MANIFEST.replace('kind: Pod', 'apiVersion: v1\nkind: Pod\nmetadata: { name: agent }').replace(
    'cache:1\n',
    'cache:1\n      ports: [{ containerPort: 6379 }]\n',
  );
  const chosen = injectText(pod, kubernetes, { ...PLAN, container: 'cache' }).text;
  assert.equal(
    injectText(chosen, kubernetes, next).text,
    injectText(pod, kubernetes, { ...next, container: 'cache' }).text,
  );
  assert.match(
    faults(() => injectText(chosen, kubernetes, { ...PLAN, container: 'agent' })).join(),
    /this file was injected for container cache/,
  );
});

test('a record that cannot be read, or is not of the file, says so', () => {
  const line = injected.split('\n').findIndex((one) => one.startsWith('# outrider:record')) + 1;
  const [, marker = '', data = ''] = /(# outrider:record .*\n)((?:# .*\n)+)$/.exec(injected) ?? [];
  const with_ = (payload: unknown) =>
    injected
      .replace(data, `# ${deflateRawSync(JSON.stringify(payload)).toString('base64url')}\n`)
      .replace(/record \d+ lines?/, 'record 1 line');
  const record = (target: string, hunks: unknown[], ...of: unknown[]) => [1, target, '', '', false, hunks, ...of];
  const OF = ['outrider/outrider:1.0.0', null, null];
  // What is broken below differs from this one in nothing else.
  assert.equal(ejectText(with_(record('kubernetes', [], ...OF))).record.of.image, 'outrider/outrider:1.0.0');
  const broken = [
    injected.replace(data, data.replace(/.{9}\n/, '\n')),
    injected.replace(data, ''),
    injected.replace(data, '# TODO\n'.repeat(data.split('\n').length - 1)),
    ...[
      null,
      {},
      [],
      [1],
      record('mars', [], ...OF),
      record('kubernetes', [[-1, 0, '', '', [], []]], ...OF),
      record('kubernetes', [[0, 0, '', '', [1], []]], ...OF),
      record('kubernetes', ['x'], ...OF),
      record('kubernetes', []),
      record('kubernetes', [], 'outrider/outrider:1.0.0', 7, null),
    ].map(with_),
  ];
  for (const text of broken)
    assert.deepEqual(
      faults(() => ejectText(text)).map((one) => one.slice(0, 60)),
      [`1:${line}: the record of outrider inject is broken: take the file`.slice(0, 60)],
    );
  assert.match(faults(() => ejectText(with_([2, 'kubernetes']))).join(), /another version of outrider wrote it/);
  const bomb = deflateRawSync(Buffer.alloc(200 * 1024 * 1024, ' ')).toString('base64url');
  const wrapped = bomb.match(/.{1,98}/g) ?? [];
  const text = injected
    .replace(data, wrapped.map((one) => `# ${one}\n`).join(''))
    .replace(/record \d+/, `record ${wrapped.length}`);
  assert.match(faults(() => ejectText(text)).join(), /record of outrider inject is broken/);
  assert.match(faults(() => ejectText(`${injected}---\n${injected}`)).join(), /^2:\d+: two records of outrider inject/);
  assert.notEqual(marker, '');
});

test('a file without a record says so, with the line of a sidecar in it', () => {
  assert.match(faults(() => ejectText(MANIFEST)).join(), /^0:0: the file was not injected by outrider inject/);
  const [bare = ''] = injected.split('# outrider:record');
  assert.match(faults(() => ejectText(bare)).join(), /^1:5: the file was not injected by outrider inject.*by hand$/);
  assert.match(
    faults(() => ejectText('services:\n  a: {image: x}\n  side:\n    image: rajits/agentbreeder-sidecar:2\n')).join(),
    /^1:3: /,
  );
});

test('in JSON the record is the value of a variable', () => {
  const data = { kind: 'Pod', spec: { containers: [{ name: 'agent', image: 'a:1', ports: [{ containerPort: 80 }] }] } };
  for (const text of [
    JSON.stringify(data),
    JSON.stringify(data, null, 2),
    `${JSON.stringify(data, null, '\t')}\n`,
    JSON.stringify(data, null, 2).replaceAll('\n', '\r\n'),
  ]) {
    const { text: after, notes } = injectText(text, sidecar(), PLAN);
    assert.deepEqual(notes, []);
    const [first] = (JSON.parse(after) as { spec: { containers: { env: { value: string }[] }[] } }).spec.containers;
    assert.match(first?.env[0]?.value ?? '', /^outrider:record:[\w-]{20,}$/);
    assert.equal(ejectText(after).text, text);
    assert.equal(injectText(after, sidecar(), PLAN).text, after);
    assert.equal(ejectText(after.replace('a:1', 'a:2')).text, text.replace('a:1', 'a:2'));
  }
  const { notes } = injectText(
    '{"a": 1}',
    changingTarget(() => [{ a: 2 }]),
    PLAN,
  );
  assert.deepEqual(
    notes.map(({ message }) => message),
    ['the file has no place for what eject needs: keep it as it was'],
  );
});

test('notes and faults have the lines of the file that came in', () => {
  const place = { document: 0, path: ['spec', 'containers', 0, 'image'] };
  const noted = changingTarget(
    (documents, plan) => sidecar().inject(documents, plan).documents,
    [{ ...place, message: 'look' }],
  );
  assert.deepEqual(injectText(MANIFEST, noted, PLAN).notes, [{ document: 1, line: 6, message: 'look' }]);
  const line = injected.split('\n').findIndex((one) => one.includes('agent:1')) + 1;
  assert.deepEqual(injectText(injected, noted, PLAN).notes, [{ document: 1, line, message: 'look' }]);
  const failing = changingTarget(() => {
    throw new ManifestError([
      { ...place, message: 'no' },
      { document: 3, path: [], message: 'none' },
    ]);
  });
  assert.deepEqual(
    faults(() => injectText(injected, failing, PLAN)),
    [`1:${line}: no`, '4:0: none'],
  );
  assert.deepEqual(
    faults(() => injectText(injected.replace('agent:1 # pinned', '"open'), failing, PLAN))[0]?.slice(0, 5),
    `1:${line}:`.slice(0, 5),
  );
});

test('what the platform does not take is a fault, with the record that eject needs', () => {
  const task = {
    family: 'f',
    networkMode: 'awsvpc',
    containerDefinitions: [{ name: 'agent', image: 'a:1', memory: 512, portMappings: [{ containerPort: 8080 }] }],
  };
  const injected = (bytes: number) => {
    // Cannot be compressed much, and so takes most of the record as well.
    const config = `# ${randomBytes(bytes * 0.75).toString('base64')}`;
    const plan = { ...makePlan(undefined, { version: '1.2.3' }), config };
    return injectText(JSON.stringify(task), ecs, plan).text;
  };
  assert.ok(Buffer.byteLength(injected(30_000)) < 65_536);
  assert.throws(
    () => injected(40_000),
    /with the sidecar this has \d{5} bytes, and ecs takes 65536: shorten it, or the agent's file/,
  );
  const [container] = task.containerDefinitions;
  const environment = [{ name: 'PROMPT', value: 'x'.repeat(70_000) }];
  const alone = JSON.stringify({ ...task, containerDefinitions: [{ ...container, environment }] });
  assert.throws(
    () => injectText(alone, ecs, makePlan(undefined, { version: '1.2.3' })),
    /this has 70\d{3} bytes without the sidecar, and ecs takes 65536: shorten it$/,
  );
});
