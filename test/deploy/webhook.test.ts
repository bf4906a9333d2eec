import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { type RequestOptions, request } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { connect, type PeerCertificate, type TLSSocket } from 'node:tls';
import { generate } from 'selfsigned';
import type { JsonObject } from '../../src/deploy/json.ts';
import { command } from '../support/outrider.ts';
import { Process } from '../support/process.ts';
import { tempDir } from '../support/temp.ts';
import { until } from '../support/until.ts';
import { kubernetesFaults } from './schemas/kubernetes.ts';

/** A review as API servers of Kubernetes 1.33 send it: the members are those of `admission.k8s.io/v1`. */
function review(pod: JsonObject, change: JsonObject = {}): JsonObject {
  return {
    kind: 'AdmissionReview',
    apiVersion: 'admission.k8s.io/v1',
    request: {
      uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
      kind: { group: '', version: 'v1', kind: 'Pod' },
      resource: { group: '', version: 'v1', resource: 'pods' },
      requestKind: { group: '', version: 'v1', kind: 'Pod' },
      requestResource: { group: '', version: 'v1', resource: 'pods' },
      namespace: 'agents',
      operation: 'CREATE',
      userInfo: {
        username: 'system:serviceaccount:kube-system:replicaset-controller',
        groups: ['system:serviceaccounts', 'system:authenticated'],
      },
      object: pod,
      oldObject: null,
      dryRun: false,
      options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' },
      ...change,
    },
  };
}

function pod(metadata: JsonObject = {}, container: JsonObject = {}): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: 'support-agent-6d5f7c9b8-',
      namespace: 'agents',
      labels: { app: 'support-agent', 'pod-template-hash': '6d5f7c9b8', 'outrider.dev/inject': 'true' },
      ...metadata,
    },
    spec: {
      containers: [
        {
          name: 'agent',
          image: 'registry.example.com/support-agent:1.0.0',
          ports: [{ name: 'http', containerPort: 3000, protocol: 'TCP' }],
          env: [{ name: 'OPENAI_API_KEY', valueFrom: { secretKeyRef: { name: 'llm', key: 'openai' } } }],
          ...container,
        },
      ],
      restartPolicy: 'Always',
    },
  };
}

interface Identity {
  readonly cert: string;
  readonly key: string;
}

async function identity(name = 'localhost', options: { ca?: Identity } = {}): Promise<Identity> {
  const made = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notAfterDate: new Date(Date.now() + 3_600_000),
    extensions: [
      { name: 'basicConstraints', cA: options.ca === undefined },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: name },
          { type: 7, ip: '127.0.0.1' },
        ],
      },
    ],
    ...(options.ca && { ca: { key: options.ca.key, cert: options.ca.cert } }),
  });
  return { cert: made.cert, key: made.private };
}

interface Webhook {
  readonly process: Process;
  readonly port: number;
  readonly ca: string;
  readonly folder: string;
}

async function startWebhook(t: TestContext, ...flags: string[]): Promise<Webhook> {
  const folder = tempDir(t);
  const made = await identity();
  writeFileSync(join(folder, 'tls.crt'), made.cert);
  writeFileSync(join(folder, 'tls.key'), made.key);
  const process = start(folder, '--addr', '127.0.0.1:0', ...flags);
  t.after(async () => {
    process.signal('SIGKILL');
    await process.exited;
  });
  const port = Number(
    await until(() => /the webhook listens.*?"port":(\d+)/.exec(process.stderr)?.[1], 'the webhook listens'),
  );
  return { process, port, ca: made.cert, folder };
}

function start(folder: string, ...flags: string[]): Process {
  const files = ['--tls-cert', join(folder, 'tls.crt'), '--tls-key', join(folder, 'tls.key')];
  return new Process(...command('webhook', ...files, ...flags), { PATH: process.env['PATH'] });
}

interface Answer {
  readonly status: number;
  readonly json: JsonObject;
}

function ask(
  { port, ca }: Pick<Webhook, 'port' | 'ca'>,
  body: string | Buffer,
  { path = '/mutate', ...options }: RequestOptions = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: '127.0.0.1',
        port,
        ca,
        path,
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        ...options,
      },
      (response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += String(chunk);
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, json: JSON.parse(text) as JsonObject }));
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

