import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { webhookCommand } from '../../src/cli/commands/webhook.ts';
import { VERSION } from '../../src/cli/version.ts';
import { INJECT_LABEL } from '../../src/deploy/admission.ts';
import { runOutrider } from '../support/outrider.ts';
import { ROOT } from '../support/process.ts';
import { kubernetesFaults } from './schemas/kubernetes.ts';

/** The bases for the webhook and the ledger, as files: what `kubectl apply -k` would put together of them. */
const FOLDER = join(ROOT, 'deploy/kustomize');

interface Kustomization {
  readonly resources: readonly string[];
  readonly images?: readonly { readonly name: string; readonly newTag: string }[];
}

// Shapes that the schema of Kubernetes has been held against before any of it is read.
type Loose = Record<string, never> & { kind: string; metadata: { name: string } };

function read(base: string): { kustomization: Kustomization; objects: Loose[] } {
  const folder = join(FOLDER, base);
  const kustomization = parse(readFileSync(join(folder, 'kustomization.yaml'), 'utf8')) as Kustomization;
  const objects = kustomization.resources
    .filter((name) => name.endsWith('.yaml'))
    .flatMap((name) => parseAllDocuments(readFileSync(join(folder, name), 'utf8')))
    .map((document) => document.toJS() as Loose);
  return { kustomization, objects };
}

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- each caller says which of the checked shapes it reads
function only<T>(objects: readonly Loose[], kind: string): T {
  const found = objects.filter((one) => one.kind === kind);
  assert.equal(found.length, 1, kind);
  return found[0] as T;
}

for (const base of readdirSync(FOLDER)) {
  test(`${base}: every file is part of it, and every part is there`, () => {
    const { kustomization } = read(base);
    for (const name of kustomization.resources) assert.ok(existsSync(join(FOLDER, base, name)), name);
    const files = readdirSync(join(FOLDER, base)).filter((name) => name !== 'kustomization.yaml');
    assert.deepEqual(
      files.filter((name) => !kustomization.resources.includes(name)),
      [],
    );
    for (const { name, newTag } of kustomization.images ?? [])
      assert.deepEqual([name, newTag], ['outrider/outrider', VERSION]);
  });
}

for (const base of ['webhook', 'ledger']) {
  test(`${base}: its objects follow the types of Kubernetes`, () => {
    assert.deepEqual(kubernetesFaults(read(base).objects), []);
  });
}

interface PodTemplate {
  readonly metadata: { readonly labels: Record<string, string> };
  readonly spec: {
    readonly automountServiceAccountToken: boolean;
    readonly securityContext: Record<string, unknown>;
    readonly containers: readonly {
      readonly image: string;
      readonly args: readonly string[];
      readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
      readonly securityContext: Record<string, unknown>;
    }[];
  };
}

test('the webhook: what is asked, where it listens and what it may do fit together', async () => {
  const { objects } = read('webhook');
  const deployment = only<{ spec: { selector: { matchLabels: object }; template: PodTemplate } }>(
    objects,
    'Deployment',
  );
  const service = only<{
    metadata: { name: string };
    spec: { selector: object; ports: { port: number; targetPort: string }[] };
  }>(objects, 'Service');
  const { template, selector } = deployment.spec;
  const [container] = template.spec.containers;
  assert.ok(container);
  assert.deepEqual(selector.matchLabels, template.metadata.labels);
  assert.deepEqual(service.spec.selector, template.metadata.labels);
  assert.equal(service.spec.ports[0]?.targetPort, container.ports[0]?.name);
  assert.ok(container.args.includes(`--addr=:${container.ports[0]?.containerPort}`));
  const known = new Set(webhookCommand().options.map(({ long }) => long));
  const flags = container.args.slice(1).map((arg) => arg.split('=')[0]);
  assert.deepEqual(
    flags.filter((flag) => !known.has(flag)),
    [],
  );
  assert.equal(template.spec.automountServiceAccountToken, false);
  assert.equal(template.spec.securityContext['runAsNonRoot'], true);
  assert.deepEqual(container.securityContext['capabilities'], { drop: ['ALL'] });

  const configuration = only<{
    webhooks: {
      failurePolicy: string;
      clientConfig: { service: { name: string; port: number; path: string } };
      namespaceSelector: { matchExpressions: { key: string; operator: string; values: string[] }[] };
      objectSelector: { matchExpressions: { key: string }[] };
    }[];
  }>(objects, 'MutatingWebhookConfiguration');
  assert.deepEqual(
    configuration.webhooks.map(({ clientConfig }) => clientConfig.service.path),
    ['/mutate', '/mutate/namespace'],
  );
  for (const { failurePolicy, clientConfig, namespaceSelector, objectSelector } of configuration.webhooks) {
    assert.equal(failurePolicy, 'Fail');
    assert.equal(clientConfig.service.name, service.metadata.name);
    assert.equal(clientConfig.service.port, service.spec.ports[0]?.port);
    assert.equal(objectSelector.matchExpressions[0]?.key, INJECT_LABEL);
    const spared = namespaceSelector.matchExpressions.find(({ operator }) => operator === 'NotIn');
    assert.deepEqual(spared?.values, ['outrider-system', 'kube-system'], 'it must not stand in its own way');
  }
});

test('the ledger: the command takes what it is given, and its Service leads to it', async () => {
  const { objects } = read('ledger');
  const set = only<{ spec: { template: PodTemplate; replicas: number } }>(objects, 'StatefulSet');
  const service = only<{ spec: { selector: object; ports: { targetPort: string }[] } }>(objects, 'Service');
  const [container] = set.spec.template.spec.containers;
  assert.ok(container);
  assert.equal(set.spec.replicas, 1, 'one process owns the database');
  assert.deepEqual(service.spec.selector, set.spec.template.metadata.labels);
  assert.equal(service.spec.ports[0]?.targetPort, container.ports[0]?.name);
  const [command = '', ...flags] = container.args;
  const help = await runOutrider([command, '--help']);
  for (const flag of flags) assert.match(help.stdout, new RegExp(`${flag.split('=')[0]} `));
  // Without a token it does not start: the Secret is not optional.
  const { code, stderr } = await runOutrider([command, '--addr=127.0.0.1:0']);
  assert.equal(code, 1);
  assert.match(stderr, /OUTRIDER_LEDGER_TOKEN/);
});
