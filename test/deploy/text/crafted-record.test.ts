import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { compose } from '../../../src/deploy/compose.ts';
import { ecs } from '../../../src/deploy/ecs.ts';
import { kubernetes } from '../../../src/deploy/kubernetes.ts';
import { nomad } from '../../../src/deploy/nomad.ts';
import type { Plan } from '../../../src/deploy/plan.ts';
import type { Target } from '../../../src/deploy/target.ts';
import { checkEjected } from '../../../src/deploy/text/check-record.ts';
import { applyEdits } from '../../../src/deploy/text/edit.ts';
import { ejectText } from '../../../src/deploy/text/eject-text.ts';
import { hunksOf } from '../../../src/deploy/text/hunk.ts';
import { injectText } from '../../../src/deploy/text/inject-text.ts';
import { ManifestTextError } from '../../../src/deploy/text/line-note.ts';
import { textHash } from '../../../src/deploy/text/record.ts';
import { findRecord, yamlRecord } from '../../../src/deploy/text/record-text.ts';
import { PLAN } from './changing-target.ts';

const COMPOSE = `services:
  agent:
    image: agent:1
    command: serve --quiet --log-level info
    environment:
      MODE: safe
    ports: ["8000:8000"]
    read_only: true
  db:
    image: postgres:17
    user: "1000"
  audit:
    image: audit:1
`;

const KUBERNETES = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: agent
spec:
  selector: { matchLabels: { app: agent } }
  template:
    metadata: { labels: { app: agent } }
    spec:
      containers:
        - name: agent
          image: agent:1
          args: [serve, --quiet]
          ports:
            - containerPort: 8000
          securityContext:
            runAsNonRoot: true
        - name: cache
          image: cache:1
---
apiVersion: v1
kind: Service
metadata:
  name: agent
spec:
  selector: { app: agent }
  ports:
    - port: 80
      targetPort: 8000
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: deny
spec:
  podSelector: {}