async function mutate(webhook: Webhook, reviewed: JsonObject, path = '/mutate'): Promise<JsonObject> {
  const { status, json } = await ask(webhook, JSON.stringify(reviewed), { path });
  assert.equal(status, 200, JSON.stringify(json));
  assert.equal(json['kind'], 'AdmissionReview');
  assert.equal(json['apiVersion'], 'admission.k8s.io/v1');
  const response = json['response'] as JsonObject;
  assert.equal(response['uid'], (reviewed['request'] as JsonObject)['uid']);
  return response;
}

interface Operation {
  op: string;
  path: string;
  value?: unknown;
}

/** What an API server makes of a pod with the patch of an answer. */
function patched(pod: JsonObject, response: JsonObject): JsonObject {
  assert.equal(response['allowed'], true, JSON.stringify(response));
  assert.equal(response['patchType'], 'JSONPatch');
  const operations = JSON.parse(Buffer.from(response['patch'] as string, 'base64').toString()) as Operation[];
  const root = structuredClone(pod) as Record<string, unknown>;
  for (const { op, path, value } of operations) {
    const steps = path
      .split('/')
      .slice(1)
      .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
    const last = steps.pop() ?? '';
    let at: unknown = root;
    for (const step of steps) at = (at as Record<string, unknown>)[step];
    if (Array.isArray(at) && op === 'add') at.splice(Number(last), 0, value);
    else if (Array.isArray(at) && op === 'remove') at.splice(Number(last), 1);
    else if (op === 'remove') delete (at as Record<string, unknown>)[last];
    else (at as Record<string, unknown>)[last] = value;
  }
  return root as JsonObject;
}

type Container = Record<string, unknown> & {
  name: string;
  env: { name: string; value?: string; valueFrom?: unknown }[];
};

function parts(made: JsonObject): { sidecar: Container; agent: Container } {
  const spec = made['spec'] as { initContainers: Container[]; containers: Container[] };
  const sidecar = spec.initContainers.find(({ name }) => name === 'outrider');
  const agent = spec.containers.find(({ name }) => name === 'agent');
  assert.ok(sidecar && agent);
  return { sidecar, agent };
}

const envOf = (container: Container, name: string): unknown => {
  const entry = container.env.find((one) => one.name === name);
  return entry?.value ?? entry?.valueFrom;
};

test('a pod with the label gets a native sidecar on the port that callers know', async (t) => {
  const webhook = await startWebhook(t, '--image', 'registry.example.com/outrider:1.2.3');
  const before = pod();
  const made = patched(before, await mutate(webhook, review(before)));
  assert.deepEqual(kubernetesFaults([made]), []);
  const { sidecar, agent } = parts(made);
  assert.equal(sidecar['image'], 'registry.example.com/outrider:1.2.3');
  assert.equal(sidecar['restartPolicy'], 'Always');
  assert.deepEqual(
    (sidecar['ports'] as { name: string; containerPort: number }[]).map(({ name, containerPort }) => [
      name,
      containerPort,
    ]),
    [['http', 3000]],
  );
  assert.equal(envOf(sidecar, 'OUTRIDER_INBOUND_ADDR'), ':3000');
  assert.equal(envOf(sidecar, 'AGENT_NAME'), 'support-agent');
  assert.deepEqual(envOf(sidecar, 'AGENT_AUTH_TOKEN'), {
    secretKeyRef: { name: 'support-agent-outrider', key: 'AGENT_AUTH_TOKEN' },
  });
  assert.equal(agent['ports'], undefined);
  assert.equal(envOf(agent, 'PORT'), '8081');
  assert.equal(envOf(agent, 'HOST'), '127.0.0.1');
  assert.ok(!JSON.stringify(sidecar).includes('OPENAI_API_KEY'), "the agent's secrets stay the agent's");
  const { annotations } = made['metadata'] as { annotations: JsonObject };
  assert.equal(annotations['outrider.dev/injected'], 'registry.example.com/outrider:1.2.3');
});

test('reviewed again, as after other webhooks, it stays as it is', async (t) => {
  const webhook = await startWebhook(t);
  const made = patched(pod(), await mutate(webhook, review(pod())));
  const again = await mutate(webhook, review(made));
  assert.deepEqual([again['allowed'], again['patch']], [true, undefined]);
});

