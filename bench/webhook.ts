/**
 * How long the admission webhook takes to answer, seen from where the API server stands: real reviews over TLS, one after the other on a kept
 * connection, then each on a new one. Run: npm run bench:webhook
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generate } from 'selfsigned';

const folder = mkdtempSync(join(tmpdir(), 'outrider-bench-'));
const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
  keyType: 'ec',
  algorithm: 'sha256',
  extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
});
writeFileSync(join(folder, 'tls.crt'), cert);
writeFileSync(join(folder, 'tls.key'), key);
const bin = fileURLToPath(new URL('../bin/outrider.js', import.meta.url));
const files = ['--tls-cert', join(folder, 'tls.crt'), '--tls-key', join(folder, 'tls.key')];
const webhook = spawn(process.execPath, [bin, 'webhook', ...files, '--addr', '127.0.0.1:0'], {
  stdio: ['ignore', 'inherit', 'pipe'],
});

const body = JSON.stringify({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: {
    uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
    kind: { group: '', version: 'v1', kind: 'Pod' },
    operation: 'CREATE',
    namespace: 'agents',
    object: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { generateName: 'agent-', labels: { 'outrider.dev/inject': 'true' } },
      spec: {
        containers: [
          {
            name: 'agent',
            image: 'agent:1',
            ports: [{ name: 'http', containerPort: 3000 }],
            env: Array.from({ length: 40 }, (_, index) => ({ name: `SETTING_${index}`, value: 'x'.repeat(64) })),
            livenessProbe: { httpGet: { path: '/healthz', port: 'http' } },
          },
        ],
      },
    },
  },
});

function ask(port: number, agent: Agent): Promise<number> {
  const begun = performance.now();
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const sent = request({ host: '127.0.0.1', port, ca: cert, path: '/mutate', method: 'POST', agent, headers });
    sent.on('response', (response) => {
      response.resume().on('end', () => resolve(performance.now() - begun));
      if (response.statusCode !== 200) reject(new Error(`status ${response.statusCode}`));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

async function measure(name: string, port: number, keepAlive: boolean, count: number): Promise<void> {
  const agent = new Agent({ keepAlive, maxSockets: 1, maxCachedSessions: 0 });
  const first = await ask(port, agent);
  const times: number[] = [];
  for (let index = 0; index < count; index++) times.push(await ask(port, agent));
  agent.destroy();
  times.sort((one, other) => one - other);
  const at = (part: number): string => (times[Math.min(count - 1, Math.floor(count * part))] ?? 0).toFixed(1);
  console.log(`${name.padEnd(24)} first ${first.toFixed(1)} ms, then p50 ${at(0.5)}, p99 ${at(0.99)}, max ${at(1)} ms`);
}

try {
  const port = await new Promise<number>((resolve) => {
    let text = '';
    webhook.stderr.on('data', (chunk) => {
      text += String(chunk);
      const found = /the webhook listens.*?"port":(\d+)/.exec(text)?.[1];
      if (found !== undefined) resolve(Number(found));
    });
  });
  console.log(`a review of ${body.length} bytes`);
  await measure('on a kept connection', port, true, 2_000);
  await measure('each on a new one', port, false, 500);
} finally {
  webhook.kill('SIGTERM');
  rmSync(folder, { recursive: true, force: true });
}
