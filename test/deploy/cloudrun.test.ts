import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { readAgentFile } from '../../src/config/agent-file.ts';
import { cloudrun } from '../../src/deploy/cloudrun.ts';
import { getAt } from '../../src/deploy/edit.ts';
import type { Json, JsonObject } from '../../src/deploy/json.ts';
import { makePlan } from '../../src/deploy/make-plan.ts';
import { ManifestError } from '../../src/deploy/target.ts';
import { assertExamples } from './example.ts';
import { goldenTests } from './golden.ts';
import { cloudrunFaults } from './schemas/cloudrun.ts';

goldenTests(cloudrun, cloudrunFaults);

test('the page shows what the golden files say', () => assertExamples('cloudrun', 'docs/deploy/cloudrun.md'));

const GOLDEN = join(import.meta.dirname, 'golden/cloudrun');

test('nothing that comes in is changed, and injecting into what came out changes nothing', () => {
  const plan = makePlan(undefined, { version: '1.2.3', container: 'agent', workload: 'support-agent' });
  assert.ok(plan);
  let injected = 0;
  for (const file of readdirSync(GOLDEN)) {
    const [, input] = /^-- input --\n(.*?)(?=^-- )/ms.exec(readFileSync(join(GOLDEN, file), 'utf8')) ?? [];
    const documents = parseAllDocuments(input ?? '', { merge: true }).map((one) => frozen(one.toJS()));
    try {
      const once = cloudrun.inject(documents, plan);
      const twice = cloudrun.inject(once.documents, plan);
      assert.deepEqual(twice, { documents: once.documents, notes: [] }, file);
      injected++;
    } catch (error) {
      if (!(error instanceof ManifestError)) throw error;
    }
  }
  assert.ok(injected >= 5);
});

test('a configuration keeps its own bound of the outbox, and gets one where it has none', () => {
  const plan = makePlan(undefined, { version: '1.2.3' });
  assert.ok(plan);
  const configOf = (config: string): string => {
    const { documents } = cloudrun.inject([service({ image: 'a:1' })], { ...plan, config });
    return /"OUTRIDER_CONFIG_YAML","value":("(?:[^"\\]|\\.)*")/.exec(JSON.stringify(documents))?.[1] ?? '';
  };
  assert.equal(JSON.parse(configOf('outbox_max_bytes: 1MiB\n')), 'outbox_max_bytes: 1MiB\n');
  assert.equal(
    JSON.parse(configOf('guardrails:\n  - pii_detection\n')),
    'guardrails:\n  - pii_detection\noutbox_max_bytes: 112MiB\n',
  );
});

test('an agent that asks for more than an instance has is refused before there is a manifest', async () => {
  const limitsFor = async (resources: string): Promise<Json | undefined> => {
    const text = `name: support-agent\ndeploy: { resources: ${resources} }\n`;
    const { spec } = await readAgentFile({ file: 'agent.yaml', text, env: {} });
    const [rendered] = cloudrun.render(spec, { agentImage: 'a:1', publicPort: 8080 });
    return getAt(rendered, ['spec', 'template', 'spec', 'containers', 0, 'resources', 'limits']);
  };
  assert.deepEqual(await limitsFor('{ cpu: "8", memory: 32Gi }'), { cpu: '8', memory: '32Gi' });
  await assert.rejects(limitsFor('{ cpu: "16", memory: 64Gi }'), {
    name: 'ManifestError',
    message: 'deploy.resources asks for 16 CPU and 64Gi: an instance of Cloud Run has 8 CPU and 32Gi at most',
  });
});

test('a misspelt field, a wrong type, and what only the service refuses are found', () => {
  const right = { name: 'agent', image: 'a:1', ports: [{ containerPort: 8080 }] };
  assert.deepEqual(cloudrunFaults([service(right)]), []);
  assert.match(cloudrunFaults([service({ ...right, imag: 'a:1' })]).join(), /imag/);
  assert.match(cloudrunFaults([service({ ...right, ports: [{ containerPort: '8080' }] })]).join(), /string.*number/);
  assert.deepEqual(cloudrunFaults([service({ ...right, env: [{ name: 'PORT', value: '1' }] })]), [
    'PORT is set where Cloud Run sets it',
  ]);
  assert.deepEqual(cloudrunFaults([service({ ...right, securityContext: { runAsUser: 1 } })]), [
    'Cloud Run has no securityContext',
  ]);
  assert.deepEqual(cloudrunFaults([service(right, { ...right, name: 'b' })]), ['2 containers have ports']);
  const slow = { ...right, startupProbe: { tcpSocket: {}, periodSeconds: 10, failureThreshold: 60 } };
  assert.deepEqual(cloudrunFaults([service(slow)]), ['startupProbe: longer than 240 s']);
});

function service(...containers: readonly JsonObject[]): JsonObject {
  return {
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
    metadata: { name: 'support-agent' },
    spec: { template: { spec: { containers } } },
  };
}

function frozen(value: Json): Json {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(frozen);
  return value;
}