test('labels of the pod, and the path for whole namespaces, say whether there is a sidecar', async (t) => {
  const webhook = await startWebhook(t);
  const none = pod({ labels: { app: 'a' } });
  const no = pod({ labels: { 'outrider.dev/inject': 'false' } });
  const odd = pod({ labels: { 'outrider.dev/inject': 'maybe' } });
  const patchOf = async (one: JsonObject, path?: string): Promise<boolean> => {
    const response = await mutate(webhook, review(one), path);
    assert.equal(response['allowed'], true);
    return response['patch'] !== undefined;
  };
  assert.equal(await patchOf(none), false);
  assert.equal(await patchOf(none, '/mutate/namespace'), true);
  assert.equal(await patchOf(no, '/mutate/namespace'), false);
  assert.equal(await patchOf(pod(), '/mutate/namespace'), true);
  const denied = await mutate(webhook, review(odd));
  assert.equal(denied['allowed'], false);
});

test('annotations configure it; those that cannot be used deny the pod, and name themselves', async (t) => {
  const allowed = ['--allow-annotations', 'config, otel-endpoint,ledger-url'];
  const webhook = await startWebhook(t, '--ledger-url', 'https://ledger.example.com', ...allowed);
  const before = pod({
    labels: { 'outrider.dev/inject': 'true' },
    annotations: {
      'outrider.dev/agent-name': 'billing',
      'outrider.dev/agent-version': '2.0.0',
      'outrider.dev/team': 'finance',
      'outrider.dev/agent-port': '3001',
      'outrider.dev/drain-timeout': '40s',
      'outrider.dev/secret': 'billing-secrets',
      'outrider.dev/otel-endpoint': 'http://collector:4318',
      'outrider.dev/config': 'guardrails: [pii_detection]\n',
      'outrider.dev/colour': 'blue',
    },
  });
  const response = await mutate(webhook, review(before));
  const { sidecar, agent } = parts(patched(before, response));
  const expected: Record<string, unknown> = {
    AGENT_NAME: 'billing',
    AGENT_VERSION: '2.0.0',
    OUTRIDER_TEAM: 'finance',
    OUTRIDER_AGENT_URL: 'http://127.0.0.1:3001',
    OUTRIDER_DRAIN_TIMEOUT: '40s',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318',
    OUTRIDER_LEDGER_URL: 'https://ledger.example.com',
    OUTRIDER_LEDGER_TOKEN: { secretKeyRef: { name: 'billing-secrets', key: 'OUTRIDER_LEDGER_TOKEN' } },
    OUTRIDER_CONFIG_YAML: 'guardrails: [pii_detection]\n',
  };
  for (const [name, value] of Object.entries(expected)) assert.deepEqual(envOf(sidecar, name), value, name);
  assert.equal(envOf(agent, 'PORT'), '3001');
  assert.match(JSON.stringify(response['warnings']), /outrider\.dev\/colour is not read/);

  const broken = pod({
    labels: { 'outrider.dev/inject': 'true' },
    annotations: { 'outrider.dev/agent-port': '99999', 'outrider.dev/ledger-url': 'ftp://secret-value' },
  });
  const denied = await mutate(webhook, review(broken));
  assert.equal(denied['allowed'], false);
  const { message, code } = denied['status'] as JsonObject;
  assert.equal(code, 422);
  assert.match(JSON.stringify(message), /agent-port: expected a port.*ledger-url: expected an http/);
  assert.ok(!JSON.stringify(message).includes('secret-value'));
  assert.ok(!webhook.process.stderr.includes('secret-value'));
});

test("annotations that are the platform's deny the pod, unless they are allowed; URLs hold no credentials", async (t) => {
  const webhook = await startWebhook(t, '--allow-annotations', 'ledger-url');
  const denial = async (name: string, value: string): Promise<string> => {
    const labels = { 'outrider.dev/inject': 'true' };
    const made = pod({ labels, annotations: { [`outrider.dev/${name}`]: value } });
    const { allowed, status } = await mutate(webhook, review(made));
    return allowed === true ? '' : JSON.stringify(status);
  };
  assert.match(await denial('config', 'auth: none'), /dev\/config: the platform does not let pods say this/);
  assert.match(await denial('otel-endpoint', 'http://evil.io'), /dev\/otel-endpoint: the platform does not let pods/);
  assert.equal(await denial('ledger-url', 'https://ledger.example.com'), '');
  assert.match(await denial('ledger-url', 'https://user:hunter2@ledger.example.com'), /URL without credentials/);
  assert.match(await denial('ledger-url', 'https://user@ledger.example.com'), /URL without credentials/);
  assert.ok(!webhook.process.stderr.includes('hunter2'));
});

