import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Starts tracing in a process of its own and prints which packages were resolved on the way. */
const SCRIPT = `
import { registerHooks } from 'node:module';
const packages = new Set();
registerHooks({
  resolve(specifier, context, next) {
    if (!/^[./#]|^node:|^file:/.test(specifier)) packages.add(specifier);
    return next(specifier, context);
  },
});
const { startTracing } = await import(process.env.TRACING);
const { createLog } = await import(process.env.LOG);
const { createMetrics, tracingMetrics } = await import(process.env.METRICS);
const log = createLog({ level: 'error', format: 'auto', stream: process.stderr });
const tracing = await startTracing({ env: process.env, serviceName: 'weather', log });
tracing?.start('GET', 'server', []).end();
await tracing?.shutdown(100);
const metrics = createMetrics({ version: '0', log });
metrics.close();
const { body } = await metrics.render();
const shut = performance.now();
process.on('exit', () => console.log(JSON.stringify({
  started: tracing !== undefined,
  packages: [...packages].sort(),
  scraped: body.length > 0,
  lingeredMs: Math.round(performance.now() - shut),
})));
`;

async function start(env: Record<string, string>) {
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', SCRIPT], {
    env: {
      PATH: process.env['PATH'],
      TRACING: new URL('../../src/telemetry/tracing.ts', import.meta.url).href,
      LOG: new URL('../../src/telemetry/log.ts', import.meta.url).href,
      METRICS: new URL('../../src/telemetry/metrics.ts', import.meta.url).href,
      ...env,
    },
    timeout: 30_000,
  });
  // The script prints this shape.
  return JSON.parse(stdout) as { started: boolean; packages: string[]; scraped: boolean; lingeredMs: number };
}

test('without an endpoint no package is loaded at all', async () => {
  const { started, packages, scraped } = await start({});
  assert.equal(started, false);
  assert.deepEqual(packages, []);
  assert.equal(scraped, true);
});

test('with an endpoint the official packages are, and a collector that is down holds up no exit', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const { started, packages, lingeredMs } = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` });
  assert.equal(started, true);
  assert.ok(packages.includes('@opentelemetry/sdk-trace'));
  assert.ok(packages.includes('@opentelemetry/exporter-trace-otlp-proto'));
  assert.ok(lingeredMs < 3_000, `${lingeredMs} ms`);
});
