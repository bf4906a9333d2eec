import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Imports the package's entry, runs one call, and prints which packages and which of Node's modules were loaded on the way. */
const SCRIPT = `
import { registerHooks } from 'node:module';
const packages = new Set();
registerHooks({
  resolve(specifier, context, next) {
    const result = next(specifier, context);
    const [, name] = /\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)\\/(?!.*\\/node_modules\\/)/.exec(result.url) ?? [];
    if (name !== undefined) packages.add(name);
    return result;
  },
});
const library = await import(process.env.ENTRY);
const imported = [...packages];
let output;
const { URL: url, HOW: how } = process.env;
if (how === 'agentsFrom') await (await library.agentsFrom({ agents: { echo: url } })).close();
else if (how !== '') {
  const agent = library[how]({ url, id: 'echo' });
  ({ output } = await agent.execute({ input: 'x' }).catch((error) => ({ output: error.code })));
  await agent.close();
}
console.log(JSON.stringify({
  output, imported: imported.sort(), packages: [...packages].sort(),
  node: process.moduleLoadList.map((entry) => entry.replace(/^NativeModule /, '')),
}));
`;

interface Loaded {
  output?: string;
  imported: string[];
  packages: string[];
  node: string[];
}

async function load(how: string, url = ''): Promise<Loaded> {
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', SCRIPT], {
    env: {
      PATH: process.env['PATH'],
      ENTRY: new URL('../../src/library/agent.ts', import.meta.url).href,
      HOW: how,
      URL: url,
    },
    timeout: 30_000,
  });
  // The script prints this shape.
  return JSON.parse(stdout) as Loaded;
}

/** What a team that wants the port and HTTP must not pay for. */
const NOT_FOR_HTTP =
  /^(@connectrpc\/|@grpc\/|@modelcontextprotocol\/|@opentelemetry\/|@pydantic\/|zod$|yaml$|commander$|jose$|re2js$|libphonenumber-js$)/;

test('importing the entry loads no HTTP client, no gRPC, no database and no server', async () => {
  const { imported, node } = await load('');
  assert.deepEqual(
    imported.filter((name) => NOT_FOR_HTTP.test(name) || name === 'undici'),
    [],
  );
  for (const name of ['sqlite', 'http2', 'child_process']) assert.ok(!node.includes(name), name);
});

test('a call over HTTP loads the HTTP client on top of it, and no more', async (t) => {
  const reply = { output: 'hello', token_count: 0, execution_time_ms: 0, loop_count: 0, stop_reason: 'completed' };
  const server = createServer((_request, response) => {
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify(reply));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const { output, packages, node } = await load('httpAgent', `http://127.0.0.1:${port}`);
  assert.equal(output, 'hello');
  assert.deepEqual(
    packages.filter((name) => NOT_FOR_HTTP.test(name)),
    [],
  );
  assert.ok(packages.includes('undici'));
  assert.ok(!node.includes('sqlite'));
});

test('the check sees what else there is to load', async () => {
  const { packages } = await load('agentsFrom', 'http://127.0.0.1:9');
  assert.ok(packages.includes('zod'));
  const { node, output } = await load('grpcAgent', 'grpc://127.0.0.1:9');
  assert.equal(output, 'unreachable');
  assert.ok(node.includes('http2'));
});