test('--allow-annotations with a name that is none is a mistake in the call', async (t) => {
  const folder = tempDir(t);
  const wrong = start(folder, '--allow-annotations', 'config,image');
  assert.equal((await wrong.exited).code, 1);
  assert.match(wrong.stderr, /Expected names of config, ledger-url, otel-endpoint/);
});

test('a container that only looks like the sidecar denies the pod, and is never marked as injected', async (t) => {
  const webhook = await startWebhook(t, '--image', 'registry.example.com/outrider:1.2.3');
  const image = 'registry.example.com/outrider:1.2.3';
  const impostors: [list: string, container: JsonObject][] = [
    ['containers', { name: 'outrider', image, command: ['sleep', '1'] }],
    ['initContainers', { name: 'outrider', image, args: ['--version'] }],
    ['containers', { name: 'x', image: 'evil.io/outrider/outrider:1.2.3' }],
  ];
  for (const [list, container] of impostors) {
    const before = pod();
    const spec = before['spec'] as JsonObject;
    const others = (spec[list] ?? []) as JsonObject[];
    const made = { ...before, spec: { ...spec, [list]: [...others, container] } };
    const response = await mutate(webhook, review(made));
    assert.deepEqual([response['allowed'], response['patch']], [false, undefined]);
    assert.match(JSON.stringify(response['status']), /not the sidecar that would be injected/);
  }
});

test('a pod in which two containers could be the agent is denied, with both named', async (t) => {
  const webhook = await startWebhook(t);
  const before = pod();
  const spec = before['spec'] as JsonObject;
  const two = {
    ...before,
    spec: { ...spec, containers: [...(spec['containers'] as JsonObject[]), { name: 'helper', image: 'h:1' }] },
  };
  const denied = await mutate(webhook, review(two));
  assert.equal(denied['allowed'], false);
  assert.match(JSON.stringify(denied['status']), /agent, helper/);
});

test('what is no review of a new pod is refused with what is wrong, and answers go on', async (t) => {
  const webhook = await startWebhook(t);
  const cases: [string, string | Buffer, RegExp, number, RequestOptions?][] = [
    ['no JSON', '{', /not JSON/, 400],
    ['not UTF-8', Buffer.from([0x22, 0xff, 0x22]), /not JSON/, 400],
    ['null', 'null', /AdmissionReview/, 400],
    [
      'another version',
      JSON.stringify({ ...review(pod()), apiVersion: 'admission.k8s.io/v1beta1' }),
      /admission\.k8s\.io\/v1/,
      400,
    ],
    ['no uid', JSON.stringify(review(pod(), { uid: '' })), /uid/, 400],
    [
      'another kind',
      JSON.stringify(review(pod(), { kind: { group: 'apps', version: 'v1', kind: 'Deployment' } })),
      /kind/,
      400,
    ],
    ['another operation', JSON.stringify(review(pod(), { operation: 'UPDATE' })), /operation/, 400],
    ['a part of a pod', JSON.stringify(review(pod(), { subResource: 'ephemeralcontainers' })), /subResource/, 400],
    ['nested too deeply', `${'['.repeat(50_000)}${']'.repeat(50_000)}`, /nested deeper/, 400],
    ['too large', Buffer.alloc(5 * 2 ** 20, 0x20), /larger|large/, 413],
    ['no JSON by its type', '{}', /application\/json/, 415, { headers: { 'content-type': 'text/plain' } }],
    ['another path', '{}', /nothing is served/, 404, { path: '/' }],
    ['another method', '', /method/, 405, { method: 'GET' }],
  ];
  for (const [name, body, expected, status, options] of cases) {
    const answer = await ask(webhook, body, options);
    assert.equal(answer.status, status, `${name}: ${JSON.stringify(answer.json)}`);
    assert.match(JSON.stringify(answer.json['error']), expected, name);
  }
  const { allowed } = await mutate(webhook, review(pod()));
  assert.equal(allowed, true);
});