`;

const NEXT: Plan = { ...PLAN, image: 'outrider/outrider:2.0.0' };
const OF_COMPOSE: Plan = { ...PLAN, workload: 'agent' };

/** The injected text with a record that makes something else of it than what was there. */
function crafted(text: string, target: Target, plan: Plan, [from, to]: readonly [string, string]): string {
  const found = findRecord(injectText(text, target, plan).text);
  assert.ok(found !== undefined && 'record' in found);
  const { rest, record } = found;
  // The text with the sidecar is made from the wanted one, as if it had been the original.
  assert.equal(text.split(from).length, 2, from);
  const wanted = text.replace(from, to);
  let [start, end] = [0, 0];
  while (start < Math.min(wanted.length, rest.length) && wanted[start] === rest[start]) start += 1;
  while (end < Math.min(wanted.length, rest.length) - start && wanted.at(-1 - end) === rest.at(-1 - end)) end += 1;
  const edits = [{ start, end: wanted.length - end, text: rest.slice(start, rest.length - end) }];
  assert.equal(applyEdits(wanted, edits), rest);
  const hunks = hunksOf(wanted, edits, true);
  return rest + yamlRecord({ ...record, before: textHash(wanted), after: textHash(rest), hunks }, '\n');
}

function assertRefused(text: string, target: Target, wanted: string, place: string): void {
  const { text: ejected, record } = ejectText(text);
  assert.equal(ejected, wanted, 'the record by itself is one that fits');
  for (const work of [
    () => injectText(text, target, NEXT),
    () => checkEjected({ text, ejected, record }, target, '1.2.3'),
  ]) {
    assert.throws(work, (error: unknown) => {
      assert.ok(error instanceof ManifestTextError);
      assert.ok(
        error.faults.some(({ message }) =>
          message.startsWith(`the record would change what injecting never touches (${place}): take the file`),
        ),
        error.message,
      );
      assert.ok(error.faults.every(({ line }) => line > 0));
      return true;
    });
  }
}

test('a record that changes what injecting never touches is refused, with its place', () => {
  for (const [target, text, from, to, place] of [
    [compose, COMPOSE, 'postgres:17', 'evil:1', 'services.db.image'],
    [compose, COMPOSE, 'agent:1\n', 'evil:1\n', 'services.agent.image'],
    [compose, COMPOSE, 'MODE: safe', 'MODE: other', 'services.agent.environment.MODE'],
    [compose, COMPOSE, '    read_only: true\n', '', 'services.agent.read_only'],
    [compose, COMPOSE, '    user: "1000"\n', '    user: "1000"\n    privileged: true\n', 'services.db.privileged'],
    [compose, COMPOSE, '  audit:\n    image: audit:1\n', '', 'services.audit'],
    [compose, COMPOSE, '  audit:\n', '  evil:\n    image: evil:1\n  audit:\n', 'services.evil'],
    [kubernetes, KUBERNETES, 'cache:1', 'evil:1', 'spec.template.spec.containers[1].image'],
    [kubernetes, KUBERNETES, 'agent:1', 'evil:1', 'spec.template.spec.containers[0].image'],
    [kubernetes, KUBERNETES, 'serve, --quiet', 'evil, --quiet', 'spec.template.spec.containers[0].args[0]'],
    [
      kubernetes,
      KUBERNETES,
      '        - name: cache\n',
      '        - name: evil\n          image: evil:1\n        - name: cache\n',
      'spec.template.spec.containers[1]',
    ],
    [kubernetes, KUBERNETES, 'port: 80\n', 'port: 81\n', 'spec.ports[0].port'],
    [kubernetes, KUBERNETES, KUBERNETES.slice(KUBERNETES.lastIndexOf('---')), '', 'a whole document'],
  ] as const) {
    const plan = target === compose ? OF_COMPOSE : { ...PLAN, container: 'agent' };
    assertRefused(crafted(text, target, plan, [from, to]), target, text.replace(from, to), place);
  }
});

test('what injecting itself changes may differ: other options, another version, edits elsewhere', () => {
  const server = { name: 'tools', image: 'tools:1', port: 7001 };
  const others: readonly Partial<Plan>[] = [
    {},
    { image: 'outrider/outrider:2.0.0' },
    { mcpContainers: [server] },
    { mcpContainers: [server, { name: 'more', image: 'more:1', port: 7002 }] },
    { inboundPort: 8000 },
    { inboundPort: 9000 },
    { agentPort: 9000, agentPortChosen: true },
    { agentPort: 8000, agentPortChosen: true },
    { agentPort: 50_051, agentPortChosen: true },
    { drainSeconds: 90 },
    { networkPolicy: true },
    { secrets: [...PLAN.secrets, 'OUTRIDER_LEDGER_TOKEN'], ledgerUrl: 'https://ledger.example.com' },
    { config: 'a: 1\n' },
  ];
  const task = JSON.stringify(
    {
      family: 'agent',
      networkMode: 'awsvpc',
      requiresCompatibilities: ['FARGATE'],
      cpu: '1024',
      memory: '2048',
      executionRoleArn: 'arn:aws:iam::123456789012:role/x',
      containerDefinitions: [{ name: 'agent', image: 'agent:1', portMappings: [{ containerPort: 8000 }] }],
    },
    null,
    2,
  );
  const ports = [
    { Label: 'http', To: 8000 },
    { Label: 'grpc', To: 50_051 },
  ];
  const Tasks = [{ Name: 'agent', Driver: 'docker', Config: { image: 'agent:1' } }];
  const group = { Name: 'agent', Networks: [{ Mode: 'bridge', DynamicPorts: ports }], Tasks };
  const job = JSON.stringify({ ID: 'agent', TaskGroups: [group] }, null, 2);
  const foreign = COMPOSE.replace('  db:', '  side:\n    image: rajits/agentbreeder-sidecar:2\n  db:');
  const moved = COMPOSE.replace('--log-level info', '--port 8000');
  for (const [target, text, plan] of [
    [compose, COMPOSE, OF_COMPOSE],
    [compose, moved, OF_COMPOSE],
    [compose, foreign, OF_COMPOSE],
    [kubernetes, KUBERNETES, { ...PLAN, container: 'agent' }],
    [ecs, task, PLAN],
    [nomad, job, PLAN],
  ] as const) {
    const edited = (one: string) => one.replace('agent:1', 'agent:3').replace('postgres:17', 'postgres:18');
    for (const one of others) {
      for (const other of others) {
        const [from, to] = [one, other].map((options) => ({ ...plan, ...options }));
        assert.ok(from !== undefined && to !== undefined);
        const first = attempt(() => injectText(text, target, from).text);
        const wanted = attempt(() => injectText(edited(text), target, to).text);
        if (first === undefined || wanted === undefined) continue;
        const what = JSON.stringify([target.name, one, other]);
        if (wanted !== edited(text)) assert.equal(injectText(edited(first), target, to).text, wanted, what);
        if (first === text) continue;
        const { text: ejected, record } = ejectText(edited(first));
        assert.equal(ejected, edited(text));
        assert.deepEqual(checkEjected({ text: edited(first), ejected, record }, target, '1.2.3'), [], what);
      }
    }
  }
});

/** Undefined where these options cannot be had together. */
function attempt(work: () => string): string | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof ManifestTextError) return undefined;
    throw error;
  }
}

test('where what comes out cannot be injected, ejecting says that nothing was checked', () => {
  const first = injectText(COMPOSE, compose, OF_COMPOSE).text;
  const text = first.replace('  agent:\n', '  changed:\n');
  const { text: ejected, record } = ejectText(text);
  const notes = checkEjected({ text, ejected, record }, compose, '1.2.3');
  assert.match(
    notes.map(({ message }) => message).join(),
    /^the record could not be checked.*: read what has changed$/,
  );
});

test('a record cannot hold much more than the file that carries it', () => {
  const payload = JSON.stringify([1, 'compose', '', '', false, [], ' '.repeat(80_000_000), null, null]);
  const lines =
    deflateRawSync(payload)
      .toString('base64url')
      .match(/.{1,98}/g) ?? [];
  const text = `${COMPOSE}# outrider:record ${lines.length} lines\n${lines.map((line) => `# ${line}\n`).join('')}`;
  assert.ok(text.length < 200_000);
  assert.throws(() => ejectText(text), /the record of outrider inject is broken/);
  const first = injectText(COMPOSE, compose, { ...OF_COMPOSE, config: 'a: 1\n'.repeat(5000) }).text;
  assert.equal(ejectText(first).text, COMPOSE);
});
