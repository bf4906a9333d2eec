import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseAllDocuments } from 'yaml';
import type { Json, JsonObject } from '../../src/deploy/json.ts';
import { literal } from '../../src/deploy/kubernetes/sidecar.ts';
import { kubernetes } from '../../src/deploy/kubernetes.ts';
import { makePlan } from '../../src/deploy/make-plan.ts';
import type { Plan } from '../../src/deploy/plan.ts';
import { ManifestError } from '../../src/deploy/target.ts';
import { assertExamples } from './example.ts';
import { goldenTests } from './golden.ts';
import { kubernetesFaults } from './schemas/kubernetes.ts';

goldenTests(kubernetes, kubernetesFaults);

test('the page shows what the golden files say', () => assertExamples('kubernetes'));

const GOLDEN = join(import.meta.dirname, 'golden/kubernetes');

test('nothing that comes in is changed, and injecting into what came out changes nothing', () => {
  for (const file of readdirSync(GOLDEN)) {
    const [, input] = /^-- input --\n(.*?)(?=^-- )/ms.exec(readFileSync(join(GOLDEN, file), 'utf8')) ?? [];
    const documents = parseAllDocuments(input ?? '', { merge: true }).map((one) => frozen(one.toJS()));
    const plan = planOf({ container: 'agent', networkPolicy: true });
    const once = attempt(() => kubernetes.inject(documents, plan));
    if (once === undefined) continue;
    const twice = kubernetes.inject(once.documents, plan);
    assert.deepEqual(twice.documents, once.documents, file);
    assert.deepEqual(twice.notes, [], file);
  }
});

/** The `restricted` Pod Security Standard, as far as it is about containers. */
test('the sidecar holds to the restricted Pod Security Standard', () => {
  const { initContainers, volumes } = specOf(kubernetes.inject([deployment({})], planOf({})).documents[0]);
  const [sidecar] = listOf(initContainers);
  assert.deepEqual(sidecar?.['securityContext'], {
    runAsNonRoot: true,
    runAsUser: 65_532,
    runAsGroup: 65_532,
    readOnlyRootFilesystem: true,
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    seccompProfile: { type: 'RuntimeDefault' },
  });
  assert.deepEqual(Object.keys(listOf(volumes)[0] ?? {}), ['name', 'emptyDir']);
});

test('the sidecar starts before every init container that may call it, and behind what stands at the front of the network', () => {
  const kinds = fc.array(fc.constantFrom<'native' | 'mesh' | 'init'>('native', 'mesh', 'init'), { maxLength: 6 });
  fc.assert(
    fc.property(kinds, (list) => {
      const initContainers = list.map((kind, index) => ({
        name: `${kind === 'mesh' ? 'istio-' : ''}c${index}`,
        image: 'c:1',
        ...(kind === 'native' && { restartPolicy: 'Always' }),
      }));
      const spec = specOf(kubernetes.inject([deployment({ initContainers })], planOf({})).documents[0]);
      const names = listOf(spec['initContainers']).map(({ name }) => name);
      const first = list.indexOf('init');
      assert.equal(names.indexOf('outrider'), first === -1 ? list.length : first);
      assert.deepEqual(
        names.filter((name) => name !== 'outrider'),
        initContainers.map(({ name }) => name),
      );
    }),
  );
});

test('Kubernetes gives the sidecar the text that was meant, whatever dollars it has', () => {
  const text = fc.array(fc.constantFrom('$', '(', ')', 'A', '$$', '$(A)', '$(B', 'é\n')).map((parts) => parts.join(''));
  fc.assert(fc.property(text, (value) => assert.equal(expand(literal(value), { A: 'secret' }), value)));
});

test('a misspelt field, a wrong type, and what only the API server refuses are found', () => {
  const right = deployment({});
  assert.deepEqual(kubernetesFaults([right]), []);
  assert.match(kubernetesFaults([deployment({ hostNetwrok: true })]).join(), /hostNetwrok/);
  assert.match(kubernetesFaults([deployment({ terminationGracePeriodSeconds: '30' })]).join(), /string.*number/);
  assert.match(kubernetesFaults([deployment({ containers: [{ image: 'a:1' }] })]).join(), /name/);
  const mount = { name: 'agent', image: 'a:1', volumeMounts: [{ name: 'nowhere', mountPath: '/x' }] };
  assert.deepEqual(kubernetesFaults([deployment({ containers: [mount] })]), ['there is no volume nowhere']);
  assert.deepEqual(kubernetesFaults([{ apiVersion: 'apps/v1beta1', kind: 'Deployment' }]), [
    'no type is known of apps/v1beta1 Deployment',
  ]);
  const lifecycle = { preStop: { sleep: { seconds: 1 } } };
  const container = { image: 'a:1', ports: [{ containerPort: 80 }], lifecycle };
  const knative = {
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
    spec: { template: { spec: { containers: [container] } } },
  };
  assert.match(kubernetesFaults([knative]).join(), /lifecycle/);
});

function planOf(options: Partial<Parameters<typeof makePlan>[1]>): Plan {
  const plan = makePlan(undefined, { version: '1.2.3', ...options });
  assert.ok(plan);
  return plan;
}

function deployment(spec: JsonObject): JsonObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'support-agent' },
    spec: {
      selector: { matchLabels: { app: 'a' } },
      template: {
        metadata: { labels: { app: 'a' } },
        spec: { containers: [{ name: 'agent', image: 'a:1' }], ...spec },
      },
    },
  };
}

function specOf(document: Json | undefined): JsonObject {
  // What `deployment` made.
  return (document as { spec: { template: { spec: JsonObject } } }).spec.template.spec;
}

function listOf(value: Json | undefined): JsonObject[] {
  assert.ok(Array.isArray(value));
  // Containers and volumes are objects.
  return value as JsonObject[];
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof ManifestError) return undefined;
    throw error;
  }
}

function frozen(value: Json): Json {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(frozen);
  return value;
}

/** How Kubernetes puts variables into values: `$(NAME)` where there is one of that name, `$` for `$$`. */
function expand(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\$(\$|\(([^)]*)\))?/g, (all, what?: string, name?: string) => {
    if (what === '$') return '$';
    return name === undefined ? all : (variables[name] ?? all);
  });
}