test('hostile pods do not take it down', async (t) => {
  const webhook = await startWebhook(t);
  const proto = JSON.parse('{"__proto__":{"polluted":true},"name":"x"}') as JsonObject;
  const before = pod({ labels: { 'outrider.dev/inject': 'true' }, annotations: proto });
  const odd: JsonObject[] = [
    before,
    { ...pod(), spec: { containers: 'none' } },
    { ...pod(), spec: null },
    { ...pod(), spec: { containers: Array.from({ length: 20_000 }, (_, index) => ({ name: `c${index}` })) } },
    { ...pod(), metadata: { labels: { 'outrider.dev/inject': 'true' }, annotations: ['x'] } },
    pod({}, { env: 'PORT=1', ports: { containerPort: 'x' }, command: { a: 1 }, livenessProbe: 7 }),
  ];
  for (const one of odd) {
    const { status } = await ask(webhook, JSON.stringify(review(one)));
    assert.equal(status, 200);
  }
  assert.equal((await mutate(webhook, review(pod())))['allowed'], true);
});

test('a new certificate is used without a restart; one that is broken leaves the old one', async (t) => {
  const webhook = await startWebhook(t);
  const first = await fingerprint(webhook.port);
  const next = await identity();
  swap(webhook.folder, 'tls.crt', 'not a certificate');
  await until(() => webhook.process.stderr.includes('the one in force stays'), 'the certificate', 10_000);
  assert.equal(await fingerprint(webhook.port), first);
  swap(webhook.folder, 'tls.key', next.key);
  swap(webhook.folder, 'tls.crt', next.cert);
  const expected = new X509Certificate(next.cert).fingerprint256;
  await until(async () => (await fingerprint(webhook.port)) === expected, 'the certificate', 10_000);
  assert.equal((await mutate({ ...webhook, ca: next.cert }, review(pod())))['allowed'], true);
});

test('with --client-ca, callers without a certificate of it are turned away', async (t) => {
  const folder = tempDir(t);
  const ca = await identity('clients');
  writeFileSync(join(folder, 'ca.crt'), ca.cert);
  const webhook = await startWebhook(t, '--client-ca', join(folder, 'ca.crt'));
  await assert.rejects(ask(webhook, JSON.stringify(review(pod()))));
  const client = await identity('apiserver', { ca });
  const { status } = await ask(webhook, JSON.stringify(review(pod())), { cert: client.cert, key: client.key });
  assert.equal(status, 200);
});

test('a certificate that cannot be used is said at the start, with its file', async (t) => {
  const folder = tempDir(t);
  const [one, other] = [await identity(), await identity()];
  writeFileSync(join(folder, 'tls.crt'), one.cert);
  writeFileSync(join(folder, 'tls.key'), other.key);
  const mismatched = start(folder);
  assert.equal((await mismatched.exited).code, 1);
  assert.match(mismatched.stderr, /tls\.key: not the key of .*tls\.crt/);
  const missing = start(tempDir(t));
  assert.equal((await missing.exited).code, 1);
  assert.match(missing.stderr, /tls\.crt: cannot be read: ENOENT/);
});

test('plain HTTP, and a peer that never finishes its handshake, hurt nobody else', async (t) => {
  const webhook = await startWebhook(t);
  const plain = await fetch(`http://127.0.0.1:${webhook.port}/health`).catch((error: unknown) => error);
  assert.ok(plain instanceof Error);
  const silent = connectTcp(webhook.port, '127.0.0.1');
  t.after(() => silent.destroy());
  await once(silent, 'connect');
  // The first bytes of a handshake: a record of 256 bytes is to follow.
  silent.write(Buffer.from([0x16, 0x03, 0x01, 0x01, 0x00]));
  assert.equal((await mutate(webhook, review(pod())))['allowed'], true);
});

test('who sends large bodies and does not end them holds little memory, no other caller, and not for long', async (t) => {
  const webhook = await startWebhook(t);
  const memory = (): number => {
    const status = readFileSync(`/proc/${webhook.process.pid}/status`, 'utf8');
    return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
  };
  assert.equal((await mutate(webhook, review(pod())))['allowed'], true);
  const before = process.platform === 'linux' ? memory() : 0;
  const head =
    'POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n';
  const part = Buffer.alloc(4 * 2 ** 20 - 65_536, 0x20);
  const attackers = await Promise.all(
    Array.from({ length: 80 }, async () => {
      const socket = connect({ host: '127.0.0.1', port: webhook.port, ca: webhook.ca });
      t.after(() => socket.destroy());
      const closed = once(socket.on('error', () => undefined).resume(), 'close');
      await once(socket, 'secureConnect');
      await new Promise((resolve) => {
        socket.write(head);
        socket.write(`${part.length.toString(16)}\r\n`);
        socket.write(part, resolve);
        socket.write('\r\n');
      });
      const drip = setInterval(() => socket.write('1\r\nx\r\n'), 3_000);
      t.after(() => clearInterval(drip));
      return { closed };
    }),
  );
  for (let call = 0; call < 5; call++) assert.equal((await mutate(webhook, review(pod())))['allowed'], true);
  // Kept as they came, they would be 315 MiB.
  if (process.platform === 'linux') assert.ok(memory() - before < 200, `${before} MiB, then ${memory()}`);
  const cut = await Promise.race([
    Promise.all(attackers.map(({ closed }) => closed)),
    delay(15_000, 'still open', { ref: false }),
  ]);
  assert.notEqual(cut, 'still open');
});

test('who opens connections and holds them shuts nobody out', async (t) => {
  const webhook = await startWebhook(t);
  const sockets = Array.from({ length: 600 }, () => connectTcp(webhook.port, '127.0.0.1').on('error', () => undefined));
  t.after(() => sockets.forEach((socket) => socket.destroy()));
  await Promise.all(sockets.map((socket) => once(socket.resume(), 'connect')));
  assert.equal((await mutate(webhook, review(pod())))['allowed'], true);
  await until(() => sockets.filter(({ closed }) => closed).length >= 88, 'the first are cut');
  assert.ok(sockets.filter(({ closed }) => closed).length < 100);
});

test('configuration is always said, so that no file of a volume is: of a sidecar that was brought, too', async (t) => {
  const webhook = await startWebhook(t);
  const made = patched(pod(), await mutate(webhook, review(pod())));
  const { sidecar } = parts(made);
  assert.equal(envOf(sidecar, 'OUTRIDER_CONFIG_YAML'), '{}');
  const brought = withEnv(made, ({ name }) => name !== 'OUTRIDER_CONFIG_YAML');
  const again = patched(brought, await mutate(webhook, review(brought)));
  assert.equal(envOf(parts(again).sidecar, 'OUTRIDER_CONFIG_YAML'), '{}');
  const other = withEnv(made, () => true, { name: 'OUTRIDER_CONFIG_YAML', value: 'guardrails: []' });
  const denied = await mutate(webhook, review(other));
  assert.match(JSON.stringify(denied['status']), /OUTRIDER_CONFIG_YAML is not what the platform says/);
});

/** A pod with these of its sidecar's variables, and one instead of its own. */
function withEnv(made: JsonObject, keep: (one: { name: string }) => boolean, entry?: JsonObject): JsonObject {
  const { sidecar } = parts(made);
  const kept = sidecar.env.filter((one) => keep(one) && one.name !== entry?.['name']);
  const changed = { ...sidecar, env: [...kept, ...(entry === undefined ? [] : [entry])] };
  return { ...made, spec: { ...(made['spec'] as JsonObject), initContainers: [changed] } } as JsonObject;
}

test('SIGTERM ends it with 0, and a review under way is answered', async (t) => {
  const webhook = await startWebhook(t);
  const body = JSON.stringify(review(pod()));
  const sent = request({
    host: '127.0.0.1',
    port: webhook.port,
    ca: webhook.ca,
    path: '/mutate',
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      expect: '100-continue',
    },
  });
  // Said when the body begins to be read: then the review is under way.
  const underWay = once(sent, 'continue');
  const answered = new Promise<number>((resolve, reject) => {
    sent.on('response', (response) => resolve(response.resume().statusCode ?? 0));
    sent.on('error', reject);
  });
  sent.write(body.slice(0, 100));
  await underWay;
  webhook.process.signal('SIGTERM');
  const ready = { path: '/ready', method: 'GET' };
  await until(async () => (await ask(webhook, '', ready)).status === 503, 'it is no longer ready');
  sent.end(body.slice(100));
  assert.equal(await answered, 200);
  assert.equal((await webhook.process.exited).code, 0);
});

function swap(folder: string, name: string, text: string): void {
  writeFileSync(join(folder, `${name}.new`), text);
  renameSync(join(folder, `${name}.new`), join(folder, name));
}

function fingerprint(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket: TLSSocket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
      const { fingerprint256 }: PeerCertificate = socket.getPeerCertificate();
      socket.end();
      resolve(fingerprint256);
    });
    socket.on('error', reject);
  });
}
